"""
When the engine may act: whenever every gate on its way is open, and not a moment longer.

What a gate waits for is its own to know: another engine that leads, an Argo CD that runs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol


class Gate(Protocol):
    """Something that may forbid to act."""

    async def opened(self) -> None:
        """Returns when this allows us to act, and tells meanwhile why it does not."""

    async def shut(self) -> None:
        """Returns when it does not any more."""


async def through(gates: Sequence[Gate], work: Callable[[], Awaitable[None]]) -> None:
    """
    Do some work whenever all gates are open, until it ends by itself; the first gate is passed first.

    When one is shut the work is cancelled, and begins anew when all are open again. What it was at is found in the
    Applications by whoever goes on, as after a restart.
    """
    if not gates:
        await work()
        return
    first, *rest = gates
    ended = False
    while not ended:
        await first.opened()
        ended = await _while_open(first, through(rest, work))


async def _while_open(gate: Gate, work: Coroutine[Any, Any, None]) -> bool:
    """Whether the work ended before the gate was shut."""
    working, watching = asyncio.create_task(work), asyncio.create_task(gate.shut())
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        for done in (working, watching):
            if done.done():
                done.result()
        return working.done()
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)
