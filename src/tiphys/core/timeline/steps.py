"""
The way of a commit, step by step, with the durations; and which of them are worth a measurement.

Until it is detected a commit is timed by other clocks than the engine's. Where one of them is ahead, a step seems to
end before it began: that is told as a skew of clocks and never as a duration.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tiphys.core.timeline.entries import TIMES, Entry, Timeline

NOTHING = timedelta()


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a commit."""

    name: str
    """One of ``TIMES``."""
    at: datetime
    took: timedelta | None = None
    """Since the step before; ``None`` for the first, and where clocks disagree."""
    skew: timedelta = NOTHING
    """By how much at least the clock of the step before is ahead of this one's."""


def steps_of(entry: Entry) -> list[Step]:
    """What is known, in the order in which it has to happen."""
    found: list[Step] = []
    for name in TIMES:
        at: datetime | None = getattr(entry, name)
        if at:
            took = at - found[-1].at if found else None
            fair = took is None or took >= NOTHING
            found.append(
                Step(name, at, took, NOTHING) if fair else Step(name, at, None, -took if took else NOTHING)
            )
    return found


def lead_time(entry: Entry) -> timedelta | None:
    """From the first that is known of a commit until it was healthy; ``None`` if it is not, or clocks disagree."""
    steps = steps_of(entry)
    if not entry.healthy or any(step.skew for step in steps):
        return None
    return entry.healthy - steps[0].at


def reached(before: Timeline, after: Timeline) -> Iterator[Mapping[str, float]]:
    """
    What is to be measured because of a change: for each commit that became applied or healthy, seconds by stage.

    The stages of a commit come in two portions, each once: ``detected``, ``rendered``, ``started``, ``applied`` and
    ``sync`` (committed to applied); then ``healthy`` and ``total``. Nothing is told of a commit that was there first,
    nor of one that had nothing applied.
    """
    for entry in after.entries:
        was = before.entry(entry.revision) or Entry(entry.revision)
        if entry.first or not entry.applied:
            continue
        if not was.applied:
            yield _seconds(
                entry,
                ("detected", "rendered", "started", "applied"),
                sync=_between(entry.committed, entry.applied),
            )
        if entry.healthy and not was.healthy:
            yield _seconds(entry, ("healthy",), total=lead_time(entry))


def _seconds(entry: Entry, names: tuple[str, ...], **spans: timedelta | None) -> Mapping[str, float]:
    own = {step.name: step.took for step in steps_of(entry) if step.name in names}
    return {name: took.total_seconds() for name, took in {**own, **spans}.items() if took is not None}


def _between(begin: datetime | None, end: datetime | None) -> timedelta | None:
    return end - begin if begin and end and end >= begin else None
