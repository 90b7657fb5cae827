"""
A cluster, watched: the catalog, the watches, the store and the writes put together to what the stories need.

Fulfils the port ``Cluster``. A kind is followed in all namespaces from the moment somebody asks for it; what
is kept of it is decided by the store.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
import structlog

from tiphys.adapters.cluster import readings, requests
from tiphys.adapters.cluster.api import Api, Rejected, Request
from tiphys.adapters.cluster.catalog import DEFINITIONS, WatchedCatalog
from tiphys.adapters.cluster.credentials import Connection
from tiphys.adapters.cluster.discovery import Discovery
from tiphys.adapters.cluster.requests import Selection
from tiphys.adapters.cluster.selected import Selected
from tiphys.adapters.cluster.store import Change, Store
from tiphys.adapters.cluster.watches import Watch
from tiphys.adapters.cluster.writes import Writer
from tiphys.model.errors import Refused, Unavailable
from tiphys.model.flow import Command, Predicted, Result
from tiphys.model.objects import Body, Catalog, Key, Kind, Live, Manifest, Resource

log = structlog.get_logger(__name__)
T = TypeVar("T")

APPLICATION = Kind("argoproj.io", "Application")
PROJECT = Kind("argoproj.io", "AppProject")
WHOLE = frozenset(
    {APPLICATION, PROJECT, Kind("autoscaling", "HorizontalPodAutoscaler"), Kind("keda.sh", "ScaledObject")}
)
"""The kinds of which every object is kept once they are followed."""


class WatchedCluster:
    """A cluster of which some kinds are followed. ``open`` makes one."""

    def __init__(self, api: Api, catalog: WatchedCatalog, whole: Collection[Kind] = WHOLE) -> None:
        self._api = api
        self._catalog = catalog
        self._callbacks: dict[object, Callable[[Change], None]] = {}
        self._store = Store(whole, self._tell)
        self._writer = Writer(api, catalog, self._store)
        self._watches: dict[Kind, Watch] = {}
        self._unreadable: dict[Key, str] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    @asynccontextmanager
    async def open(
        cls, connection: Connection, whole: Collection[Kind] = WHOLE, parallel: int = 20
    ) -> AsyncIterator["WatchedCluster"]:
        """
        A cluster for a ``with`` block, discovered once; ``parallel`` bounds requests under way, not watches.

        Raises ``Unavailable`` if the API server does not answer.
        """
        async with Api.open(connection, parallel) as api:
            discovery = Discovery(api)
            catalog = WatchedCatalog(discovery, await discovery.discover())
            cluster = cls(api, catalog, whole)
            try:
                cluster._begin()
                yield cluster
            finally:
                await cluster._end()

    @property
    def unwatched(self) -> Mapping[Kind, str]:
        """The followed kinds of which nothing is heard at the moment, and why: what we know may be old."""
        return {kind: watch.reason for kind, watch in self._watches.items() if watch.reason}

    @property
    def unreadable(self) -> Mapping[Key, str]:
        """The keys of which ``observe`` could not tell the last time whether there is an object, and why."""
        return self._unreadable

    async def catalog(self) -> Catalog:
        """What the API server serves, as of the newest discovery."""
        return self._catalog.current

    async def watch(self, kinds: Collection[Kind]) -> None:
        """
        From now on follow these kinds; returns when each was listed once, is not served, or is ``unwatched``.

        Raises ``Unavailable`` if the API server does not answer; they are followed all the same, once it does.
        """
        watches = [self._follow(kind) for kind in dict.fromkeys(kinds)]
        for watch in watches:
            await watch.settled.wait()
        for watch in watches:
            if watch.unanswered and not watch.listed:
                raise Unavailable(f"list {watch.kind}: {watch.unanswered}")

    async def observe(self, keys: Collection[Key]) -> Mapping[Key, Live]:
        """
        The live objects of the keys; an absent key has no object, or is ``unreadable``.

        Never older than our own last write to the object. What no watch tells is read from the API server.
        """
        wanted = dict.fromkeys(keys)
        for key in wanted:
            self._store.want(key)
        await together(self._read(key) for key in wanted if not self._known(key))
        found = ((key, self._store.get(key)) for key in wanted if key not in self._unreadable)
        return {key: self._store.live(reading) for key, reading in found if reading}

    async def read(self, key: Key, version: str = "") -> Live | None:
        """The object as it is right now, in the version of its group that is named. Raises ``Unavailable``."""
        if not (resource := await self._catalog.find(key.of)):
            return None
        answer = await self._api.ask(request := requests.get(resource, key, version))
        if answer.code == 404:
            return None
        if not answer.ok:
            raise Rejected(request, answer)
        return readings.read(answer.body, resource).live()

    async def labelled(self, kind: Kind, namespace: str, labels: str) -> Sequence[Body]:
        """The bodies of a kind in a namespace with these labels, read now. Raises ``Unavailable``, ``Refused``."""
        if not (resource := await self._catalog.find(kind)):
            return ()
        path = requests.collection(resource, namespace)
        answer = await self._api.ask(Request("GET", path, {"labelSelector": labels}))
        if not answer.ok:
            raise Refused(f"list {kind}s of namespace {namespace}: {answer.message}")
        items: Sequence[Body] = answer.document().get("items") or ()
        return items

    async def select(self, kind: Kind, selection: Selection, heard: Callable[[], None]) -> Selected:
        """
        From now on follow some objects of a kind, and call ``heard``, which must not raise, at each change.

        Returns when they were listed, or when it is clear why not.
        """
        found = Selected(heard)
        watch = Watch(self._api, kind, self._catalog, found)
        watch.selection = selection
        found.follow(watch)
        self._start(watch.run())
        await watch.settled.wait()
        return found

    def latest(self, key: Key) -> Live | None:
        """The object as far as is known, without asking."""
        reading = self._store.get(key)
        return self._store.live(reading) if reading else None

    def kept(self, key: Key) -> readings.Reading | None:
        """The object as far as is known, undecoded."""
        return self._store.get(key)

    def keys_of(self, kind: Kind) -> Sequence[Key]:
        """The keys of a kind that is kept whole, without decoding anything."""
        return [reading.key for reading in self._store.of_kind(kind)]

    def tracked(self, application: str) -> Sequence[Live]:
        """Live objects of the followed kinds whose tracking id names the application, as watches told."""
        return [self._store.live(reading) for reading in self._store.tracked(application)]

    def of_kinds(self, kinds: Collection[Kind]) -> Sequence[Live]:
        """Every live object of kinds that are kept whole, as far as they are followed."""
        return [self._store.live(r) for kind in dict.fromkeys(kinds) for r in self._store.of_kind(kind)]

    async def predict(self, target: Manifest) -> Predicted:
        """What a dry-run server-side apply of the target would give, or why the API server refuses it."""
        return await self._writer.predict(target)

    async def perform(self, command: Command) -> Result:
        """Do what was decided. A refusal by the API server is a failed ``Result``, not an error."""
        return await self._writer.perform(command)

    async def create(self, target: Manifest) -> Result:
        """Create an object unless there is one of its key already, which is left as it is."""
        return await self._writer.create(target)

    async def patch(self, key: Key, patch: Body, resource_version: str = "") -> Live | None:
        """
        Merge-patch (RFC 7386) an object and answer how it is then, ``None`` if it is gone.

        With a ``resource_version`` the patch holds only for that version; otherwise raises ``Stale``.
        """
        return await self._writer.patch(key, patch, resource_version)

    async def await_kind(self, kind: Kind) -> Resource | None:
        """How a kind is served; waits some seconds for one whose definition has just been applied."""
        return await self._catalog.expect(kind)

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``callback``, which must not raise, with each change of a kept object; the answer ends it."""
        token = object()
        self._callbacks[token] = callback
        return lambda: self._callbacks.pop(token, None) and None

    def on_catalog(self, callback: Callable[[Catalog], None]) -> Callable[[], None]:
        """Call ``callback``, which must not raise, with each new catalog; the answer ends it."""
        return self._catalog.subscribe(callback)

    def _begin(self) -> None:
        self._start(self._catalog.keep())
        for kind in DEFINITIONS:
            watch = Watch(self._api, kind, self._catalog, _Stirring(self._catalog))
            watch.metadata_only = True
            self._start(watch.run())

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _follow(self, kind: Kind) -> Watch:
        if kind not in self._watches:
            self._watches[kind] = Watch(self._api, kind, self._catalog, _Keeping(kind, self._store))
            self._start(self._watches[kind].run())
        return self._watches[kind]

    def _known(self, key: Key) -> bool:
        """Whether the store can tell about the key without asking."""
        watch = self._watches.get(key.of)
        if not watch or not watch.in_sync:
            return False
        known = self._store.get(key) is not None or self._store.known_absent(key)
        if known:
            self._unreadable.pop(key, None)
        return known

    async def _read(self, key: Key) -> None:
        """Ask the API server about a key, and put the answer into the store."""
        before = self._store.get(key)
        resource = await self._catalog.find(key.of)
        if not resource:
            self._unserved(key, before)
            return
        try:
            answer = await self._api.ask(requests.get(resource, key))
        except Rejected as rejected:
            answer = rejected.answer
        if not answer.ok and answer.code != 404:
            self._unreadable[key] = answer.message
            return
        self._unreadable.pop(key, None)
        found = readings.read(answer.body, resource) if answer.ok else None
        self._store.confirm(key, before, found)

    def _unserved(self, key: Key, before: readings.Reading | None) -> None:
        if self._catalog.undiscovered(key.of):
            self._unreadable[key] = f"the API group {key.group} cannot be discovered; is its API server up?"
        else:
            self._unreadable.pop(key, None)
            self._store.confirm(key, before, None)

    def _tell(self, change: Change) -> None:
        for callback in tuple(self._callbacks.values()):
            callback(change)


class _Keeping:
    """Takes what is heard of a kind into the store. An object that cannot be read is left out and told."""

    def __init__(self, kind: Kind, store: Store) -> None:
        self._kind = kind
        self._store = store

    def seen(self, raw: msgspec.Raw, resource: Resource) -> Key | None:
        if reading := self._read(raw, resource):
            self._store.see(reading)
        return reading.key if reading else None

    def gone(self, raw: msgspec.Raw, resource: Resource) -> None:
        if reading := self._read(raw, resource):
            self._store.gone(reading)

    def complete(self, listed: Collection[Key], version: str) -> None:
        self._store.complete(self._kind, listed, version)

    def rewind(self) -> None:
        self._store.rewind(self._kind)

    def _read(self, raw: msgspec.Raw, resource: Resource) -> readings.Reading | None:
        try:
            return readings.read(raw, resource)
        except msgspec.MsgspecError as error:
            log.warning("object cannot be read", kind=str(self._kind), why=str(error))
            return None


class _Stirring:
    """Has the catalog look again whenever anything is heard."""

    def __init__(self, catalog: WatchedCatalog) -> None:
        self._catalog = catalog
        self._listed = False

    def seen(self, raw: msgspec.Raw, resource: Resource) -> Key | None:  # noqa: ARG002
        if self._listed:
            self._catalog.stir()
        return None

    def gone(self, raw: msgspec.Raw, resource: Resource) -> None:  # noqa: ARG002
        self._catalog.stir()

    def complete(self, listed: Collection[Key], version: str) -> None:  # noqa: ARG002
        # The first list tells nothing new; a later one comes after a gap.
        if self._listed:
            self._catalog.stir()
        self._listed = True

    def rewind(self) -> None:
        self._catalog.stir()


async def together(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The answers of all calls; if one fails, the others are abandoned and its error is raised as it is."""
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
