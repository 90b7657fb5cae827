"""
What the example platform needs while nothing happens: the engine's memory and CPU, with and without its toolbox.

    .venv/bin/python bench/at_rest.py
"""

import asyncio

import orjson
from ground import APPLICATIONS, Ground, scratch_place, spent, until_quiet

from tiphys.local.cluster import Cluster
from tiphys.local.up import bring_up
from tiphys.wiring.connecting import open_api

GOING = 90.0
"""Seconds after which an idle toolbox has gone."""
IDLE = 60.0
PATIENCE = 300.0


async def measure() -> None:
    with scratch_place() as place:
        platform = await asyncio.to_thread(bring_up, place, lambda _: None)
        async with open_api(Cluster(place.kubeconfig)) as api:
            here = Ground(place, platform.git.address, api)
            async with asyncio.timeout(PATIENCE):
                while not await _all_well(here):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.5)
        await until_quiet(place)
        tell(here, "all Synced and Healthy")
        await asyncio.sleep(GOING)
        tell(here, "the toolbox gone")
        before = spent(place).cpu
        await asyncio.sleep(IDLE)
        print(f"CPU at rest: {(spent(place).cpu - before) / IDLE:.2%} of a core, over {IDLE:g} s")


async def _all_well(here: Ground) -> bool:
    found = orjson.loads((await here.api.call("GET", APPLICATIONS)).body)["items"]
    states = [item.get("status", {}) for item in found]
    return len(states) > 3 and all(
        state.get("sync", {}).get("status") == "Synced" and state.get("health", {}).get("status") == "Healthy"
        for state in states
    )


def tell(here: Ground, what: str) -> None:
    now = spent(here.place)
    print(f"{what:24} {now.engine:6.0f} MiB engine + {now.children:4.0f} MiB toolbox", flush=True)


if __name__ == "__main__":
    asyncio.run(measure())
