"""
How a registry asks who we are: ``WWW-Authenticate`` of RFC 9110, and the token that the distribution protocol adds.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tiphys.model.images import Login

_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*,?\s*')
_SCHEME = re.compile(r"\s*([A-Za-z]+)(?:\s+|$)")
_USUAL_SECONDS = 60.0
_LONGEST_SECONDS = 3600.0
_EARLY = 10.0
"""Seconds before its end from which on a token is not used any more."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry wants to see."""

    scheme: str
    """In small letters: ``bearer`` or ``basic``."""
    realm: str = ""
    """For a bearer: the URL that gives out tokens."""
    service: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer's token and how long it may be used, in seconds."""

    value: str
    seconds: float


def challenge(headers: Sequence[str]) -> Challenge | None:
    """The first of several challenges that we can meet."""
    found = [_read(header[:8192]) for header in headers]
    return next((one for one in found if one.scheme in ("bearer", "basic")), None)


def basic(login: Login) -> str:
    """The header that tells a user and a password."""
    return "Basic " + b64encode(f"{login.user}:{login.secret}".encode()).decode()


def token_of(document: Any) -> Token | None:
    """The token of an answer of a realm; ``None`` if there is none in it."""
    if not isinstance(document, dict):
        return None
    value = document.get("token") or document.get("access_token")
    lasts = document.get("expires_in")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return None
    seconds = float(lasts) if isinstance(lasts, int) and not isinstance(lasts, bool) else _USUAL_SECONDS
    return Token(value, min(max(seconds, _EARLY), _LONGEST_SECONDS) - _EARLY)


def _read(header: str) -> Challenge:
    start = _SCHEME.match(header)
    if not start:
        return Challenge("")
    told = {
        m[1].lower(): re.sub(r"\\(.)", r"\1", m[2] or "") or m[3] or "" for m in _PARAMETER.finditer(header)
    }
    return Challenge(start[1].lower(), told.get("realm", ""), told.get("service", ""), told.get("scope", ""))
