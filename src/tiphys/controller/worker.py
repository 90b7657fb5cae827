"""
The worker: takes a name, tells its story, and decides when to look again. The only place that catches.

Who must act decides: a wrong spec waits for a change, an outside that does not answer is asked later each time, a
world that moved is looked at again at once, and a bug is logged whole while the loop goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from tiphys.controller.queue import Queue
from tiphys.model.errors import Refused, SpecError, Stale, Unavailable
from tiphys.model.objects import AppName

log = structlog.get_logger()
_RESTLESS = 4
"""So many times in a row may the world move under an application before that looks odd."""


@dataclass(frozen=True)
class Patience:
    """How long the worker waits, in seconds."""

    periodic: float = 180.0
    """The safety net: everything is looked at this often, though events should make it needless."""
    first: float = 1.0
    longest: float = 120.0
    story: float = 600.0
    """A story that takes longer is abandoned and told anew."""
    turn: float = 5.0
    """A story that takes longer goes on beside the others, so that what hangs is in nobody's way."""
    stale: float = 30.0
    """The longest pause for an application whose world moves each time that it is looked at."""
    telling: float = 30.0


@dataclass
class Worker:
    """Works off a queue. Several may share one queue."""

    queue: Queue[AppName]
    story: Callable[[AppName], Awaitable[datetime | None]]
    tell_bug: Callable[[AppName, Exception], Awaitable[None]]
    """Writes into the application's status that its story failed."""
    known: Callable[[AppName], bool]
    """Whether there still is such an application."""
    now: Callable[[], datetime]
    patience: Patience = field(default_factory=Patience)
    failures: dict[AppName, int] = field(default_factory=dict)
    moves: dict[AppName, int] = field(default_factory=dict)
    """How often in a row the world moved while an application was looked at."""

    async def work(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as stories:
            while True:
                name = await self.queue.take()
                story = stories.create_task(self._attended(name))
                await asyncio.wait({story}, timeout=self.patience.turn)

    async def _attended(self, name: AppName) -> None:
        """One story of a name that was taken, to the end."""
        try:
            again = await self._told(name)
        finally:
            self.queue.done(name)
        if self.known(name):
            self.queue.add(name, again)
        else:
            self.failures.pop(name, None)
            self.moves.pop(name, None)
            self.queue.forget(name)

    async def _told(self, name: AppName) -> float:
        """Tell one story; answers in how many seconds to tell it again."""
        try:
            async with asyncio.timeout(self.patience.story):
                at = await self.story(name)
        except Stale as error:
            return self._moved(name, error)
        except (SpecError, Refused) as error:
            self._log_once(name, "cannot go on", error)
            return self.patience.periodic
        except (Unavailable, TimeoutError) as error:
            self._log_once(name, "outside did not answer", error)
            return self._later(name)
        except Exception as error:
            self.failures[name] = self.failures.get(name, 0) + 1
            log.exception("bug: the story of an application failed", application=str(name))
            await self._bug_told(name, error)
            return self._later(name)
        self.failures.pop(name, None)
        self.moves.pop(name, None)
        if at is None:
            return self.patience.periodic
        return min(max((at - self.now()).total_seconds(), 0.0), self.patience.periodic)

    async def _bug_told(self, name: AppName, error: Exception) -> None:
        try:
            async with asyncio.timeout(self.patience.telling):
                await self.tell_bug(name, error)
        except Exception:
            log.exception("bug: telling of the bug failed too", application=str(name))

    def _log_once(self, name: AppName, event: str, error: Exception) -> None:
        """A failure that repeats is told at its first time only; the condition has it all the while."""
        if not self.failures.get(name):
            log.warning(event, application=str(name), why=str(error) or type(error).__name__)
        self.failures[name] = self.failures.get(name, 0) + 1

    def _later(self, name: AppName) -> float:
        """Seconds to the next look after the failures so far."""
        attempt = self.failures.get(name, 1)
        return min(self.patience.longest, self.patience.first * 2.0 ** min(attempt - 1, 16))

    def _moved(self, name: AppName, error: Stale) -> float:
        """At once; but who runs after something that never stands still takes breath."""
        moves = self.moves[name] = self.moves.get(name, 0) + 1
        if moves == _RESTLESS:
            log.warning("looked at again and again", application=str(name), why=str(error))
        return 0.0 if moves < _RESTLESS else min(self.patience.stale, 0.1 * 2.0 ** min(moves - _RESTLESS, 16))
