"""
Calls to a forge's API: JSON both ways, a token that no other host ever sees, sizes and times bounded.

Waits where the forge asks to, as long as the deadline allows. What an answer means, each forge's own file knows.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from tiphys.model.errors import Refused, SpecError, TiphysError, Unavailable

MIB = 1024 * 1024
_MOST_HOPS = 5
_AGAIN = frozenset({301, 302, 307, 308})
_MOST_WORDS = 300


class FaultError(Unavailable):
    """The forge failed at what it was asked; a moment later it may succeed."""


class UnknownError(Refused):
    """The forge knows nothing at the address, or does not show it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes."""

    seconds: float = 60.0
    """For all calls together, waits included."""
    body_bytes: int = 8 * MIB
    """The largest answer that is read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a forge answered."""

    status: int
    body: Any
    """Decoded; ``None`` where it was no JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By names in small letters."""

    @property
    def words(self) -> str:
        """What it says is wrong, in its own words: every forge has another place for them."""
        return _words(self.body)[:_MOST_WORDS] or f"HTTP {self.status}"


class Web:
    """An API, by calls; for one run."""

    def __init__(
        self, api: str, name: str, session: aiohttp.ClientSession, limits: Limits | None = None
    ) -> None:
        """``name`` is how messages call the forge."""
        self._api = api
        self._name = name
        self._session = session
        self._limits = limits or Limits()
        self._until = time.monotonic() + self._limits.seconds

    @classmethod
    @asynccontextmanager
    async def open(cls, api: str, name: str, limits: Limits | None = None) -> "AsyncIterator[Web]":
        """An API for a ``with`` block."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        headers = {"User-Agent": "tiphys"}
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            yield cls(api, name, session, limits)

    async def call(
        self, method: str, path: str, headers: Mapping[str, str], body: Mapping[str, object] | None = None
    ) -> Answer:
        """
        The answer, also when it is a no that the forge gives reasons for.

        Raises ``Refused`` if it does not know us or forbids it, ``Unavailable`` if it does not answer in time.
        """
        doing = f"{method} {urlsplit(self._api + path).path} of {self._name}"
        try:
            async with asyncio.timeout_at(self._deadline()):
                return await self._patiently(method, path, headers, body)
        except TimeoutError as error:
            raise Unavailable(f"{doing}: not done within {self._limits.seconds:g} seconds") from error
        except aiohttp.ClientError as error:
            raise Unavailable(f"{doing}: {_why(error)}") from error

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + max(0.0, self._until - time.monotonic())

    async def _patiently(
        self, method: str, path: str, headers: Mapping[str, str], body: Mapping[str, object] | None
    ) -> Answer:
        while True:
            answer = await self._follow(method, self._api + path, headers, body)
            wait = pause_of(answer, time.time())
            if wait is None:
                if error := self._refusal(answer):
                    raise error
                return answer
            if time.monotonic() + wait >= self._until:
                raise Unavailable(
                    f"{self._name} asks to be left alone for {wait:.0f} seconds (too many requests): "
                    f"try again then; it says: {answer.words}"
                )
            await asyncio.sleep(wait)

    async def _follow(
        self, method: str, url: str, headers: Mapping[str, str], body: Mapping[str, object] | None
    ) -> Answer:
        """The answer at the end of redirects, each of which asks for the very same request."""
        for _ in range(_MOST_HOPS):
            # aiohttp's own look at the environment would take a .netrc too, and fail for having two tokens.
            async with self._session.request(
                method, url, headers=headers, json=body, allow_redirects=False, proxy=_proxy(url)
            ) as got:
                if got.status not in _AGAIN:
                    return await self._read(got)
                leads = urljoin(url, got.headers.get("Location", ""))
            if _origin(leads) != _origin(url):
                raise Refused(
                    f"{self._name} sends us on to {urlsplit(leads).netloc[:200] or 'nowhere'}, where the token is "
                    "not for: name the repository's newest address with --repo"
                )
            url = leads
        raise Unavailable(f"{self._name} leads from one address to the next without end")

    async def _read(self, got: aiohttp.ClientResponse) -> Answer:
        content = bytearray()
        async for piece in got.content.iter_chunked(65536):
            content += piece
            if len(content) > self._limits.body_bytes:
                most = self._limits.body_bytes // MIB
                raise SpecError(f"{self._name} answers with more than {most} MiB, the most that we read")
        try:
            body = json.loads(content) if content else None
        except (ValueError, RecursionError):
            body = None
        return Answer(got.status, body, {name.lower(): value for name, value in got.headers.items()})

    def _refusal(self, answer: Answer) -> TiphysError | None:
        """The error that every caller would raise."""
        match answer.status:
            case 401:
                return Refused(f"{self._name} does not accept the token: {answer.words}; is it still valid?")
            case 403:
                return Refused(f"{self._name} forbids it: {answer.words}; the token needs further rights")
            case 404:
                return UnknownError(
                    f"{self._name} has no such repository, or does not show it to this token: {answer.words}; check "
                    "--repo, and what the token may see"
                )
            case status if status >= 500:
                return FaultError(f"{self._name} has an error of its own: {answer.words}")
            case status if status < 400 and answer.body is None and status != 204:
                return Unavailable(
                    f"{self._name} answers, and not with JSON: is its address right? Name it like "
                    "--forge gitea=https://git.example.com"
                )
        return None


def pause_of(answer: Answer, now: float) -> float | None:
    """
    How many seconds the forge wants us to wait before we ask again; ``None`` if it does not.

    GitHub says so with 403 or 429, and ``Retry-After`` or the second (UTC) in which its count begins anew.
    """
    if answer.status not in (403, 429):
        return None
    if (after := answer.headers.get("retry-after", "")).isdecimal():
        return float(after[:9])
    reset = answer.headers.get("x-ratelimit-reset", answer.headers.get("ratelimit-reset", ""))
    used_up = answer.headers.get("x-ratelimit-remaining", answer.headers.get("ratelimit-remaining")) == "0"
    if used_up and reset.isdecimal():
        return max(1.0, float(reset[:12]) - now)
    # The least that GitHub's documentation asks for where no header tells.
    return 60.0 if answer.status == 429 else None


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for a URL."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _words(body: Any) -> str:
    match body:
        case str():
            return " ".join("".join(c for c in body if c.isprintable() or c.isspace()).split())
        case list():
            return "; ".join(filter(None, map(_words, body[:5])))
        case {"message": told, **rest} | {"error": told, **rest}:
            return "; ".join(filter(None, [_words(told), _words(rest.get("errors"))]))
        case dict():
            return "; ".join(f"{name}: {_words(value)}" for name, value in list(body.items())[:5])
    return ""


def _why(error: aiohttp.ClientError) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its host name cannot be looked up"
        case aiohttp.ClientSSLError():
            return "no secure connection: its certificate is not trusted here, or the handshake failed"
        case aiohttp.ClientConnectorError():
            return "nothing answers there"
    return "the connection broke off"
