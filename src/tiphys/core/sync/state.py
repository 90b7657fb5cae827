"""
The state of an operation and how it changes: begun, recorded, tried again, superseded, ended.

``status.operationState`` is the whole state. Times come in and go out as RFC 3339 text in UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from tiphys.core.languages.durations import parse_duration
from tiphys.core.languages.texts import shortened
from tiphys.model.api import (
    ApplicationSource,
    Backoff,
    Operation,
    OperationState,
    ResourceResult,
    SyncResult,
    storable,
)
from tiphys.model.flow import Phase, Result, Task
from tiphys.model.objects import Key

SYNCED, FAILED, PRUNED, PRUNE_SKIPPED = "Synced", "SyncFailed", "Pruned", "PruneSkipped"
TERMINATED = "terminated by request"
OPERATION, RECORD = 10_000, 1_000
"""The most characters of a message of an operation, and of one object's: many of them have to fit into etcd."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


def begun(
    operation: Operation, revision: str, source: ApplicationSource | None, now: datetime
) -> OperationState:
    """A new operation that has done nothing yet."""
    return OperationState(
        operation=operation,
        phase=Phase.RUNNING,
        started_at=stamp(now),
        sync_result=SyncResult(revision=revision, source=storable(source)),
    )


def phase_of(state: OperationState) -> Phase:
    """Where an operation stands. A word that nobody knows was written by somebody else, and is an end."""
    try:
        return Phase(state.phase)
    except ValueError:
        return Phase.ERROR


def is_automatic(operation: Operation) -> bool:
    """Whether the application's policy asked for the operation, rather than somebody."""
    return bool(operation.initiated_by and operation.initiated_by.automated)


def superseded(
    state: OperationState, revision: str, source: ApplicationSource | None, now: datetime
) -> OperationState:
    """The same operation turned to a newer revision: what it did so far no longer counts."""
    was = state.sync_result.revision[:7] if state.sync_result and state.sync_result.revision else "nothing"
    newer = begun(_turned(state.operation, revision, source), revision, source, now)
    is_newer = "is newer" if revision[:7] != was else "with another source is newer"
    return replace(newer, message=f"superseded {was}: {revision[:7]} {is_newer}")


def _turned(operation: Operation, revision: str, source: ApplicationSource | None) -> Operation:
    """What the policy asked for is now about all of the newer revision; what a user asked for stays as worded."""
    if not operation.sync or not is_automatic(operation):
        return operation
    sync = replace(
        operation.sync, revision=revision, source=storable(source), resources=(), auto_heal_attempts_count=0
    )
    return replace(operation, sync=sync, info=())


def ended(state: OperationState, phase: Phase, message: str, now: datetime) -> OperationState:
    """The operation, ended."""
    return replace(state, phase=phase, message=shortened(message, OPERATION), finished_at=stamp(now))


def records(state: OperationState) -> dict[Key, ResourceResult]:
    """What was recorded of each object."""
    done = state.sync_result.resources if state.sync_result else ()
    return {Key(r.group, r.kind, r.namespace, r.name): r for r in done}


def with_records(state: OperationState, changed: Mapping[Key, ResourceResult]) -> OperationState:
    """The state with some objects' records put in or replaced."""
    result = state.sync_result or SyncResult(revision="")
    merged = {**records(state), **changed}
    return replace(state, sync_result=replace(result, resources=tuple(merged.values())))


def recorded(
    state: OperationState, tasks: Sequence[Task], results: Iterable[Result], *, dry: bool
) -> OperationState:
    """The state with the results of commands. A conflict leaves its object as it was: it is asked again."""
    by_key = {task.key: task for task in tasks}
    changed = {
        r.key: record_of_result(by_key[r.key], r, dry=dry)
        for r in results
        if not r.conflict and r.key in by_key
    }
    return with_records(state, changed)


def record_of_result(task: Task, result: Result, *, dry: bool) -> ResourceResult:
    """What a result says of its task: failed, accepted by a dry run, or done and now to be waited for."""
    if result.phase in (Phase.FAILED, Phase.ERROR):
        return record(task, FAILED, result.message, Phase.FAILED)
    if dry:
        return record(task, "", result.message)
    return record(task, PRUNED if task.prunes else SYNCED, result.message, Phase.RUNNING)


def record(task: Task, status: str, message: str, phase: str = "") -> ResourceResult:
    """One object's record. ``phase`` is empty until something was done, then Running until its health is known."""
    return ResourceResult(
        group=task.key.group,
        version=(task.target.api_version if task.target else "").rpartition("/")[2],
        kind=task.key.kind,
        namespace=task.key.namespace,
        name=task.key.name,
        status=status,
        message=shortened(message, RECORD),
        hook_phase=phase,
        sync_phase=task.phase,
    )


def failed_attempt(state: OperationState, message: str, now: datetime) -> OperationState:
    """After a failed attempt: ended, or to be tried again where the retry strategy has attempts left."""
    retry = state.operation.retry
    if not retry or not (retry.limit < 0 or state.retry_count < retry.limit):
        return ended(state, Phase.FAILED, message, now)
    waiting = replace(state, retry_count=state.retry_count + 1, finished_at=stamp(now))
    at = retry_at(waiting)
    said = f"{message}. Retrying attempt #{waiting.retry_count} at {stamp(at or now)}."
    return replace(waiting, message=said)


def retry_at(state: OperationState) -> datetime | None:
    """When a waiting operation is to be tried again; ``None`` if it is not waiting."""
    if phase_of(state) is not Phase.RUNNING or not state.finished_at:
        return None
    backoff = (state.operation.retry and state.operation.retry.backoff) or Backoff()
    return instant(state.finished_at) + pause(state.retry_count, backoff)


def attempted_again(state: OperationState) -> OperationState:
    """The operation at the start of its next attempt."""
    result = state.sync_result
    return replace(state, finished_at="", sync_result=replace(result, resources=()) if result else None)


def pause(attempt: int, backoff: Backoff) -> timedelta:
    """How long to wait before an attempt, counted from 1: Argo CD's defaults are 5 s, doubled, 3 minutes at most."""
    seconds = parse_duration(backoff.duration or "5s").total_seconds()
    longest = parse_duration(backoff.max_duration or "3m").total_seconds()
    for _ in range(min(attempt - 1, 64)):
        seconds = min(seconds * min(max(backoff.factor or 2, 1), 1000), longest)
    return timedelta(seconds=min(seconds, longest))


def stamp(at: datetime) -> str:
    """A time as Kubernetes writes it, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text: str) -> datetime:
    """A time that Kubernetes wrote; what cannot be read is the beginning of time, so that nothing waits for it."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return LONG_AGO
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def past(text: str, now: datetime) -> datetime:
    """A time that has been. One to come was written by a clock that was set back since: as if long ago."""
    at = instant(text)
    return at if at <= now else LONG_AGO


def in_time(state: OperationState, now: datetime) -> OperationState:
    """The operation, as if begun now where the clock was set back since it began."""
    began = state.started_at if instant(state.started_at) <= now else stamp(now)
    paused = state.finished_at if instant(state.finished_at) <= now else stamp(now)
    return replace(state, started_at=began, finished_at=paused)
