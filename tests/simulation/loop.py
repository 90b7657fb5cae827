"""An event loop whose clock jumps to the next thing that is due, so that hours take seconds."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


_MOMENT = 1e-6
"""Passes in any case, so that who waits for less than the clock can tell gets on."""


class Stuck(Exception):
    """Everybody waits for somebody else, and nothing will ever happen again."""


class _Jump(selectors.SelectSelector):
    """Instead of waiting, moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if timeout is None:
            raise Stuck
        self.now += timeout + _MOMENT
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """See above. Only for what waits for time and for other tasks, and never for the outside."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Seconds since long before the loop began."""
        return self._jump.now


def simulated(story: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(story)
