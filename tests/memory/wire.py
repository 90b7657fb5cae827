"""
Between a client and the server in memory: latency, loss, and a client's sudden end.

Fulfils the client's ``Api``, so that everything of ours above the connection is what runs in production.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum, auto

import orjson

from memory import controllers
from memory.http import answer, place_of, refused
from memory.rules import Refusal
from memory.server import Event, Server
from tiphys.adapters.cluster.api import Answer, Api, Rejected, Request
from tiphys.adapters.cluster.catalog import WatchedCatalog
from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.cluster.discovery import Discovery
from tiphys.model.errors import Unavailable
from tiphys.model.objects import Kind


class Fault(Enum):
    """What befalls a request."""

    NONE = auto()
    UNREACHABLE = auto()
    """It never arrives."""
    LOST = auto()
    """It is done, and the answer is lost."""
    ERROR = auto()
    """The server's storage fails; nothing is done."""
    KILLED_BEFORE = auto()
    """The client is killed before it is sent."""
    KILLED_AFTER = auto()
    """It is done, and the client is killed before it hears of it."""


_TURNS = 20
"""Of the event loop, after which who lists a kind has begun to watch it."""
_STORAGE = b'{"kind":"Status","status":"Failure","message":"etcdserver: request timed out","code":500}'


class MemoryApi(Api):
    """One client's connection to the server."""

    def __init__(
        self,
        server: Server,
        *,
        latency: Callable[[], float] = lambda: 0.0,
        lag: Callable[[], float] = lambda: 0.0,
        faults: Callable[[Request], Fault] = lambda _: Fault.NONE,
    ) -> None:
        self.target = server
        self.latency = latency
        """Seconds that a request takes."""
        self.lag = lag
        """Seconds by which a watch is behind."""
        self.faults = faults
        self.killed = asyncio.Event()
        """The client is dead: nothing that it still says is heard."""
        self.asked: list[Request] = []
        self._limiter = asyncio.Semaphore(20)
        self._streams: dict[_MemoryStream, None] = {}

    @property
    def server(self) -> str:
        """The server's name, for messages."""
        return "memory:"

    @property
    def writes(self) -> list[Request]:
        """What was asked that is not only a look."""
        return [r for r in self.asked if r.method != "GET" and "dryRun" not in r.query]

    async def caught_up(self) -> None:
        """Returns when everything that happened so far was heard by all watches."""
        quiet = 0
        while quiet < _TURNS:
            quiet = quiet + 1 if all(stream.idle for stream in self._streams) else 0
            await asyncio.sleep(0)

    def break_watches(self) -> None:
        """The server ends every watch, as it does now and then."""
        for stream in tuple(self._streams):
            stream.end()

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator["_MemoryStream"]:  # type: ignore[override]
        """A watch."""
        try:
            await self._travel(request)
        except OSError as error:
            raise Unavailable(f"{request} on {self.server}: {error}") from error
        try:
            stream = _MemoryStream(self.target, request, self.lag, self.killed)
        except Refusal as refusal:
            raise Rejected(request, refused(refusal)) from refusal
        self._streams[stream] = None
        ending = asyncio.get_running_loop().call_later(float(request.query["timeoutSeconds"]), stream.end)
        try:
            yield stream
        finally:
            ending.cancel()
            stream.close()
            self._streams.pop(stream)

    async def _once(self, request: Request) -> Answer:
        async with self._limiter:
            fault = await self._travel(request)
            told = answer(self.target, request)
            if fault is Fault.KILLED_AFTER:
                await self._die()
            await asyncio.sleep(self.latency())
            await self._alive()
            if fault is Fault.LOST:
                raise ConnectionResetError("the connection was lost")
            return told

    async def _travel(self, request: Request) -> Fault:
        """On its way to the server, where some requests end."""
        await self._alive()
        fault = self.faults(request)
        if fault is Fault.KILLED_BEFORE:
            await self._die()
        await asyncio.sleep(self.latency())
        await self._alive()
        self.asked.append(request)
        if fault is Fault.UNREACHABLE:
            raise ConnectionRefusedError("connection refused")
        if fault is Fault.ERROR:
            raise ConnectionResetError(orjson.loads(_STORAGE)["message"])
        return fault

    async def _die(self) -> None:
        self.killed.set()
        await self._alive()

    async def _alive(self) -> None:
        """The dead do nothing, for ever."""
        if self.killed.is_set():
            await asyncio.get_running_loop().create_future()


class _MemoryStream:
    """The events of a kind from a version on, as lines."""

    def __init__(
        self, server: Server, request: Request, lag: Callable[[], float], killed: asyncio.Event
    ) -> None:
        self._place = place_of(server, request.path)
        self._server = server
        self._lag = lag
        self._killed = killed
        self._lines: list[bytes] = []
        self._over = False
        self._news = asyncio.Event()
        self._waiting = False
        since = int(request.query["resourceVersion"] or 0)
        if since < server.compacted:
            self._tell("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})
        else:
            for event in server.history:
                if event.version > since:
                    self._hear(event)
        server.listeners.append(self._hear)

    @property
    def idle(self) -> bool:
        """Whether everything was heard, and the listener waits for more."""
        return self._waiting and not self._lines and not self._over

    def end(self) -> None:
        """Hang up."""
        self._over = True
        self._news.set()

    def close(self) -> None:
        """Nobody listens any more."""
        self._server.listeners.remove(self._hear)

    async def batches(self) -> AsyncIterator[list[bytes]]:
        """The lines, as many at a time as have arrived."""
        while not self._over:
            self._waiting = not self._lines
            while not self._lines and not self._over:
                await self._news.wait()
                self._news.clear()
            self._waiting = False
            await asyncio.sleep(self._lag())
            if self._killed.is_set():
                await asyncio.get_running_loop().create_future()
            lines, self._lines = self._lines, []
            if lines:
                yield lines

    def _hear(self, event: Event) -> None:
        if event.key.of != self._place.served.kind:
            return
        version = self._place.api_version
        if event.after:
            self._tell("MODIFIED" if event.before else "ADDED", event.after.read(version))
        elif event.before:
            last = event.before.read(version)
            self._tell(
                "DELETED", last | {"metadata": {**last["metadata"], "resourceVersion": str(event.version)}}
            )

    def _tell(self, kind: str, what: object) -> None:
        self._lines.append(orjson.dumps({"type": kind, "object": what}))
        self._news.set()


@asynccontextmanager
async def opened(api: MemoryApi, whole: frozenset[Kind] | None = None) -> AsyncIterator[WatchedCluster]:
    """Our client on a connection, for a ``with`` block, as ``WatchedCluster.open`` does it."""
    discovery = Discovery(api)
    catalog = WatchedCatalog(discovery, await discovery.discover())
    cluster = WatchedCluster(api, catalog, *([whole] if whole else []))
    try:
        cluster._begin()
        yield cluster
    finally:
        await cluster._end()


async def keep_running(server: Server, pause: Callable[[], float] = lambda: 0.01) -> None:
    """The controllers, for ever, some time after each change."""
    changed = asyncio.Event()
    server.listeners.append(lambda _: changed.set())
    changed.set()
    while True:
        await changed.wait()
        changed.clear()
        await asyncio.sleep(pause())
        while controllers.step(server):
            changed.clear()
            await asyncio.sleep(pause())
