"""The engine acts while all gates are open, and begins anew when they open again."""

import asyncio

import pytest

from tiphys.controller.gates import through
from tiphys.model.errors import Unavailable


class Door:
    """A gate that a test opens and shuts."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.now_open, self.now_shut = asyncio.Event(), asyncio.Event()
        self.turn(is_open=is_open)

    def turn(self, *, is_open: bool) -> None:
        (self.now_open if is_open else self.now_shut).set()
        (self.now_shut if is_open else self.now_open).clear()

    async def opened(self) -> None:
        await self.now_open.wait()

    async def shut(self) -> None:
        await self.now_shut.wait()


class Work:
    """Counts how often it was begun, and whether it is at it."""

    def __init__(self) -> None:
        self.begun, self.at_it = 0, False

    async def __call__(self) -> None:
        self.begun, self.at_it = self.begun + 1, True
        try:
            await asyncio.Event().wait()
        finally:
            self.at_it = False


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_work_goes_on_while_every_gate_is_open_and_begins_anew():
    outer, inner, work = Door(), Door(is_open=False), Work()
    engine = asyncio.create_task(through([outer, inner], work))
    await settled()
    assert not work.at_it
    inner.turn(is_open=True)
    await settled()
    assert (work.begun, work.at_it) == (1, True)
    outer.turn(is_open=False)
    await settled()
    assert not work.at_it
    outer.turn(is_open=True)
    await settled()
    assert (work.begun, work.at_it) == (2, True)
    engine.cancel()
    await asyncio.gather(engine, return_exceptions=True)
    assert not work.at_it


async def test_what_ends_the_work_is_told():
    async def work() -> None:
        raise Unavailable("no cluster")

    with pytest.raises(Unavailable, match="no cluster"):
        await through([Door(), Door()], work)


async def test_a_gate_that_fails_ends_the_work():
    class Broken(Door):
        async def shut(self) -> None:
            raise Unavailable("no answer")

    work = Work()
    with pytest.raises(Unavailable, match="no answer"):
        await through([Broken()], work)
    assert not work.at_it
