"""One life of the engine, from its start to its end, put together as ``wiring`` does it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from memory.wire import MemoryApi, opened
from simulation.books import Kept, Reader
from tiphys.adapters.cluster import backoff, catalog, watches
from tiphys.adapters.cluster.applications import ApplicationChange, WatchedApplications
from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.controller.following import Following
from tiphys.controller.polls import Polls
from tiphys.controller.queue import Queue
from tiphys.controller.worker import Worker
from tiphys.core.sync.advance import Terms
from tiphys.model.objects import AppName
from tiphys.reconcile.reconcile import reconcile, tell_bug
from tiphys.reconcile.tips import Tips
from tiphys.reconcile.world import World

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
WORKERS = 3


def now() -> datetime:
    """The simulated time of day."""
    return BEGINNING + timedelta(seconds=asyncio.get_running_loop().time())


@contextmanager
def simulated_clocks() -> Iterator[None]:
    """Whoever measures durations by the process's clock gets the simulated one."""
    readers = (backoff, catalog, watches)
    before = [module.monotonic for module in readers]  # type: ignore[attr-defined]
    loop = asyncio.get_running_loop()
    for module in readers:
        module.monotonic = loop.time  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module, was in zip(readers, before, strict=True):
            module.monotonic = was  # type: ignore[attr-defined]


async def live(
    api: MemoryApi, reader: Reader, cache: Kept, bug: Callable[[Exception], Awaitable[None]]
) -> None:
    """Run an engine until it is cancelled."""
    async with opened(api) as cluster:
        applications = await WatchedApplications.open(cluster, "argocd")
        world = World(
            applications=applications,
            cluster=cluster,
            repositories=reader,
            charts=reader,
            renderer=reader,
            cache=cache,
            tips=Tips(reader, now),
            workspace=reader.workspace,
            now=now,
            terms=Terms(wave_delay=timedelta(seconds=2)),
        )
        queue = Queue[AppName]()
        polls = Polls(world, queue, 10.0)
        following = Following(world, queue)
        _listen(cluster, applications, following, polls)
        following.everybody()

        async def bug_told(name: AppName, error: Exception) -> None:
            await bug(error)
            await tell_bug(name, error, world)

        worker = Worker(
            queue,
            story=lambda name: reconcile(name, world),
            tell_bug=bug_told,
            known=applications.known,
            now=now,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(polls.run())
            for _ in range(WORKERS):
                group.create_task(worker.work())


def _listen(
    cluster: WatchedCluster, applications: WatchedApplications, following: Following, polls: Polls
) -> None:
    def application_heard(heard: ApplicationChange) -> None:
        if heard.application:
            polls.outdated |= following.application(heard.application, heard.old, heard.new)
        else:
            following.project()

    applications.subscribe(application_heard)
    cluster.subscribe(following.changed)
    cluster.on_catalog(lambda _: following.everybody())
