"""Commands given to the cluster side by side; their number at once is the cluster's own limiter."""

import asyncio
from collections.abc import Sequence

from tiphys.model.flow import Command, Result
from tiphys.reconcile.ports import Cluster


async def performed(commands: Sequence[Command], cluster: Cluster) -> list[Result]:
    """The results, in the order of the commands. If one raises, the others are abandoned: all are safe to repeat."""
    tasks = [asyncio.ensure_future(cluster.perform(command)) for command in commands]
    try:
        # Not a task group: its groups of errors are none of ours, and nobody would know who should act.
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
