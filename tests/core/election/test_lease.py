"""
Of several engines one leads, whatever befalls them.

The Lease is a store that knows versions. Engines ask it in any order, answers are lost, engines are killed.
"""

from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.election.lease import (
    Follow,
    Hold,
    Me,
    Standing,
    Try,
    advance,
    claim,
    lost,
    released,
    saw,
    won,
)
from tiphys.model.leases import LeaseRecord

ME = Me("node-1", "aaaa", "1")
OTHER = LeaseRecord("node-2_bbbb_7", 15, "a", "1", 4, "10")
WALL = "2026-01-01T00:00:00.000000Z"


def test_a_lease_that_nobody_holds_is_taken():
    for record in (None, replace(OTHER, holder="")):
        standing = saw(Standing(ME), record, 100.0)
        assert advance(standing, 100.0) == Try()
        assert claim(standing, WALL).holder == "node-1_aaaa_1"


def test_a_leader_renews_after_a_third_and_stops_after_two_thirds():
    standing = won(saw(Standing(ME), None, 100.0), LeaseRecord(ME.name, 15, version="1"), 100.0)
    assert advance(standing, 101.0) == Hold(4.0)
    assert advance(standing, 105.0) == Try()
    silent = lost(standing, 105.0, outrun=False)
    assert advance(silent, 106.0) == Hold(1.0)
    assert advance(silent, 107.0) == Try()
    assert silent.leads(109.9)
    assert not silent.leads(110.0)


def test_a_follower_judges_by_how_long_it_saw_the_record_unchanged():
    standing = saw(Standing(ME), replace(OTHER, renewed="1999-01-01T00:00:00Z"), 100.0)
    assert advance(standing, 100.0) == Follow(2.0)
    renewed = saw(standing, replace(OTHER, renewed="1970-01-01T00:00:00Z", version="11"), 114.0)
    assert advance(renewed, 114.0) == Follow(2.0)
    touched = saw(renewed, replace(renewed.seen or OTHER, version="12"), 128.0)
    assert advance(touched, 128.0) == Follow(2.0)
    assert advance(saw(touched, touched.seen, 129.0), 129.0) == Try(), "an annotation is no renewal"


def test_who_was_killed_takes_its_own_lease_back_at_once():
    mine = replace(OTHER, holder=replace(ME, process="0").name)
    assert advance(saw(Standing(ME), mine, 100.0), 100.0) == Try()
    assert claim(saw(Standing(ME), mine, 100.0), WALL).transitions == 5


def test_who_finds_the_record_changed_looks_what_happened_and_stops_if_another_leads():
    standing = won(saw(Standing(ME), None, 100.0), LeaseRecord(ME.name, 15, version="1"), 100.0)
    outrun = lost(standing, 105.0, outrun=True)
    assert advance(outrun, 105.0) == Follow(0.0)
    assert not saw(outrun, OTHER, 105.0).leads(105.0)
    noted = saw(outrun, LeaseRecord(ME.name, 15, version="2"), 106.0)
    assert noted.leads(106.0)
    assert claim(noted, WALL).version == "2"


def test_a_lease_that_was_deleted_does_not_end_its_holder():
    standing = saw(saw(Standing(ME), OTHER, 100.0), None, 110.0)
    assert advance(standing, 110.0) == Follow(2.0)
    assert advance(saw(standing, None, 115.0), 115.0) == Try()
    assert claim(saw(standing, None, 115.0), WALL).version == ""


@pytest.mark.parametrize("holder", ["", "x", "_", "a_b", "aaaa", "node_aaaa_1_2"])
def test_odd_holders_are_somebody_else(holder: str):
    assert not ME.was(holder)


@dataclass
class Engine:
    """An engine with a question under way; the answers are given by the test, or never."""

    standing: Standing
    offset: float
    """Of its own clock."""
    asked: float = 0.0
    record: LeaseRecord | None = None
    answer: LeaseRecord | None = None
    arrived: bool = False


@dataclass
class World:
    """The store, and engines of which some are killed and begin anew."""

    engines: list[Engine]
    store: LeaseRecord | None = None
    version: int = 0
    now: float = 0.0

    def leaders(self) -> list[str]:
        return [e.standing.me.name for e in self.engines if e.standing.leads(self.now + e.offset)]

    def turn(self, engine: Engine, fate: str) -> None:
        """One step of an engine: it begins to ask, its question arrives, or its answer does."""
        own = self.now + engine.offset
        if engine.record:
            self.travel(engine, fate)
            return
        match advance(engine.standing, own):
            case Try():
                engine.asked, engine.arrived = own, False
                engine.record = claim(engine.standing, str(self.now))
            case Follow(seconds) if seconds == 0 and fate != "lost":
                engine.standing = saw(engine.standing, self.store, own)
            case _:
                pass

    def travel(self, engine: Engine, fate: str) -> None:
        assert engine.record
        if not engine.arrived and fate != "lost":
            engine.answer, engine.arrived = self.written(engine.record), True
            return
        if fate == "lost":
            engine.standing = lost(engine.standing, engine.asked, outrun=False)
        elif engine.answer:
            engine.standing = won(engine.standing, engine.answer, engine.asked)
        else:
            engine.standing = lost(engine.standing, engine.asked, outrun=True)
        engine.record = None

    def written(self, record: LeaseRecord) -> LeaseRecord | None:
        if record.version != (self.store.version if self.store else ""):
            return None
        self.version += 1
        self.store = replace(record, version=str(self.version))
        return self.store

    def kill(self, number: int) -> None:
        """Its question may arrive all the same."""
        dead = self.engines[number]
        if dead.record and not dead.arrived and self.version % 2:
            self.written(dead.record)
        me = replace(dead.standing.me, process=str(int(dead.standing.me.process) + 1))
        self.engines[number] = Engine(Standing(me), dead.offset + 1000.0)

    def leave(self, number: int) -> None:
        engine = self.engines[number]
        if engine.standing.leads(self.now + engine.offset):
            self.written(released(engine.standing, str(self.now)))
        self.kill(number)


FATES = ["done"] * 8 + ["lost", "killed", "leaves"]
PAUSES = [0.0, 0.1, 2.0, 4.0, 6.0, 9.0, 16.0]


@given(st.randoms(use_true_random=False))
def test_never_do_two_lead(chance: Random):
    world = World([Engine(Standing(Me("h", f"f{i}", "0")), chance.uniform(-1e6, 1e6)) for i in range(3)])
    for _ in range(150):
        world.now += chance.choice(PAUSES)
        number, fate = chance.randrange(3), chance.choice(FATES)
        match fate:
            case "killed":
                world.kill(number)
            case "leaves":
                world.leave(number)
            case _:
                for _ in range(chance.randint(1, 5)):
                    world.turn(world.engines[number], fate)
        assert len(world.leaders()) <= 1, f"at {world.now}"


def test_one_leads_in_the_end():
    world = World([Engine(Standing(Me("h", f"f{i}", "0")), 50.0 * i) for i in range(3)])
    for tick in range(400):
        world.now += 0.1
        world.turn(world.engines[tick % 3], "done")
    [first] = world.leaders()
    world.engines = [e for e in world.engines if e.standing.me.name != first]
    for tick in range(400):
        world.now += 0.1
        world.turn(world.engines[tick % 2], "done")
    assert world.leaders() not in ([], [first])
