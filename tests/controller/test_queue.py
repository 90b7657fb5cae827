"""The queue: no duplicates, never the same name twice at once, in time."""

import asyncio

import pytest

from tiphys.controller.queue import Queue


async def test_a_name_added_twice_comes_once():
    queue = Queue[str]()
    queue.add("a")
    queue.add("a")
    assert await queue.take() == "a"
    queue.done("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.take(), 0.05)


async def test_a_name_being_worked_on_is_not_handed_out_and_comes_again_afterwards():
    queue = Queue[str](spacing=0)
    queue.add("a")
    assert await queue.take() == "a"
    queue.add("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.take(), 0.05)
    queue.done("a")
    assert await asyncio.wait_for(queue.take(), 1) == "a"


async def test_an_earlier_time_outranks_a_later_one():
    queue = Queue[str]()
    queue.add("a", 60)
    queue.add("a")
    assert await asyncio.wait_for(queue.take(), 1) == "a"


async def test_a_later_time_does_not_put_off_an_earlier_one():
    queue = Queue[str]()
    queue.add("a")
    queue.add("a", 60)
    assert await asyncio.wait_for(queue.take(), 1) == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_a_burst_of_events_costs_one_more_look():
    queue = Queue[str](spacing=0.05)
    queue.add("a")
    await queue.take()
    queue.done("a")
    for _ in range(100):
        queue.add("a")
    assert await asyncio.wait_for(queue.take(), 1) == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_whoever_waits_is_woken_by_an_earlier_name():
    queue = Queue[str]()
    queue.add("late", 60)
    waiting = asyncio.create_task(queue.take())
    await asyncio.sleep(0.01)
    queue.add("soon")
    assert await asyncio.wait_for(waiting, 1) == "soon"
