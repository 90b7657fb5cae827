"""
Credentials of Git repositories as Argo CD keeps them: Secrets with the label ``argocd.argoproj.io/secret-type``.

``repository`` and ``repository-write`` are for one URL, ``repo-creds`` and ``repo-write-creds`` for all that begin with
theirs; the longest that fits counts. A Secret that is malformed is passed over and hurts no other.
"""

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterable
from dataclasses import dataclass, field

from tiphys.model.objects import Body, part

LABEL = "argocd.argoproj.io/secret-type"
WRITING = ("repository-write", "repo-write-creds")
"""The types whose credentials may push."""
_FOR_ONE = frozenset({"repository", "repository-write"})


@dataclass(frozen=True, slots=True)
class Credential:
    """What a Secret says of repositories."""

    secret: str
    """Its name, for messages."""
    url: str
    exact: bool
    """Whether it is for this URL alone."""
    username: str = ""
    password: str = field(default="", repr=False)
    ssh_private_key: str = field(default="", repr=False)

    def fits(self, url: str) -> bool:
        """Whether it is for a repository: a prefix ends where a part of the path does."""
        own, asked = _normal(self.url), _normal(url)
        return own == asked or (not self.exact and asked.startswith(own.rstrip("/") + "/"))


def credentials(secrets: Iterable[Body], types: Iterable[str]) -> list[Credential]:
    """Those of the Secrets that have one of these types."""
    wanted = frozenset(types)
    return [found for body in secrets if _type(body) in wanted and (found := _read(body))]


def best(found: Iterable[Credential], url: str) -> Credential | None:
    """The one for a URL: that of the very repository first, then the longest prefix."""
    fitting = [one for one in found if one.fits(url)]
    return max(fitting, key=lambda one: (one.exact, len(one.url), one.secret), default=None)


def _read(secret: Body) -> Credential | None:
    texts = {key: _text(value) for key, value in part(secret, "data").items()}
    if not texts.get("url", "").strip():
        return None
    return Credential(
        str(part(secret, "metadata").get("name", "")),
        texts["url"].strip(),
        _type(secret) in _FOR_ONE,
        texts.get("username", "").strip(),
        (texts.get("password", "") or texts.get("bearerToken", "")).strip(),
        texts.get("sshPrivateKey", ""),
    )


def _type(secret: Body) -> str:
    return str(part(secret, "metadata", "labels").get(LABEL, ""))


def _text(value: object) -> str:
    try:
        return b64decode(value, validate=True).decode() if isinstance(value, str) else ""
    except (NoBase64, ValueError):
        return ""


def _normal(url: str) -> str:
    """A URL as Argo CD compares it: the host in small letters, no ``.git`` at the end."""
    scheme, divider, rest = url.strip().partition("://")
    host, slash, path = rest.partition("/")
    bare = f"{host.rpartition('@')[2].lower()}{slash}{path}" if divider else url.strip()
    return (
        f"{scheme.lower()}{divider}{bare}".rstrip("/").removesuffix(".git")
        if divider
        else bare.removesuffix(".git")
    )
