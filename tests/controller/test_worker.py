"""The worker: how long it waits after what, and that nobody stands in another's way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from tiphys.controller.queue import Queue
from tiphys.controller.worker import Patience, Worker
from tiphys.model.errors import Refused, SpecError, Stale, Unavailable
from tiphys.model.objects import AppName

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHOP, API = AppName("argocd", "shop"), AppName("argocd", "api")


class Told:
    """Stories that do as they are told, and when each was told."""

    def __init__(self, *names: AppName) -> None:
        self.does: dict[AppName, Callable[[], Awaitable[datetime | None]]] = {}
        self.at: dict[AppName, list[float]] = {name: [] for name in names}
        self.bugs: list[AppName] = []
        self.gone: set[AppName] = set()

    async def story(self, name: AppName) -> datetime | None:
        self.at[name].append(asyncio.get_running_loop().time())
        return await self.does[name]()

    async def bug(self, name: AppName, _: Exception) -> None:
        self.bugs.append(name)

    def worker(self, patience: Patience | None = None) -> Worker:
        queue = Queue[AppName](spacing=0)
        return Worker(
            queue,
            self.story,
            self.bug,
            lambda name: name not in self.gone,
            lambda: NOW,
            patience or Patience(),
        )


def raises(error: Exception) -> Callable[[], Awaitable[datetime | None]]:
    async def fails() -> datetime | None:
        raise error

    return fails


@asynccontextmanager
async def at_work(*workers: Worker) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(worker.work()) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def waits(error: Exception, times: int) -> list[float]:
    """The pauses in seconds that a worker makes after an error that comes again and again."""
    told = Told(SHOP)
    told.does[SHOP] = raises(error)
    worker = told.worker()
    return [await worker._told(SHOP) for _ in range(times)]


async def test_an_outside_that_does_not_answer_is_asked_later_each_time():
    assert await waits(Unavailable("x"), 9) == [1, 2, 4, 8, 16, 32, 64, 120, 120]


async def test_a_bug_too_is_tried_later_each_time():
    assert await waits(KeyError("x"), 4) == [1, 2, 4, 8]


@pytest.mark.parametrize("error", [SpecError("x"), Refused("x")])
async def test_a_wrong_spec_waits_for_a_change(error: Exception):
    assert await waits(error, 3) == [180, 180, 180]


async def test_a_world_that_moved_is_looked_at_at_once_but_never_hotly():
    pauses = await waits(Stale("x"), 16)
    assert pauses[:3] == [0, 0, 0]
    assert pauses[-1] == 30
    assert sum(pauses[:10]) > 10, "fewer than one look a second when it lasts"


async def test_success_lets_everything_count_anew():
    told = Told(SHOP)
    worker = told.worker()
    for error in (Unavailable("x"), Stale("x")):
        told.does[SHOP] = raises(error)
        first = await worker._told(SHOP)
        await worker._told(SHOP)
        told.does[SHOP] = lambda: asyncio.sleep(0, NOW + timedelta(seconds=7))
        assert await worker._told(SHOP) == 7
        told.does[SHOP] = raises(error)
        assert await worker._told(SHOP) == first


async def test_a_time_that_is_over_means_at_once_and_a_far_one_the_periodic_look():
    told = Told(SHOP)
    worker = told.worker()
    for at, seconds in ((NOW - timedelta(days=1), 0), (NOW + timedelta(days=1), 180), (None, 180)):
        told.does[SHOP] = lambda at=at: asyncio.sleep(0, at)
        assert await worker._told(SHOP) == seconds


async def test_a_story_that_hangs_holds_up_nobody():
    told = Told(SHOP, API)
    hangs = asyncio.Event()
    told.does[SHOP] = hangs.wait
    told.does[API] = lambda: asyncio.sleep(0, None)
    worker = told.worker(Patience(turn=0.05))
    worker.queue.add(SHOP)
    worker.queue.add(API)
    async with at_work(worker):
        await asyncio.sleep(0.3)
        assert told.at[API]
        assert len(told.at[SHOP]) == 1, "it is never told twice at once"


async def test_a_story_that_takes_too_long_is_abandoned_and_told_anew():
    told = Told(SHOP)
    told.does[SHOP] = asyncio.Event().wait
    worker = told.worker(Patience(story=0.05, first=0.05))
    worker.queue.add(SHOP)
    async with at_work(worker):
        await asyncio.sleep(0.4)
    assert len(told.at[SHOP]) >= 2


async def test_stopping_abandons_a_story_in_the_middle():
    told, abandoned = Told(SHOP), asyncio.Event()

    async def writes() -> None:
        with suppress(BaseException):
            await asyncio.sleep(60)
        abandoned.set()

    told.does[SHOP] = writes
    worker = told.worker(Patience(turn=0.01))
    worker.queue.add(SHOP)
    async with at_work(worker):
        await asyncio.sleep(0.1)
    assert abandoned.is_set()


async def test_a_bug_is_told_and_the_loop_goes_on():
    told = Told(SHOP, API)
    told.does[SHOP] = raises(ZeroDivisionError("x"))
    told.does[API] = lambda: asyncio.sleep(0, None)
    worker = told.worker()
    worker.queue.add(SHOP)
    worker.queue.add(API)
    async with at_work(worker):
        await asyncio.sleep(0.1)
    assert told.bugs == [SHOP]
    assert told.at[API]


async def test_an_application_that_is_gone_is_forgotten():
    told = Told(SHOP)
    told.does[SHOP] = raises(Unavailable("x"))
    told.gone.add(SHOP)
    worker = told.worker()
    worker.queue.add(SHOP)
    async with at_work(worker):
        await asyncio.sleep(0.05)
    assert (len(worker.queue), worker.failures) == (0, {})
