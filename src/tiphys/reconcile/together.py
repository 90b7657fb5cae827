"""Calls to the outside side by side. How many run at once is the limiter's of each thing outside."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def together(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The answers, in the order of the calls. If one raises, the others are abandoned: all are safe to repeat."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        # Not a task group: its groups of errors are none of ours, and nobody would know who should act.
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
