"""
The catalog of one API server, kept fresh.

Discovers again when custom resource definitions or aggregated APIs change, when a kind is asked for that is
not known, and once in a while in any case. When to do so is all that is decided here; how is in
``discovery``.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

import structlog

from tiphys.adapters.cluster.backoff import holds
from tiphys.adapters.cluster.discovery import Discovery, remembering
from tiphys.model.errors import Unavailable
from tiphys.model.objects import Catalog, Kind, Resource

log = structlog.get_logger(__name__)

DEFINITIONS = (
    Kind("apiextensions.k8s.io", "CustomResourceDefinition"),
    Kind("apiregistration.k8s.io", "APIService"),
)
"""The kinds whose objects change what is served."""

_SOMETIMES = 600.0
_WHILE_INCOMPLETE = 30.0
_SETTLING = (0.1, 1.0, 4.0)
"""Seconds after a change at which to look: a new definition is served a moment after it is there."""
_AT_MOST_EVERY = 0.5
_PATIENCE = 5.0
"""Seconds for which a kind may still turn up after definitions changed."""


class WatchedCatalog:
    """What an API server serves, as of the newest discovery."""

    def __init__(self, discovery: Discovery, first: Catalog) -> None:
        self._discovery = discovery
        self._current = first
        self._discovered = monotonic()
        self._stirred = float("-inf")
        self._stir = asyncio.Event()
        self._turn = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._callbacks: dict[object, Callable[[Catalog], None]] = {}

    @property
    def current(self) -> Catalog:
        """The newest catalog."""
        return self._current

    def resource(self, kind: Kind) -> Resource | None:
        """How a kind is served, as far as is known."""
        return self._current.resources.get(kind)

    def undiscovered(self, kind: Kind) -> bool:
        """Whether the kind is unknown because its group could not be discovered: it may well exist."""
        return self.resource(kind) is None and kind.group in self._current.failed_groups

    async def find(self, kind: Kind) -> Resource | None:
        """How a kind is served; an unknown one is looked for, but not more than once in a moment."""
        if not self.resource(kind) and monotonic() - self._discovered > _AT_MOST_EVERY:
            await self.refresh()
        return self.resource(kind)

    async def expect(self, kind: Kind) -> Resource | None:
        """As ``find``, but waits for the kind a little if definitions have just changed."""

        async def is_served() -> bool:
            return await self.find(kind) is not None

        await holds(is_served, self._stirred + _PATIENCE - monotonic())
        return self.resource(kind)

    async def refresh(self) -> Catalog:
        """Discover now; whoever asks meanwhile gets the same answer. Raises ``Unavailable``."""
        asked = monotonic()
        async with self._one_at_a_time:
            if self._discovered < asked:
                found = remembering(self._current, await self._discovery.discover())
                self._discovered = monotonic()
                self._replace(found)
        return self._current

    async def changed(self) -> None:
        """Returns when the catalog is another one than now."""
        await self._turn.wait()

    def subscribe(self, callback: Callable[[Catalog], None]) -> Callable[[], None]:
        """Call ``callback``, which must not raise, with each new catalog; the answer ends it."""
        token = object()
        self._callbacks[token] = callback
        return lambda: self._callbacks.pop(token, None) and None

    def stir(self) -> None:
        """A definition changed: look soon."""
        self._stirred = monotonic()
        self._stir.set()

    async def keep(self) -> None:
        """Keep the catalog fresh, for ever."""
        while True:
            quiet = _WHILE_INCOMPLETE if self._current.failed_groups else _SOMETIMES
            stirred = await self._stirred_within(quiet)
            for pause in _SETTLING if stirred else (0.0,):
                if await self._stirred_within(pause):
                    await asyncio.sleep(_AT_MOST_EVERY)
                await self._try()

    async def _stirred_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stir.wait()
        except TimeoutError:
            return False
        self._stir.clear()
        return True

    async def _try(self) -> None:
        try:
            await self.refresh()
        except Unavailable as error:
            log.info("discovery failed", why=str(error))

    def _replace(self, found: Catalog) -> None:
        if found == self._current:
            return
        self._current = found
        turned, self._turn = self._turn, asyncio.Event()
        turned.set()
        for callback in tuple(self._callbacks.values()):
            callback(found)
