"""Engines elect who acts, on an API server in memory, in simulated time: silence, clocks that jump."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from memory.server import Server
from memory.wire import Fault, MemoryApi
from simulation.loop import simulated
from tiphys.adapters.cluster.leases import Lease
from tiphys.controller.gates import through
from tiphys.controller.leadership import Clocks, Leadership
from tiphys.core.election.lease import Me, Standing
from tiphys.model.errors import Refused, TiphysError, Unavailable
from tiphys.model.leases import LeaseRecord
from tiphys.model.objects import Key

LEASE = Key("coordination.k8s.io", "Lease", "argocd", "tiphys")

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class Engine:
    """An engine that does nothing but know whether it acts."""

    def __init__(self, server: Server, folder: str, process: str = "1", wall: int = 0) -> None:
        self.fault = Fault.NONE
        self.acts = False
        self.begun = 0
        self.follows: list[str] = []
        self.wall = timedelta(days=wall)
        self.api = MemoryApi(server, faults=lambda _: self.fault, latency=lambda: 0.01)
        loop = asyncio.get_running_loop()
        clocks = Clocks(loop.time, lambda: BEGINNING + timedelta(seconds=loop.time()) + self.wall)
        standing = Standing(Me("node", folder, process))
        self.leadership = Leadership(Lease(self.api, "argocd"), standing, clocks, self.follows.append)
        self.task = asyncio.create_task(through([self.leadership], self._work))

    async def _work(self) -> None:
        self.begun += 1
        self.acts = True
        try:
            await asyncio.Event().wait()
        finally:
            self.acts = False

    async def end(self) -> None:
        """As on SIGTERM."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.leadership.make_way()

    def kill(self) -> None:
        self.api.killed.set()
        self.task.cancel()


def story(tell: Callable[[Server], Awaitable[None]]) -> None:
    async def told() -> None:
        await tell(Server())

    simulated(told())


async def seconds_until(that: Callable[[], bool], most: float = 60.0) -> float:
    begun = asyncio.get_running_loop().time()
    while not that():
        await asyncio.sleep(0.1)
        assert asyncio.get_running_loop().time() - begun < most
    return asyncio.get_running_loop().time() - begun


def test_one_acts_and_asks_little_and_the_other_takes_over_when_it_is_gone():
    async def told(server: Server) -> None:
        first, second = Engine(server, "aaaa"), Engine(server, "bbbb")
        await asyncio.sleep(60)
        leader, follower = (first, second) if first.acts else (second, first)
        assert leader.acts
        assert not follower.acts
        assert follower.follows == [leader.leadership.standing.me.name]
        before = len(leader.api.asked)
        await asyncio.sleep(60)
        assert len(leader.api.asked) - before <= 12
        leader.kill()
        assert 10 < await seconds_until(lambda: follower.acts) < 18
        await follower.end()

    story(told)


def test_who_ends_makes_way_at_once():
    async def told(server: Server) -> None:
        first = Engine(server, "aaaa")
        await asyncio.sleep(1)
        second = Engine(server, "bbbb")
        await asyncio.sleep(1)
        await first.end()
        assert await seconds_until(lambda: second.acts) < 2.2
        body = server.body(LEASE)
        assert body
        assert body["spec"]["leaseTransitions"] == 1
        await second.end()
        body = server.body(LEASE)
        assert body
        assert body["spec"]["holderIdentity"] == ""

    story(told)


def test_who_was_killed_goes_on_at_once():
    async def told(server: Server) -> None:
        first = Engine(server, "aaaa")
        await asyncio.sleep(60)
        first.kill()
        again = Engine(server, "aaaa", "2")
        assert await seconds_until(lambda: again.acts) < 0.5
        await again.end()

    story(told)


def test_a_leader_that_cannot_renew_stops_before_another_begins_and_goes_on_as_a_follower():
    async def told(server: Server) -> None:
        first = Engine(server, "aaaa")
        await asyncio.sleep(30)
        second = Engine(server, "bbbb")
        await asyncio.sleep(30)
        first.fault = Fault.UNREACHABLE
        assert await seconds_until(lambda: not first.acts) < 10.2
        assert not second.acts
        await seconds_until(lambda: second.acts)
        first.fault = Fault.NONE
        await asyncio.sleep(60)
        assert (first.acts, second.acts) == (False, True)
        assert first.follows == [second.leadership.standing.me.name]
        await second.end()
        assert await seconds_until(lambda: first.acts) < 2.2
        await first.end()

    story(told)


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNREACHABLE])
def test_an_api_server_that_is_gone_for_a_moment_changes_nothing_and_for_long_ends_nobody(fault: Fault):
    async def told(server: Server) -> None:
        engine = Engine(server, "aaaa")
        await asyncio.sleep(20)
        engine.fault = fault
        await asyncio.sleep(4)
        engine.fault = Fault.NONE
        await asyncio.sleep(20)
        assert (engine.acts, engine.begun) == (True, 1)
        engine.fault = fault
        await asyncio.sleep(300)
        assert not engine.acts
        engine.fault = Fault.NONE
        assert await seconds_until(lambda: engine.acts) < 4.5
        await engine.end()

    story(told)


def test_clocks_that_differ_and_jump_do_not_matter():
    async def told(server: Server) -> None:
        first = Engine(server, "aaaa", wall=-400)
        await asyncio.sleep(1)
        second = Engine(server, "bbbb", wall=400)
        for days in (4000, -4000, 0):
            await asyncio.sleep(20)
            first.wall = timedelta(days=days)
            assert (first.acts, second.acts) == (True, False)
        await asyncio.sleep(20)
        assert (first.begun, second.begun) == (1, 0)
        await first.end()
        await second.end()

    story(told)


def test_a_lease_that_is_deleted_or_written_to_by_others_stays_with_its_holder():
    async def told(server: Server) -> None:
        first = Engine(server, "aaaa")
        await asyncio.sleep(1)
        second = Engine(server, "bbbb")
        await asyncio.sleep(20)
        server.delete(LEASE)
        await asyncio.sleep(20)
        assert (first.begun, second.begun) == (1, 0)
        await Lease(first.api, "argocd").write(LeaseRecord("thief_cccc_1", 15, version=version(server)))
        await asyncio.sleep(6)
        assert not first.acts, "whoever is named leads"
        await first.end()
        await second.end()

    story(told)


def test_what_cannot_be_asked_is_told_at_the_start():
    class Closed:
        def __init__(self, error: TiphysError) -> None:
            self.error = error

        async def read(self, deadline: float) -> LeaseRecord | None:  # noqa: ARG002
            raise self.error

        async def write(self, record: LeaseRecord, deadline: float) -> LeaseRecord | None:  # noqa: ARG002
            raise self.error

    async def told(_: Server) -> None:
        loop = asyncio.get_running_loop()
        clocks = Clocks(loop.time, lambda: BEGINNING)
        for error in (Refused("not allowed"), Unavailable("no answer")):
            with pytest.raises(type(error)):
                await Leadership(Closed(error), Standing(Me("node", "aaaa", "1")), clocks).opened()

    story(told)


def version(server: Server) -> str:
    body = server.body(LEASE)
    assert body
    return str(body["metadata"]["resourceVersion"])
