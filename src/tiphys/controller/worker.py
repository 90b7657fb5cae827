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


@dataclass(frozen=True)
class Patience:
    """How long the worker waits, in seconds."""

    periodic: float = 180.0
    """The safety net: everything is looked at this often, though events should make it needless."""
    first: float = 1.0
    longest: float = 120.0
    story: float = 600.0
    """A story that takes longer is abandoned and told anew."""
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

    async def work(self) -> None:
        """Work until cancelled."""
        while True:
            name = await self.queue.take()
            try:
                again = await self._told(name)
            finally:
                self.queue.done(name)
            if self.known(name):
                self.queue.add(name, again)
            else:
                self.failures.pop(name, None)
                self.queue.forget(name)

    async def _told(self, name: AppName) -> float:
        """Tell one story; answers in how many seconds to tell it again."""
        try:
            async with asyncio.timeout(self.patience.story):
                at = await self.story(name)
        except Stale as error:
            log.debug("looking again", application=str(name), why=str(error))
            return 0.0
        except (SpecError, Refused) as error:
            self._log_once(name, "cannot go on", error)
            return self.patience.periodic
        except (Unavailable, TimeoutError) as error:
            self._log_once(name, "outside did not answer", error)
            return self._later(name)
        except Exception as error:
            log.exception("bug: the story of an application failed", application=str(name))
            await self._bug_told(name, error)
            return self._later(name)
        self.failures.pop(name, None)
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
        attempt = self.failures[name] = self.failures.get(name, 0) + 1
        return min(self.patience.longest, self.patience.first * 2.0 ** min(attempt - 1, 16))
