"""
How long to wait before the next attempt: longer each time, and never all at the same moment.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from time import monotonic


class Backoff:
    """Pauses in seconds, from ``first`` up to ``most``, each shortened by up to a third by chance."""

    def __init__(self, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._failures = 0

    def pause(self) -> float:
        """The pause after one more failure."""
        whole = min(self._most, self._first * 2.0 ** min(self._failures, 20))
        self._failures += 1
        return whole * random.uniform(2 / 3, 1)  # noqa: S311  spreads load, keeps no secret

    def reset(self) -> None:
        """It worked: start over."""
        self._failures = 0


async def holds(asked: Callable[[], Awaitable[bool]], within: float) -> bool:
    """Ask until the answer is yes, ever more seldom; whether it was within these seconds."""
    waits, until = Backoff(0.01, 1), monotonic() + within
    while not (yes := await asked()):
        if monotonic() > until:
            break
        await asyncio.sleep(waits.pause())
    return yes
