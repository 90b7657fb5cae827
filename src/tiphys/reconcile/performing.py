"""Commands given to the cluster side by side; their number at once is the cluster's own limiter."""

import asyncio
from collections.abc import Sequence

from tiphys.model.flow import Command, Result
from tiphys.reconcile.ports import Cluster


async def performed(commands: Sequence[Command], cluster: Cluster) -> list[Result]:
    """The results, in the order of the commands. If one raises, the others are abandoned: all are safe to repeat."""
    if len(commands) == 1:
        return [await cluster.perform(commands[0])]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(cluster.perform(command)) for command in commands]
    return [task.result() for task in tasks]
