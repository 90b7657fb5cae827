"""
The loop that watches images: every interval one look at all that are watched, and at once where somebody says that
one was pushed.

Where a branch could not be written, it rests, longer each time; what is in the way is told in the status of those who
follow it. An engine without watched images asks nobody for anything.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from tiphys.controller.queue import Queue
from tiphys.core.images.annotations import IMAGES
from tiphys.core.images.image_updater import PREFIX
from tiphys.core.images.names import repository
from tiphys.core.images.watched import watching
from tiphys.model.addresses import shown
from tiphys.model.errors import SpecError, TiphysError
from tiphys.model.images import Repository
from tiphys.model.objects import AppName, Live
from tiphys.reconcile.watch_images import Outside, Round, Target, those_that_ask, watch
from tiphys.reconcile.world import World

log = structlog.get_logger()
_MOST_NAMES = 5


@dataclass(frozen=True)
class Pace:
    """In seconds."""

    interval: float = 120.0
    burst: float = 1.0
    """From a word that something was pushed to the look, so that several words cost one look."""
    longest: float = 1800.0
    """The longest that a branch rests that could not be written."""
    round: float = 600.0
    """A look that takes longer is abandoned and begun anew."""


@dataclass
class _Rest:
    failures: int
    until: float
    """By the event loop's clock."""
    why: str


@dataclass
class ImageWatch:
    """Looks, commits, and tells. ``pushed`` and ``heard`` may be called at any time and never raise."""

    outside: Outside
    queue: Queue[AppName]
    pace: Pace = field(default_factory=Pace)
    _rests: dict[Target, _Rest] = field(default_factory=dict)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self._asked.clear()
            try:
                async with asyncio.timeout(self.pace.round):
                    await self.look()
            except TimeoutError:
                log.warning("a look at images took too long", seconds=self.pace.round)
            except Exception:
                log.exception("bug: a look at images failed")
            with suppress(TimeoutError):
                pause = self.pace.interval * random.uniform(0.9, 1.0)  # noqa: S311 - no secret
                await asyncio.wait_for(self._asked.wait(), pause)
                await asyncio.sleep(self.pace.burst)

    async def look(self) -> Round | None:
        """One look at everything that is watched; ``None`` where nothing is."""
        names = those_that_ask(self.outside.world)
        self._drop_others(names)
        if not names:
            return None
        now = asyncio.get_running_loop().time()
        resting = {target: rest for target, rest in self._rests.items() if rest.until > now}
        told = await watch(names, self.outside, frozenset(resting))
        for target in resting.keys() & told.wishes.keys():
            told.unwritten[target] = resting[target].why
        self._rest(told, now, frozenset(resting))
        for name in names:
            self._tell(name, told.told_to(name))
        await self._ask_for(told)
        return told

    def pushed(self, name: str, tag: str) -> None:
        """A registry says that a tag of a repository (``ghcr.io/example/homepage``) was pushed."""
        try:
            found = repository(name)
        except SpecError:
            return
        if any(found in _watched(one, self.outside.world) for one in those_that_ask(self.outside.world)):
            log.info("image heard of", repository=str(found), tag=tag)
            self.outside.registry.forget(found, tag)
            self._asked.set()

    def heard(self, old: Live | None, new: Live | None) -> None:
        """An Application changed: if what it wants watched did, it is looked at now."""
        if _wanted(old) != _wanted(new):
            self._asked.set()

    def _rest(self, told: Round, now: float, resting: frozenset[Target]) -> None:
        """Note which branches could not be written, and until when they are left alone."""
        for target, why in told.unwritten.items():
            if target not in resting:
                failures = self._rests[target].failures + 1 if target in self._rests else 1
                pause = min(self.pace.longest, self.pace.interval * 2.0 ** min(failures - 1, 10))
                self._rests[target] = _Rest(failures, now + pause * 0.95, why)
        for target in self._rests.keys() - told.unwritten.keys():
            del self._rests[target]

    def _tell(self, name: AppName, problems: Sequence[str]) -> None:
        """Have an application's status say what keeps its images from being watched, if that is news."""
        troubles = self.outside.world.memory.image_troubles
        if tuple(problems) == tuple(troubles.get(name, ())):
            return
        for problem in problems:
            if problem not in troubles.get(name, ()):
                log.warning("image is not watched", application=str(name), why=problem)
        if problems:
            troubles[name] = tuple(problems)
        else:
            troubles.pop(name, None)
        self.queue.add(name)

    def _drop_others(self, names: Sequence[AppName]) -> None:
        """Who asks for nothing any more has no troubles with it."""
        for name in self.outside.world.memory.image_troubles.keys() - set(names):
            self._tell(name, ())

    async def _ask_for(self, told: Round) -> None:
        """Have the engine see at once what was committed, by whatever revision it is followed."""
        world = self.outside.world
        for target, commit in told.commits.items():
            names = sorted({each.application.name for each in told.wishes[target]})
            some = ", ".join(names[:_MOST_NAMES]) + " …" * (len(names) > _MOST_NAMES)
            log.info("newer images", repository=shown(target.repo), commit=commit[:7], applications=some)
        for asked in {
            asked
            for asked in world.tips.readings
            for target in told.commits
            if asked.repo == target.repo and asked.revision in (target.branch, "HEAD")
        }:
            with suppress(TiphysError):
                await world.tips.poll(asked)


def _watched(name: AppName, world: World) -> set[Repository]:
    try:
        application = world.applications.get(name)
    except SpecError:
        return set()
    annotations = application.metadata.annotations if application else {}
    return {image.repository for image in watching(annotations).images}


def _wanted(live: Live | None) -> dict[str, str]:
    """The annotations about images."""
    found = live.annotations if live else {}
    return {key: text for key, text in found.items() if key == IMAGES or key.startswith(PREFIX)}
