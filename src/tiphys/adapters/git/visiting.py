"""
How git comes to a repository that is read: the access that somebody chose, in git's own words.

What is secret goes into files that are ours alone, or into git's environment; never into an argument, and never to
another host than the repository's own.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tiphys.adapters.git import ssh
from tiphys.adapters.git.remote import Remote
from tiphys.adapters.git.signing_in import USUAL_USER, Credentials, apart
from tiphys.adapters.git.ssh import Key, over_ssh, private
from tiphys.model.access import Access
from tiphys.model.errors import SpecError

_NO_DETOUR = ("-c", "http.followRedirects=false")
"""Git sends a header of ours to wherever a redirect leads."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Fulfils ``Identity`` for one remote."""

    remote: Remote

    def options(self, url: str) -> Sequence[str]:
        """What git is told before its command."""
        if not self.remote.over_http:
            return ()
        if _header(self.remote):
            return _NO_DETOUR
        who = credentials(self.remote)
        return who.options(url) if who else ()

    def environment(self, folder: Path) -> Mapping[str, str]:
        """What git sees; the files are in this folder, which has to be ours alone."""
        access = self.remote.access
        if over_ssh(self.remote.url):
            return _key(self.remote).environment(folder)
        if not self.remote.over_http:
            return {}
        header = _header(self.remote)
        config = {
            **_trust(access, folder),
            **({"http.extraHeader": f"Authorization: {header}"} if header else {}),
        }
        who = None if header else credentials(self.remote)
        return {
            **_authorities(access, folder),
            **_configured(config),
            **_proxies(access),
            **(who.environment(folder) if who else {}),
        }


def credentials(remote: Remote) -> Credentials | None:
    """The user and the password for a remote: of its Secret, else of its URL."""
    access = remote.access
    if access.password:
        user = access.username or urlsplit(remote.url).username or USUAL_USER
        return Credentials(user, access.password)
    return apart(remote.url)[1]


def authorization(remote: Remote, url: str) -> Mapping[str, str]:
    """The header of a request to a URL: nothing where it is not the repository's own host."""
    here, there = urlsplit(remote.bare), urlsplit(url)
    if (here.scheme, here.hostname, here.port) != (there.scheme, there.hostname, there.port):
        return {}
    who = credentials(remote)
    value = _header(remote) or (_basic(who) if who else "")
    return {"Authorization": value} if value else {}


def _header(remote: Remote) -> str:
    """The header that git itself cannot make of what a helper tells it; empty where a helper does."""
    access = remote.access
    if access.bearer_token:
        return f"Bearer {access.bearer_token}"
    who = credentials(remote) if access.unasked else None
    return _basic(who) if who else ""


def _basic(who: Credentials) -> str:
    return "Basic " + b64encode(f"{who.user}:{who.secret}".encode()).decode()


def _key(remote: Remote) -> Key:
    """The key for a remote. Raises ``SpecError`` where there is none: nobody's own ssh counts here."""
    access = remote.access
    if not access.ssh_private_key:
        raise SpecError(f"{remote.shown}: SSH needs a key; {access.remedy}")
    if access.proxy:
        raise SpecError(f"{remote.shown}: {access.secret} names a proxy, and SSH by a proxy is not built yet")
    return Key(access.ssh_private_key.strip() + "\n", access.known_hosts or ssh.PUBLISHED)


def _authorities(access: Access, folder: Path) -> dict[str, str]:
    """The only ones whose certificates git takes. The machine's own may be named by the same variable."""
    if not access.authorities:
        return {}
    return {"GIT_SSL_CAINFO": str(private(folder / "authorities.pem", access.authorities))}


def _trust(access: Access, folder: Path) -> dict[str, str]:
    """Whether git takes any certificate, and its own."""
    told = {}
    if access.insecure:
        told["http.sslVerify"] = "false"
    if access.certificate:
        told["http.sslCert"] = str(private(folder / "certificate.pem", access.certificate + "\n"))
        told["http.sslKey"] = str(private(folder / "certificate.key", access.certificate_key + "\n"))
    return told


def _configured(config: Mapping[str, str]) -> dict[str, str]:
    """Settings of git's as its environment tells them, for arguments are seen by everybody on the machine."""
    told = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (name, value) in enumerate(config.items()):
        told |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return told


def _proxies(access: Access) -> dict[str, str]:
    if not access.proxy:
        return {}
    names = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    without = dict.fromkeys(("no_proxy", "NO_PROXY"), access.no_proxy)
    return {**dict.fromkeys(names, access.proxy), **without}
