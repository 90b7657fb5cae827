"""
The Applications and AppProjects of the control plane's cluster, watched.

Fulfils the port ``Applications`` on the store of a watched cluster. A malformed Application is told to
whoever asks for it and hurts no other.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tiphys.adapters.cluster.cluster import APPLICATION, PROJECT, WatchedCluster
from tiphys.adapters.cluster.readings import Reading
from tiphys.adapters.cluster.store import Change
from tiphys.model.api import Application, AppProject, decode_application, decode_project
from tiphys.model.objects import AppName, Body, Key, Live

Name = TypeVar("Name", bound=str | AppName)
T = TypeVar("T", bound=Application | AppProject)


@dataclass(frozen=True)
class ApplicationChange:
    """An Application or AppProject before and after, decoded when asked for."""

    change: Change

    @property
    def application(self) -> AppName | None:
        """The Application's name, ``None`` if it is a project's change."""
        key = self.change.key
        return AppName(key.namespace, key.name) if key.of == APPLICATION else None

    @property
    def project(self) -> str:
        """The project's name, empty if it is an Application's change."""
        return self.change.key.name if self.change.key.of == PROJECT else ""

    @property
    def old(self) -> Live | None:
        """The object before; ``None`` if it is new."""
        return self.change.old

    @property
    def new(self) -> Live | None:
        """The object now; ``None`` if it is gone."""
        return self.change.new


class WatchedApplications:
    """Applications of all namespaces or of some; projects of the control plane's namespace."""

    def __init__(self, cluster: WatchedCluster, control: str, namespaces: Collection[str] = ()) -> None:
        self._cluster = cluster
        self._control = control
        self._namespaces = frozenset(namespaces)
        self._decoded: dict[AppName, tuple[Reading, Application]] = {}
        self._projects: dict[str, tuple[Reading, AppProject]] = {}

    @classmethod
    async def open(
        cls, cluster: WatchedCluster, control: str = "argocd", namespaces: Collection[str] = ()
    ) -> "WatchedApplications":
        """Follow them on a cluster that keeps them whole, in all namespaces or in some. Raises ``Unavailable``."""
        await cluster.watch((APPLICATION, PROJECT))
        return cls(cluster, control, namespaces)

    def get(self, name: AppName) -> Application | None:
        """As last seen, never older than our own last write; raises ``SpecError`` if malformed."""
        reading = self._cluster.kept(_key(name)) if self._ours(name) else None
        return _remembered(self._decoded, name, reading, decode_application)

    def known(self, name: AppName) -> bool:
        """Whether there is an Application of the name, malformed or not."""
        return self._ours(name) and self._cluster.kept(_key(name)) is not None

    def names(self) -> Sequence[AppName]:
        """Every Application known, malformed ones too."""
        keys = self._cluster.keys_of(APPLICATION)
        names = (AppName(key.namespace, key.name) for key in keys)
        return sorted(name for name in names if self._ours(name))

    def project(self, name: str) -> AppProject | None:
        """A project of the control plane's namespace; raises ``SpecError`` if malformed."""
        reading = self._cluster.kept(Key(*PROJECT, self._control, name))
        return _remembered(self._projects, name, reading, decode_project)

    async def patch(self, name: AppName, patch: Body, resource_version: str = "") -> Application | None:
        """
        Merge-patch (RFC 7386) an Application and answer how it is then, ``None`` if it is gone.

        With a ``resource_version`` the patch holds only for that version; otherwise raises ``Stale``.
        """
        found = await self._cluster.patch(_key(name), patch, resource_version)
        return self.get(name) if found else None

    def subscribe(self, callback: Callable[[ApplicationChange], None]) -> Callable[[], None]:
        """Call ``callback``, which must not raise, with each change of ours; the answer ends it."""

        def heard(change: Change) -> None:
            if self._concerns(change.key):
                callback(ApplicationChange(change))

        return self._cluster.subscribe(heard)

    def _concerns(self, key: Key) -> bool:
        if key.of == PROJECT:
            return key.namespace == self._control
        return key.of == APPLICATION and self._ours(AppName(key.namespace, key.name))

    def _ours(self, name: AppName) -> bool:
        return not self._namespaces or name.namespace in self._namespaces


def _key(name: AppName) -> Key:
    return Key(*APPLICATION, name.namespace, name.name)


def _remembered(
    decoded: dict[Name, tuple[Reading, T]], name: Name, reading: Reading | None, decode: Callable[[bytes], T]
) -> T | None:
    """What a reading says, decoded once; ``None`` if there is none."""
    before, known = decoded.get(name, (None, None))
    if reading is None:
        decoded.pop(name, None)
        return None
    if known is None or before is not reading:
        known = decode(reading.json())
        decoded[name] = (reading, known)
    return known
