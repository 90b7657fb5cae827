"""
Which of several engines leads, by the rules of Kubernetes' own leader election.

Whoever holds the Lease renews it. The others judge whether its holder is gone by their own clock alone: by how long
they have seen the record unchanged. What times stand in it is for people, so clocks that differ, or jump, do not
matter. The holder stops after two thirds of the duration that the others wait, counted from before it asked for its
last renewal.

``Standing`` is one engine's view, ``advance`` tells what it does next. Who asks the API server, and what time it is,
is for others.
"""

from dataclasses import dataclass, replace

from tiphys.model.leases import LeaseRecord


@dataclass(frozen=True)
class Me:
    """Who an engine is: its host for people, its state folder on this machine, and its process."""

    host: str
    folder: str
    """Names the folder, the machine and its boot; the same after the engine was killed. No two that live share one."""
    process: str
    duration: int = 15
    """Seconds for which the others shall believe in it after a renewal."""

    @property
    def name(self) -> str:
        """As the Lease's holder."""
        return f"{self.host}_{self.folder}_{self.process}"

    def was(self, holder: str) -> bool:
        """Whether a holder is an engine of the same folder: this one, or one that was killed."""
        return holder.split("_")[-2:-1] == [self.folder]


@dataclass(frozen=True)
class Standing:
    """One engine's view. All times are seconds of its own clock, which never goes back."""

    me: Me
    seen: LeaseRecord | None = None
    since: float = 0.0
    """Since when the record says what it says."""
    until: float | None = None
    """Until when it leads, unless it renews."""
    looked: float | None = None
    tried: float | None = None
    renewed: float | None = None
    """When it asked last for the record, for a write, for a write that succeeded."""
    outrun: bool = False
    """Whether somebody else wrote since it looked."""

    def leads(self, now: float) -> bool:
        """Whether it may act."""
        return self.until is not None and now < self.until

    @property
    def retry(self) -> float:
        """Seconds between two looks, and between two tries."""
        return self.me.duration * 2 / 15

    @property
    def leader(self) -> str:
        """Whom the record names."""
        return self.seen.holder if self.seen else ""


@dataclass(frozen=True)
class Hold:
    """Act, and ask again what to do after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Follow:
    """Read the record after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Try:
    """Write the record that ``claim`` makes, provided that nobody wrote since it was read."""


Step = Hold | Follow | Try


def advance(standing: Standing, now: float) -> Step:
    """What an engine does next."""
    if standing.leads(now) and not standing.outrun:
        due = _later(standing.renewed, standing.me.duration / 3)
        wait = max(due, _later(standing.tried, standing.retry)) - now
        return Hold(min(wait, (standing.until or now) - now)) if wait > 0 else Try()
    if standing.outrun:
        return Follow(0.0)
    looked, tried = _later(standing.looked, 0.0), _later(standing.tried, 0.0)
    if looked > tried and _free(standing, now):
        return Try()
    return Follow(max(0.0, max(looked, tried) + standing.retry - now))


def claim(standing: Standing, wall: str) -> LeaseRecord:
    """The record with which an engine takes or renews the Lease; ``wall`` is the time of day, for people."""
    me, seen = standing.me, standing.seen or LeaseRecord()
    mine = seen.holder == me.name
    return LeaseRecord(
        holder=me.name,
        duration=me.duration,
        acquired=seen.acquired if mine else wall,
        renewed=wall,
        transitions=seen.transitions + (not mine and bool(seen.version)),
        version=seen.version,
    )


def released(standing: Standing, wall: str) -> LeaseRecord:
    """The record with which a leader makes way, so that nobody waits."""
    seen = standing.seen or LeaseRecord()
    return replace(seen, holder="", duration=1, acquired=wall, renewed=wall)


def saw(standing: Standing, record: LeaseRecord | None, now: float) -> Standing:
    """The view after the record was read, ``None`` if there is none; ``now`` is from after the answer."""
    before = standing.seen
    if record is None and before:
        # Whoever deleted it did not end its holder: that one is believed in as long as if it were there.
        record = before.said
    changed = (record and record.said) != (before and before.said)
    return replace(
        standing,
        seen=record,
        since=now if changed else standing.since,
        until=standing.until if record and record.holder == standing.me.name else None,
        looked=now,
        outrun=False,
    )


def won(standing: Standing, record: LeaseRecord, asked: float) -> Standing:
    """The view after a try succeeded that was begun at ``asked``; ``record`` is as the API server has it."""
    hold = standing.me.duration * 2 / 3
    return replace(standing, seen=record, since=asked, until=asked + hold, renewed=asked, tried=asked)


def lost(standing: Standing, asked: float, *, outrun: bool) -> Standing:
    """The view after a try failed: somebody else wrote before, or no answer came, which proves nothing."""
    return replace(standing, tried=standing.tried if outrun else asked, outrun=outrun)


def _free(standing: Standing, now: float) -> bool:
    """Whether nobody leads any more, as far as the record tells."""
    seen = standing.seen
    return (
        seen is None
        or not seen.holder
        or standing.me.was(seen.holder)
        or now - standing.since >= seen.duration
    )


def _later(moment: float | None, seconds: float) -> float:
    return float("-inf") if moment is None else moment + seconds
