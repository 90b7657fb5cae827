"""
Who the engine is to repositories: Argo CD's Secrets and ConfigMaps in the control plane's namespace, watched.

What they say together is worked out anew at each change, so that the next question already goes by it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.cluster.requests import Selection
from tiphys.adapters.cluster.selected import Selected
from tiphys.core.repositories.choosing import Keyring
from tiphys.core.repositories.credentials import LABEL, READING, Credential, credentials, without_url
from tiphys.model.access import ANYBODY, Access
from tiphys.model.objects import Body, Kind, part

SECRET, CONFIG_MAP = Kind("", "Secret"), Kind("", "ConfigMap")
KNOWN_HOSTS, CERTIFICATES = "argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm"
log = structlog.get_logger(__name__)


@dataclass
class RepositoryAccess:
    """What is known of repositories at this moment. Nothing until ``follow`` was called."""

    namespace: str
    heard: Callable[[], None] = lambda: None
    """Called whenever it may have changed."""
    _secrets: Selected | None = None
    _known_hosts: Selected | None = None
    _certificates: Selected | None = None
    _keyring: Keyring | None = None
    _odd: list[tuple[str, str]] = field(default_factory=list)
    _git: dict[tuple[str, str], Access] = field(default_factory=dict)
    _charts: dict[tuple[str, str], Access] = field(default_factory=dict)

    async def follow(self, cluster: WatchedCluster) -> None:
        """From now on follow a cluster's; returns when they were read once, or it is clear why they cannot be."""
        labels = f"{LABEL} in ({','.join(READING)})"
        here = self.namespace
        self._secrets = await cluster.select(SECRET, Selection(here, labels), self._changed)
        self._known_hosts = await cluster.select(CONFIG_MAP, _named(here, KNOWN_HOSTS), self._changed)
        self._certificates = await cluster.select(CONFIG_MAP, _named(here, CERTIFICATES), self._changed)
        self._changed()

    def git(self, url: str, project: str) -> Access:
        """The way to a Git repository for a project."""
        return self._remembered(self._git, url, project, lambda ring: ring.git(url, project))

    def charts(self, url: str, project: str) -> Access:
        """The way to a chart repository for a project."""
        return self._remembered(self._charts, url, project, lambda ring: ring.charts(url, project))

    def _remembered(
        self, known: dict[tuple[str, str], Access], url: str, project: str, found: Callable[[Keyring], Access]
    ) -> Access:
        if self._secrets is None:
            return ANYBODY
        if self._keyring is None or self._keyring.trouble:
            self._keyring = self._read()
            known.pop((url, project), None)
        if (url, project) not in known:
            known[url, project] = found(self._keyring)
        return known[url, project]

    def _changed(self) -> None:
        self._keyring = None
        self._git.clear()
        self._charts.clear()
        self.heard()

    def _read(self) -> Keyring:
        secrets = list(self._secrets.bodies) if self._secrets else []
        found = credentials(secrets, READING)
        self._warn(secrets, found)
        return Keyring(
            namespace=self.namespace,
            credentials=found,
            known_hosts=_data(self._known_hosts).get("ssh_known_hosts", ""),
            authorities=_data(self._certificates),
            trouble=self._secrets.trouble if self._secrets else "",
        )

    def _warn(self, secrets: Sequence[Body], found: Sequence[Credential]) -> None:
        """Tell, once, of what nobody would otherwise hear of."""
        odd = [(name, "it has no url, so it is for none") for name in without_url(secrets, READING)]
        odd += [(one.secret, "insecure: whoever answers there is believed") for one in found if one.insecure]
        for name, why in odd:
            if (name, why) not in self._odd:
                log.warning("Secret of a repository", secret=f"{self.namespace}/{name}", why=why)
        self._odd = odd


def _named(namespace: str, name: str) -> Selection:
    return Selection(namespace, fields=f"metadata.name={name}")


def _data(found: Selected | None) -> Mapping[str, str]:
    """What a ConfigMap has."""
    texts = [part(body, "data") for body in found.bodies] if found else []
    return {str(key): value for data in texts for key, value in data.items() if isinstance(value, str)}
