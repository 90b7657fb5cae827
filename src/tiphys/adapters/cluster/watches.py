"""
One kind, listed once and then watched for ever, in all namespaces.

Knows resource versions, bookmarks, expired histories and restarts of the API server. What fails for one kind
(no permission, a broken conversion) concerns that kind alone: it is said in ``reason``, and tried again.
"""

import asyncio
import random
from collections.abc import Collection
from time import monotonic
from typing import Protocol

import msgspec
import structlog

from tiphys.adapters.cluster import readings, requests
from tiphys.adapters.cluster.api import Api, Rejected, Request, Status
from tiphys.adapters.cluster.backoff import Backoff
from tiphys.model.errors import Unavailable
from tiphys.model.objects import Key, Kind, Resource

log = structlog.get_logger(__name__)

_SECONDS = (300, 600)
"""How long one watch request lasts, at random between these, so that not all end at once."""
_BARELY = 1.0
"""A watch that ends sooner than this did not work."""

_status = msgspec.json.Decoder(Status).decode


class Sink(Protocol):
    """Where the news of a kind go."""

    def seen(self, raw: msgspec.Raw, resource: Resource) -> Key | None:
        """An object is like this; answers its key."""

    def gone(self, raw: msgspec.Raw, resource: Resource) -> None:
        """An object was deleted."""

    def complete(self, listed: Collection[Key], version: str) -> None:
        """A list is through: at this version there were these objects and no others."""

    def rewind(self) -> None:
        """What was seen before can no longer be ordered by version; the next reading is the newer."""


class Served(Protocol):
    """What the API server serves, and news of it."""

    def resource(self, kind: Kind) -> Resource | None:
        """How a kind is served."""

    def undiscovered(self, kind: Kind) -> bool:
        """Whether the kind is unknown because its group could not be discovered."""

    async def changed(self) -> None:
        """Returns at the next change."""


class Watch:
    """A kind that is followed. ``run`` is to be a task."""

    def __init__(self, api: Api, kind: Kind, served: Served, sink: Sink) -> None:
        self.kind = kind
        self.settled = asyncio.Event()
        """Set once it was listed, or once it is clear why not."""
        self.listed = False
        """Whether it was listed once, so that what is known of it is whole, if perhaps old."""
        self.reason = ""
        """Why nothing is heard of it at the moment, for people."""
        self.unanswered: Unavailable | None = None
        """The API server itself did not answer the last time."""
        self.metadata_only = False
        self.selection: requests.Selection | None = None
        """What of the kind is followed; ``None`` for all."""
        self._api = api
        self._served = served
        self._sink = sink
        self._resource: Resource | None = None
        self._version = ""
        self._doubtful = False
        self._outages = Backoff(0.3, 10)
        self._refusals = Backoff(1, 60)

    @property
    def in_sync(self) -> bool:
        """Whether what is known of the kind is whole and follows the cluster."""
        return self.listed and not self.reason

    async def run(self) -> None:
        """Follow the kind, whatever happens, until cancelled."""
        while True:
            try:
                await self._round()
            except Rejected as rejected:
                await self._rejected(rejected)
            except Unavailable as error:
                # The log is told by the client, once for all kinds.
                self._doubtful, self.unanswered, self.reason = True, error, str(error)
                await self._rest(str(error), self._outages)
            except Exception:  # a bug must not end the watch of a kind, nor of the others
                log.exception("watch failed", kind=str(self.kind))
                self._version = ""
                await self._rest("an error in Tiphys, see its log", self._refusals)

    async def _round(self) -> None:
        """Go on from where we are, until the server ends the watch."""
        resource = self._served.resource(self.kind)
        if resource is None or not {"list", "watch"} <= resource.verbs:
            await self._unwatchable(resource)
            return
        self._turn_to(resource)
        if self._version and self._doubtful:
            await self._doubt(resource)
        if not self._version:
            await self._list(resource)
        await self._watch(resource)

    async def _unwatchable(self, resource: Resource | None) -> None:
        if resource:
            why = "the API server cannot list and watch this kind"
        elif self._served.undiscovered(self.kind):
            why = f"the API group {self.kind.group} cannot be discovered; is its API server up?"
        else:
            why = ""
            self._sink.complete((), "")
        self._say(why)
        self.listed, self._version = not why, ""
        self.settled.set()
        await self._served.changed()

    def _turn_to(self, resource: Resource) -> None:
        """The kind may be served in another version by now: then all of it is read again."""
        known, self._resource = self._resource, resource
        if known and (known.version, known.plural) != (resource.version, resource.plural):
            self._sink.rewind()
            self._version = ""

    async def _doubt(self, resource: Resource) -> None:
        """After an outage: a server restored from a backup has an older history, and would never tell us."""
        now = (await self._page(requests.page(resource, limit=1))).metadata.resourceVersion
        if readings.newer(self._version, now) and now.isdecimal():
            log.warning("the API server's history was set back, reading all again", kind=str(self.kind))
            self._sink.rewind()
            self._version = ""
        self._doubtful = False

    async def _list(self, resource: Resource) -> None:
        listed: set[Key] = set()
        cursor, limit = "", requests.PAGE
        while True:
            try:
                page = await self._page(requests.page(resource, cursor, limit))
            except Rejected as rejected:
                if rejected.answer.code != 410 or not cursor:
                    raise
                # The list took longer than the history is kept: once more, in one piece.
                cursor, limit = "", 0
                continue
            listed.update(key for raw in page.items or () if (key := self._sink.seen(raw, resource)))
            if not (cursor := page.metadata.next):
                break
        self._sink.complete(listed, page.metadata.resourceVersion)
        self._version = page.metadata.resourceVersion
        self.listed, self._doubtful = True, False
        self._well()

    def _narrowed(self, request: Request) -> Request:
        if self.selection and self._resource:
            request = requests.selected(request, self._resource, self.selection)
        return requests.metadata_only(request) if self.metadata_only else request

    async def _page(self, request: Request) -> readings.Page:
        request = self._narrowed(request)
        answer = await self._api.expect(request)
        try:
            return readings.page(answer.body)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"{request}: the list cannot be read ({error})") from error

    async def _watch(self, resource: Resource) -> None:
        seconds = random.randint(*_SECONDS)  # noqa: S311  spreads load, keeps no secret
        request = self._narrowed(requests.watch(resource, self._version, seconds))
        begun = monotonic()
        try:
            async with self._api.stream(request) as stream:
                self._well()
                async for lines in stream.batches():
                    if not all(self._take(line, resource) for line in lines if line):
                        return
        finally:
            if worked := monotonic() - begun >= _BARELY:
                self._outages.reset()
                self._refusals.reset()
        if not worked:
            await self._rest("the API server ends each watch at once", self._refusals)

    def _take(self, line: bytes, resource: Resource) -> bool:
        """Take in an event; ``False`` if the history that we followed is over."""
        event = readings.event(line)
        match event.type:
            case "ADDED" | "MODIFIED":
                self._sink.seen(event.object, resource)
            case "DELETED":
                self._sink.gone(event.object, resource)
            case "ERROR":
                return self._ended(_status(event.object))
        self._version = readings.version_of(event.object) or self._version
        return True

    def _ended(self, status: Status) -> bool:
        if status.code != 410:
            raise Unavailable(f"watch {self.kind}: {status.message}")
        self._version = ""
        return False

    async def _rejected(self, rejected: Rejected) -> None:
        if rejected.answer.code == 410 and self._version:
            self._version = ""
            return
        if rejected.answer.code == 404:
            self._version = ""
        self.unanswered = None
        await self._rest(rejected.answer.message, self._refusals)

    async def _rest(self, why: str, backoff: Backoff) -> None:
        self._say(why)
        self.settled.set()
        try:
            async with asyncio.timeout(backoff.pause()):
                await self._served.changed()
        except TimeoutError:
            return

    def _well(self) -> None:
        if self.unanswered:
            self.reason = ""
        self._say("")
        self.unanswered = None
        self.settled.set()

    def _say(self, why: str) -> None:
        if why and why != self.reason:
            log.warning("kind cannot be watched", kind=str(self.kind), why=why)
        elif self.reason and not why:
            log.info("kind is watched again", kind=str(self.kind))
        self.reason = why
