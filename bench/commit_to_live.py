"""
From a push to the object that is live: how long it takes until the API server has what the commit says.

    .venv/bin/python bench/commit_to_live.py [--samples 100]

By polling, pushes come at random moments to repositories that are polled apart from each other, as they do where
people work. By webhook, the engine is told of the push right after it; by refresh, the application is annotated then.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from ground import TARGET, Ground, Repository, application, ground

REPOSITORIES = 10
POLL = 10.0
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{TARGET}/deployments"
PATIENCE = 120.0
WEBHOOK, REFRESH, POLLING = "by webhook", "by refresh", "by polling"


@dataclass
class Deliveries:
    """One application in each of some repositories, and when each image was first seen live."""

    ground: Ground
    repositories: dict[str, Repository]
    live: dict[str, float] = field(default_factory=dict)
    heard: asyncio.Condition = field(default_factory=asyncio.Condition)
    words: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def listen(self) -> None:
        """Keep ``live`` up to date."""
        async for deployment in self.ground.follow(DEPLOYMENTS):
            async with self.heard:
                self.live.setdefault(_delivered(deployment), time.monotonic())
                self.heard.notify_all()

    async def sample(self, name: str, by: str) -> float:
        """Push a change of an application; answers with the seconds until it is live."""
        self.words[name] += 1
        word = f"w{self.words[name]}"
        repository = self.repositories[name]
        before = repository.revision
        await asyncio.to_thread(repository.change, [name], word)
        pushed = time.monotonic()
        if by == REFRESH:
            await self.ground.refresh(name)
        if by == WEBHOOK:
            await self.ground.tell(repository, before, [f"charts/{name}/values.yaml"])
        return await self.seen(name, word) - pushed

    async def seen(self, name: str, word: str) -> float:
        """When the word of an application was live."""
        async with asyncio.timeout(PATIENCE), self.heard:
            await self.heard.wait_for(lambda: f"{name}:{word}" in self.live)
        return self.live[f"{name}:{word}"]

    async def polled(self, name: str, samples: int) -> list[float]:
        """Samples of one application, the pushes at random moments between two polls."""
        taken = []
        for _ in range(samples):
            await asyncio.sleep(random.uniform(0, POLL))  # noqa: S311 - no secret
            taken.append(await self.sample(name, POLLING))
        return taken


def _delivered(deployment: dict[str, Any]) -> str:
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return f"{deployment['metadata']['name']}:{image.rpartition(':')[2]}"


def tell(what: str, seconds: list[float]) -> None:
    quantiles = statistics.quantiles(seconds, n=100, method="inclusive")
    print(
        f"{what:12} {len(seconds):4d} pushes   p50 {quantiles[49]:6.2f} s   p99 {quantiles[98]:6.2f} s   "
        f"longest {max(seconds):6.2f} s",
        flush=True,
    )


async def measure(samples: int) -> None:
    async with ground() as here:
        names = [f"app-{number}" for number in range(REPOSITORIES)]
        repositories = {name: Repository(here.place, name, [name]) for name in names}
        await here.start_engine()
        deliveries = Deliveries(here, repositories)
        await here.create(application(n, here.address(r)) for n, r in repositories.items())
        listening = asyncio.create_task(deliveries.listen())
        await asyncio.gather(*(deliveries.seen(name, "one") for name in names))
        for by in (WEBHOOK, REFRESH):
            tell(by, [await deliveries.sample(names[n % 10], by) for n in range(samples)])
        each = -(-samples // REPOSITORIES)
        taken = await asyncio.gather(*(deliveries.polled(name, each) for name in names))
        tell(POLLING, [seconds for of_one in taken for seconds in of_one])
        listening.cancel()
        await asyncio.wait([listening])


def main() -> None:
    asked = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    asked.add_argument("--samples", type=int, default=100, help="pushes of each kind (100)")
    asyncio.run(measure(asked.parse_args().samples))


if __name__ == "__main__":
    main()
