"""
N applications in one charts repository: what the engine needs for them, and how that grows with N.

    .venv/bin/python bench/many.py 10 100 300 [--objects 5]
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from ground import APPLICATIONS, Ground, Repository, application, ground, spent, until_quiet

IDLE = 30.0
PATIENCE = 900.0


@dataclass
class Many:
    """N applications, and to which commit each of them is synced."""

    ground: Ground
    repository: Repository
    names: list[str]
    synced: dict[str, str] = field(default_factory=dict)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(self) -> None:
        """Create the Applications and wait until all are synced."""
        await self.ground.create(application(n, self.ground.address(self.repository)) for n in self.names)
        await self.all_at(self.repository.revision)

    async def change(self, names: list[str], word: str) -> None:
        """Change the charts of some, and wait until all are synced to the new commit."""
        await self.all_at(await asyncio.to_thread(self.repository.change, names, word))

    async def all_at(self, revision: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while sum(found == revision for found in self.synced.values()) < len(self.names):
                self.heard.clear()
                await self.heard.wait()

    async def listen(self) -> None:
        """Keep ``synced`` up to date."""
        async for item in self.ground.follow(APPLICATIONS):
            sync = item.get("status", {}).get("sync", {})
            done = sync.get("status") == "Synced"
            self.synced[item["metadata"]["name"]] = sync["revision"] if done else ""
            self.heard.set()

    async def measured(self, what: str, work: Callable[[], Awaitable[object]], *, rest: bool = True) -> None:
        """
        Print what some work took: its wall time, and the engine's use until it was quiet again.

        Looks that follow from the work, such as those at the Deployments that others fill in, count.
        """
        before, began = spent(self.ground.place), time.monotonic()
        await work()
        wall = time.monotonic() - began
        if rest:
            await until_quiet(self.ground.place)
        self.tell(what, wall, before.cpu, before.renders)

    def tell(self, what: str, wall: float, cpu: float = 0.0, renders: int = 0) -> None:
        now = spent(self.ground.place)
        print(
            f"{len(self.names):5d} {what:24} {wall:7.1f} s {now.cpu - cpu:7.2f} CPU s "
            f"{now.renders - renders:5d} renders {now.engine:6.0f} + {now.children:3.0f} MiB",
            flush=True,
        )

    async def restarted(self) -> None:
        """Stop and start the engine, and tell when all has been looked at."""
        before = spent(self.ground.place).renders
        self.ground.stop_engine()
        began = time.monotonic()
        await self.ground.start_engine()
        quiet = await until_quiet(self.ground.place)
        self.tell("restart until quiet", quiet - began, renders=before)


async def measure(count: int, *, more: bool) -> None:
    async with ground() as here:
        names = [f"app-{number:04d}" for number in range(count)]
        repository = Repository(here.place, "charts", names, more=more)
        await here.start_engine()
        many = Many(here, repository, names)
        listening = asyncio.create_task(many.listen())
        await many.measured("from nothing to Synced", many.begin)
        await many.measured(f"idle for {IDLE:g} s", lambda: asyncio.sleep(IDLE), rest=False)
        await many.measured("one commit changes one", lambda: many.change(names[:1], "two"))
        await many.measured("one commit changes all", lambda: many.change(names, "three"))
        await many.restarted()
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


def main() -> None:
    asked = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    asked.add_argument("counts", nargs="*", type=int, default=[100], help="how many applications (100)")
    asked.add_argument("--objects", type=int, choices=(2, 5), default=2, help="objects of each")
    given = asked.parse_args()
    for count in given.counts:
        asyncio.run(measure(count, more=given.objects == 5))


if __name__ == "__main__":
    main()
