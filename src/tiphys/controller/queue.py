"""
The queue of names: who is to be looked at, and when at the earliest.

It forgets duplicates and carries only names. A name that is being worked on is never handed out a second time; added
meanwhile, it comes again afterwards.
"""

import asyncio
import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)


class Queue(Generic[Name]):
    """Names with due times, in seconds of the event loop's clock."""

    def __init__(self, spacing: float = 0.1) -> None:
        """``spacing``: seconds between two looks at one name, so that a burst of events costs one look."""
        self._spacing = spacing
        self._due: dict[Name, float] = {}
        self._heap: list[tuple[float, int, Name]] = []
        self._busy: set[Name] = set()
        self._rested: dict[Name, float] = {}
        self._count = 0
        self._wake = asyncio.Event()

    def add(self, name: Name, delay: float = 0.0) -> None:
        """Have a name looked at after ``delay`` seconds, or earlier if it is due earlier already."""
        now = asyncio.get_running_loop().time()
        due = max(now + delay, self._rested.get(name, 0.0))
        if due >= self._due.get(name, float("inf")):
            return
        self._due[name] = due
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, name))
        self._wake.set()

    async def take(self) -> Name:
        """The next name that is due; waits for one. ``done`` must follow."""
        while True:
            wait = self._next_wait()
            if wait is not None and wait <= 0:
                name = heapq.heappop(self._heap)[2]
                del self._due[name]
                self._busy.add(name)
                return name
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), wait)
            except TimeoutError:
                continue

    def done(self, name: Name) -> None:
        """A name that was taken may be handed out again."""
        self._busy.discard(name)
        self._rested[name] = asyncio.get_running_loop().time() + self._spacing
        if name in self._due:
            self._count += 1
            due = self._due[name] = max(self._due[name], self._rested[name])
            heapq.heappush(self._heap, (due, self._count, name))
        self._wake.set()

    def forget(self, name: Name) -> None:
        """Drop a name that is no more."""
        self._due.pop(name, None)
        self._rested.pop(name, None)

    def __len__(self) -> int:
        return len(self._due)

    def _next_wait(self) -> float | None:
        """Seconds until the first name is due, dropping what is outdated or being worked on."""
        while self._heap:
            due, _, name = self._heap[0]
            if self._due.get(name) == due and name not in self._busy:
                return due - asyncio.get_running_loop().time()
            heapq.heappop(self._heap)
        return None
