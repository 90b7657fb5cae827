"""
Credentials of Git repositories as Argo CD keeps them: Secrets with the label ``argocd.argoproj.io/secret-type``.

``repository`` and ``repository-write`` are for one URL, ``repo-creds`` and ``repo-write-creds`` for all that begin with
theirs; the longest that fits counts. A Secret that is malformed hurts no other: one without a URL is passed over, one
with a field that cannot be used says so when its repository is asked for.
"""

import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tiphys.model.objects import Body, part

LABEL = "argocd.argoproj.io/secret-type"
READING = ("repository", "repo-creds")
"""The types whose credentials may read."""
WRITING = ("repository-write", "repo-write-creds")
"""The types whose credentials may push."""
GIT, HELM = "git", "helm"
_SCP_LIKE = re.compile(r"^[^/@]*@([^/:@]+):(.*)$")
_CLIMBS = re.compile(r"(/|%2f|\\)(\.|%2e){1,2}(/|%2f|\\|$)", re.IGNORECASE)
"""A step of a path that leads elsewhere than its text begins."""
_NOT_BUILT = ("githubAppPrivateKey", "gcpServiceAccountKey", "useAzureWorkloadIdentity")
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
    bearer_token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    """A client certificate (PEM), and its key."""
    certificate_key: str = field(default="", repr=False)
    kind: str = GIT
    """``git``, ``helm`` or ``oci``: what answers at the URL."""
    project: str = ""
    """The project that it is for alone; empty for all."""
    insecure: bool = False
    unasked: bool = False
    """``forceHttpBasicAuth``: user and password are sent before anybody asks for them."""
    proxy: str = field(default="", repr=False)
    no_proxy: str = ""
    problem: str = ""
    """Why it cannot be used, without a word of its content."""

    @property
    def proves(self) -> bool:
        """Whether it has anything to prove who we are."""
        return bool(
            self.password or self.bearer_token or self.ssh_private_key or self.certificate or self.problem
        )

    def fits(self, url: str) -> bool:
        """Whether it is for a repository: a prefix ends where a part of the path does."""
        own, asked = _normal(self.url), _normal(url)
        if own == asked:
            return True
        return not self.exact and not _CLIMBS.search(asked) and asked.startswith(own.rstrip("/") + "/")


def credentials(secrets: Iterable[Body], types: Iterable[str]) -> list[Credential]:
    """Those of the Secrets that have one of these types."""
    wanted = frozenset(types)
    return [found for body in secrets if _type(body) in wanted and (found := _read(body))]


def best(found: Iterable[Credential], url: str) -> Credential | None:
    """The one for a URL: that of the very repository first, then the longest prefix."""
    fitting = [one for one in found if one.fits(url)]
    return max(
        fitting,
        key=lambda one: (one.exact, len(_normal(one.url)), bool(one.project), one.secret),
        default=None,
    )


def without_url(secrets: Iterable[Body], types: Iterable[str]) -> list[str]:
    """The names of those Secrets of these types that say of no repository, so that they are for none."""
    wanted = frozenset(types)
    return sorted(_name(body) for body in secrets if _type(body) in wanted and not _read(body))


def _read(secret: Body) -> Credential | None:
    data = part(secret, "data")
    texts = {key: text for key, value in data.items() if (text := _text(value)) is not None}
    if not texts.get("url", "").strip():
        return None

    def first(*keys: str) -> str:
        return next((texts[key].strip() for key in keys if texts.get(key, "").strip()), "")

    found = Credential(
        secret=_name(secret),
        url=first("url"),
        exact=_type(secret) in _FOR_ONE,
        username=first("username"),
        password=first("password"),
        ssh_private_key=first("sshPrivateKey"),
        bearer_token=first("bearerToken"),
        certificate=first("tlsClientCertData"),
        certificate_key=first("tlsClientCertKey"),
        kind=first("type") or GIT,
        project=first("project"),
        insecure="true" in (first("insecure"), first("insecureIgnoreHostKey")),
        unasked=first("forceHttpBasicAuth") == "true",
        proxy=first("proxy"),
        no_proxy=first("noProxy"),
    )
    return replace(found, problem=_problem(found, [key for key in data if key not in texts], texts))


def _problem(found: Credential, unreadable: Iterable[str], texts: Mapping[str, str]) -> str:
    """What of a Secret keeps it from being used."""
    if odd := ", ".join(sorted(map(str, unreadable))):
        return f"its {odd} is no text in base64"
    if not (found.username + found.password + found.bearer_token + found.proxy).isprintable():
        return "its username, password, bearerToken or proxy has control characters (a line end, perhaps)"
    if found.ssh_private_key and not found.ssh_private_key.startswith("-----BEGIN "):
        return "its sshPrivateKey is no private key (-----BEGIN …)"
    if bool(found.certificate) != bool(found.certificate_key):
        return "tlsClientCertData and tlsClientCertKey go together, and it has only one of them"
    if unbuilt := [key for key in _NOT_BUILT if texts.get(key, "").strip() not in ("", "false")]:
        return f"its {unbuilt[0]} is not built yet: use username and password (a token), or sshPrivateKey"
    return ""


def _name(secret: Body) -> str:
    return str(part(secret, "metadata").get("name", ""))


def _type(secret: Body) -> str:
    return str(part(secret, "metadata", "labels").get(LABEL, ""))


def _text(value: object) -> str | None:
    """A field's text; ``None`` for one that is none."""
    try:
        return b64decode(value, validate=True).decode() if isinstance(value, str) else None
    except (NoBase64, ValueError):
        return None


def _normal(url: str) -> str:
    """A URL as Argo CD compares it: the host in small letters, no user, no ``.git`` at the end, SSH in one spelling."""
    scheme, divider, rest = url.strip().partition("://")
    if not divider:
        if not (found := _SCP_LIKE.match(url.strip())):
            return url.strip().rstrip("/").removesuffix(".git")
        scheme, rest = "ssh", f"{found[1]}/{found[2].lstrip('/')}"
    host, slash, path = rest.partition("/")
    bare = f"{host.rpartition('@')[2].lower()}{slash}{path}"
    return f"{scheme.lower()}://{bare}".rstrip("/").removesuffix(".git")
