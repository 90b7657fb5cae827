"""
How a timeline grows: commits are found by a look, and come further with what is done and seen.

Each time is noted once. It is never before an earlier one of the engine's, even where its clock was set back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from tiphys.core.timeline.entries import ENGINES_TIMES, LIMIT, Entry, Timeline, to_millisecond
from tiphys.model.api import OperationState
from tiphys.model.flow import Phase


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a look rendered, and since when it could."""

    revision: str
    reads: str
    """A digest of the files that were rendered from."""
    paths: tuple[str, ...]
    """Where these files are, folders among them."""
    detected: datetime
    """When the engine first saw that the revision is the newest."""
    rendered: datetime | None
    failed: str = ""
    """Why it could not be rendered; then nothing is known of what it reads."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the revision of a look is, at a time."""

    live: bool
    """Whether the application is Synced and Healthy with it."""
    operation: OperationState | None = None
    """The operation that is being written down now."""


def is_news(timeline: Timeline, sighting: Sighting) -> bool:
    """Whether it takes the history of the repository to tell which commit a look was at."""
    if sighting.failed:
        return not (timeline.at and timeline.at.is_at(sighting.revision))
    return timeline.reads != sighting.reads


def found(timeline: Timeline, sighting: Sighting, commits: Sequence[Entry]) -> Timeline:
    """
    The timeline after a look that was news.

    ``commits``: those that changed what it reads since the look before, newest first; none if it went back in history,
    or if the application's spec changed and not its source.
    """
    fresh = [commit for commit in commits if not timeline.entry(commit.revision)]
    if commits and fresh[:1] == [commits[0]]:
        return _grown(timeline, sighting, fresh)
    if sighting.failed:  # for another reason than a commit
        return timeline
    if not timeline.entries:
        return _grown(timeline, sighting, [Entry(sighting.revision)])
    known = next((e.revision for e in reversed(timeline.entries) if e.is_at(sighting.revision)), "")
    current = commits[0].revision if commits else known or timeline.current
    return _with(
        replace(timeline, reads=sighting.reads, current=current), partial(_rendered, sighting=sighting)
    )


def _rendered(entry: Entry, sighting: Sighting) -> Entry:
    """A commit that is rendered after all: what kept it from that lay elsewhere."""
    return replace(_reached(entry, "rendered", sighting.rendered or sighting.detected), failed="")


def _grown(timeline: Timeline, sighting: Sighting, fresh: Sequence[Entry]) -> Timeline:
    """With commits that nobody knew; of several at once, the newest is what is rendered, and contains the others."""
    first, newest = not timeline.entries, fresh[0].revision
    detected = to_millisecond(sighting.detected)
    overtaken = [replace(entry, detected=detected, superseded_by=newest) for entry in reversed(fresh[1:])]
    entry = replace(
        fresh[0],
        detected=detected,
        rendered=max(to_millisecond(sighting.rendered), detected) if sighting.rendered else None,
        failed=sighting.failed,
        tip=sighting.revision if sighting.revision != newest else "",
        first=first,
    )
    earlier = [
        each if each.healthy or each.superseded_by else replace(each, superseded_by=newest)
        for each in timeline.entries
    ]
    # What was there before the timeline began tells nothing, but for the newest.
    entries = (entry,) if first else (*earlier, *overtaken, entry)
    return Timeline(entries[-LIMIT:], sighting.reads, newest)


def advanced(timeline: Timeline, standing: Standing, now: datetime) -> Timeline:
    """The timeline, with the entry that the last look was at brought as far as it is."""
    return _with(timeline, partial(_advanced, standing=standing, now=now))


def _with(timeline: Timeline, change: Callable[[Entry], Entry]) -> Timeline:
    """With the current entry changed, unless its way is over."""
    entries = tuple(
        change(entry) if entry.revision == timeline.current and not entry.healthy else entry
        for entry in timeline.entries
    )
    return replace(timeline, entries=entries)


def _advanced(entry: Entry, standing: Standing, now: datetime) -> Entry:
    if not entry.rendered:
        return entry
    entry = _operated(entry, standing.operation, now)
    return _reached(entry, "healthy", now) if standing.live and not _is_running(standing.operation) else entry


def _operated(entry: Entry, operation: OperationState | None, now: datetime) -> Entry:
    """What an operation of its revision did. One that leaves something out makes no commit live."""
    sync = operation and operation.operation.sync
    if not operation or (sync and (sync.dry_run or sync.resources)):
        return entry
    if operation.phase in (Phase.RUNNING, Phase.SUCCEEDED):
        entry = _reached(entry, "started", now)
    if operation.phase == Phase.SUCCEEDED:
        # Whoever asked for exactly this commit had it applied although there is a newer one.
        entry = replace(_reached(entry, "applied", now), superseded_by="")
    return entry


def _reached(entry: Entry, time: str, now: datetime) -> Entry:
    if getattr(entry, time):
        return entry
    known = [at for name in ENGINES_TIMES if (at := getattr(entry, name))]
    return replace(entry, **{time: max([to_millisecond(now), *known])})


def _is_running(operation: OperationState | None) -> bool:
    return bool(operation and operation.phase in (Phase.RUNNING, Phase.TERMINATING))
