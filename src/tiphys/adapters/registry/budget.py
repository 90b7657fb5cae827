"""
How often one registry is asked: so many requests a minute, and none at all while it wants to be left alone.

Times are those of a monotonic clock, which is handed in.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime

from tiphys.adapters.registry.settings import Settings
from tiphys.model.errors import Unavailable

_FIRST = 5.0
_MOST_DOUBLINGS = 10


class Budget:
    """What one registry is still asked."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._places = asyncio.Semaphore(settings.parallel)
        self._left = float(settings.burst)
        self._since = clock()
        self._silent_until = 0.0
        self._why = ""
        self._failures = 0

    @asynccontextmanager
    async def spent(self, doing: str) -> AsyncIterator[None]:
        """One request, as soon as there is room for it. Raises ``Unavailable`` while there shall be none."""
        self._expect_talking(doing)
        async with self._places:
            await asyncio.sleep(self._reserved())
            self._expect_talking(doing)
            yield

    def failed(self, why: str) -> None:
        """It did not answer: leave it alone, longer each time."""
        pause = _FIRST * 2.0 ** min(self._failures, _MOST_DOUBLINGS) * random.uniform(0.7, 1)  # noqa: S311
        self._failures += 1
        self._silence(min(pause, self._settings.longest_silence / 6), why)

    def refused(self, retry_after: str, now: datetime) -> None:
        """It answered that it has had too many requests, and perhaps when it takes one again."""
        told = seconds_of(retry_after, now)
        if told is None:
            self.failed("it has had too many requests (HTTP 429)")
            return
        self._failures += 1
        self._silence(min(told, self._settings.longest_silence), "it has had too many requests (HTTP 429)")

    def answered(self) -> None:
        """It answered."""
        self._failures = 0

    def _silence(self, seconds: float, why: str) -> None:
        self._silent_until = max(self._silent_until, self._clock() + seconds)
        self._why = why

    def _expect_talking(self, doing: str) -> None:
        if (left := self._silent_until - self._clock()) > 0:
            raise Unavailable(f"{doing}: {self._why}; it is asked again in {left:.0f} s")

    def _reserved(self) -> float:
        """Seconds until there is room for one more request, which is taken."""
        now, rate = self._clock(), self._settings.per_minute / 60
        self._left = min(float(self._settings.burst), self._left + (now - self._since) * rate) - 1
        self._since = now
        return max(0.0, -self._left / rate)


def seconds_of(retry_after: str, now: datetime) -> float | None:
    """The seconds that a ``Retry-After`` means, written as such or as a date; ``None`` for anything else."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):
        return None
