"""
By what a repository is read: as whom, trusting whom, by which way.

Which Secret says so is decided by the core; how it is told to Git or to a web server, the adapters know.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from tiphys.model.errors import SpecError


@dataclass(frozen=True, slots=True)
class Access:
    """What is known of the way to one repository; as it comes, what anybody can do."""

    secret: str = ""
    """The Secret that says so, for messages."""
    project: str = ""
    """The project that the Secret is for alone: what was fetched by it is no other's."""
    username: str = ""
    password: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)
    ssh_private_key: str = field(default="", repr=False)
    known_hosts: str = field(default="", repr=False)
    """Lines of a ``known_hosts`` file; empty for those that the large hosts publish."""
    authorities: str = field(default="", repr=False)
    """Certificates (PEM) of the only authorities that are trusted for its host; empty for the machine's."""
    certificate: str = field(default="", repr=False)
    """Our own certificate (PEM), and its key."""
    certificate_key: str = field(default="", repr=False)
    insecure: bool = False
    """Take whatever certificate the host shows."""
    unasked: bool = False
    """Send user and password before the host asks for them."""
    proxy: str = field(default="", repr=False)
    no_proxy: str = ""
    problem: str = ""
    """Why the Secret cannot be used."""
    remedy: str = ""
    """What to do where the host refuses us."""

    def expect_usable(self, url: str) -> None:
        """Raises ``SpecError`` for a Secret that cannot be used. ``url`` is as messages tell it."""
        if self.problem:
            raise SpecError(f"{url}: {self.problem}")

    def way(self, url: str, environment: Mapping[str, str]) -> str:
        """The URL of the proxy on the way to a URL: the repository's own, else the environment's; ``""`` for none."""
        parts = urlsplit(url)
        if self.proxy:
            return "" if _passed_by(parts.hostname or "", self.no_proxy) else self.proxy
        found = {
            name.lower(): value for name, value in environment.items() if name.lower().endswith("_proxy")
        }
        if _passed_by(parts.hostname or "", found.get("no_proxy", "")):
            return ""
        return found.get(f"{parts.scheme}_proxy", "") or found.get("all_proxy", "")


ANYBODY = Access()
Ways = Callable[[str, str], Access]
"""The access to a URL on behalf of a project, as it is at this moment."""


def for_anybody(url: str, project: str) -> Access:  # noqa: ARG001 - as others are asked
    """No credentials for anything."""
    return ANYBODY


def _passed_by(host: str, rules: str) -> bool:
    """Whether the proxy is not for a host: ``*``, a domain and all below it, an address, or a network."""
    for rule in filter(None, (each.strip().lower().lstrip(".") for each in rules.split(","))):
        name = rule.rpartition(":")[0] if rule.count(":") == 1 else rule
        if name in ("*", host) or host.endswith(f".{name}"):
            return True
        with suppress(ValueError):
            if ip_address(host) in ip_network(name, strict=False):
                return True
    return False
