"""
The sync, one look at a time.

``advance`` is given everything that is known and answers with what to ask of the cluster next. It holds nothing
between looks: the operation is the state. First every target is tried by a dry run, so that a sync that cannot
work changes nothing; then wave by wave, inside a wave kind by kind; a wave waits until the one before is healthy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from tiphys.core.sync.options import kept_by
from tiphys.core.sync.order import DEFINITION, rank
from tiphys.core.sync.plan import PHASES
from tiphys.core.sync.state import (
    FAILED,
    PRUNE_SKIPPED,
    PRUNED,
    SYNCED,
    TERMINATED,
    attempted_again,
    ended,
    failed_attempt,
    in_time,
    instant,
    phase_of,
    record,
    records,
    retry_at,
    with_records,
)
from tiphys.model.api import OperationState, ResourceResult, SyncOperation
from tiphys.model.flow import Apply, Command, Delete, HealthCode, Phase, Seen, Task
from tiphys.model.objects import Key, Kind, part


@dataclass(frozen=True, slots=True)
class Terms:
    """What a sync may take. The deadline is over all attempts of an operation."""

    deadline: timedelta = timedelta(minutes=15)
    wave_delay: timedelta = timedelta(seconds=2)
    """Between two waves, so that other controllers notice what the earlier one changed (Argo CD waits as long)."""


@dataclass(frozen=True, slots=True)
class Step:
    """The operation as it is now, what to ask of the cluster, and when to look again at the latest."""

    state: OperationState
    commands: tuple[Command, ...] = ()
    again: datetime | None = None


def advance(state: OperationState, tasks: Sequence[Task], seen: Seen, terms: Terms) -> Step:
    """The next step of an operation. Without commands there is nothing to do but wait for an event."""
    if state.phase == Phase.TERMINATING:
        return Step(ended(state, Phase.FAILED, TERMINATED, seen.now))
    if phase_of(state).ended:
        return Step(state)
    state = in_time(state, seen.now)
    deadline = deadline_of(state, terms)
    if seen.now >= deadline:
        return Step(ended(state, Phase.FAILED, _late(state, tasks, seen, terms), seen.now))
    waiting = retry_at(state)
    if waiting and seen.now < waiting:
        return Step(state, again=min(waiting, deadline))
    if waiting:
        state = attempted_again(state)
    state, dry_runs = _tried(state, tasks, seen)
    step = Step(state, dry_runs) if dry_runs else _next(state, tasks, seen, terms)
    return step if phase_of(step.state).ended else _by(step, deadline)


def deadline_of(state: OperationState, terms: Terms) -> datetime:
    """When an operation ends, whatever it is waiting for."""
    return instant(state.started_at) + terms.deadline


def _by(step: Step, deadline: datetime) -> Step:
    """The step, with the next look at the deadline at the latest."""
    return Step(step.state, step.commands, min(step.again or deadline, deadline))


def _tried(
    state: OperationState, tasks: Sequence[Task], seen: Seen
) -> tuple[OperationState, tuple[Command, ...]]:
    """Dry runs for what was not tried yet, and the state with records of what needs none."""
    known = records(state)
    untried = [task for task in tasks if task.key not in known]
    coming = _Coming.of(tasks, seen)
    dry = [task for task in untried if task.target and not task.in_sync and not coming.lacks(task.key)]
    waiting = {task.key: record(task, "", "waiting") for task in untried if task not in dry}
    return with_records(state, waiting), tuple(_apply(task, dry_run=True) for task in dry)


def _next(state: OperationState, tasks: Sequence[Task], seen: Seen, terms: Terms) -> Step:
    """After the dry runs: judge what runs, fail or go on to the next batch, or wait."""
    state = with_records(state, dict(_judged(state, tasks, seen)))
    known = records(state)
    sync = state.operation.sync or SyncOperation()
    failures = [known[task.key] for task in tasks if _failed(known[task.key])]
    if failures:
        return Step(failed_attempt(state, _told(failures), seen.now))
    if sync.dry_run:
        done = _all_dry(state, tasks, seen)
        return Step(ended(done, Phase.SUCCEEDED, "successfully synced (dry run)", seen.now))
    running = [task for task in tasks if known[task.key].hook_phase == Phase.RUNNING]
    pending = [task for task in tasks if not known[task.key].hook_phase]
    if running and (not pending or min(map(_wave, running)) < min(map(_wave, pending))):
        return Step(replace(state, message=_waits(running, seen)))
    if not pending:
        return Step(ended(state, Phase.SUCCEEDED, "successfully synced (all tasks run)", seen.now))
    return _batch(state, pending, tasks, seen, terms)


def _batch(
    state: OperationState, pending: Sequence[Task], tasks: Sequence[Task], seen: Seen, terms: Terms
) -> Step:
    """The next objects of the first wave that is not done: what is in sync is noted, one kind is asked for."""
    current = min(_wave(task) for task in pending)
    wave = [task for task in pending if _wave(task) == current]
    waves = [_wave(task) for task in tasks]
    begins_wave = len(wave) == waves.count(current) and current != min(waves)
    if begins_wave and seen.last_write and seen.now < seen.last_write + terms.wave_delay:
        return Step(replace(state, message="between two waves"), again=seen.last_write + terms.wave_delay)
    sync = state.operation.sync or SyncOperation()
    settled = {task.key: noted for task in wave if (noted := _settled(task, sync, seen))}
    state = with_records(state, settled)
    todo = [task for task in wave if task.key not in settled]
    if not todo:
        return _next(state, tasks, seen, terms)
    batch = [task for task in todo if _rank(task) == min(_rank(t) for t in todo)]
    coming = _Coming.of(tasks, seen)
    ready = [task for task in batch if task.prunes or task.key.of not in coming.kinds]
    if not ready:
        return _unserved(state, batch, pending, seen)
    commands = tuple(_delete(task, seen) if task.prunes else _apply(task) for task in ready)
    return Step(replace(state, message=_doing(ready)), commands)


def _unserved(state: OperationState, batch: Sequence[Task], pending: Sequence[Task], seen: Seen) -> Step:
    """What to do about objects whose kinds are not served yet: wait, but not for what comes after them."""
    kinds = {task.key.of for task in batch}
    later = next((task for task in pending if _brought(task) in kinds), None)
    if later:
        said = (
            f"{_named(batch)} cannot be applied before {later.key}, which defines its kind and comes in a later wave "
            f"({later.wave}): give the definition an earlier one"
        )
        return Step(failed_attempt(state, said, seen.now))
    names = ", ".join(sorted(map(str, kinds)))
    said = f"waiting until the API server serves {names}"
    return Step(replace(state, message=said), again=seen.now + timedelta(seconds=1))


def _settled(task: Task, sync: SyncOperation, seen: Seen) -> ResourceResult | None:
    """The record of a task that needs no command."""
    if not task.prunes:
        return record(task, SYNCED, "unchanged", Phase.RUNNING) if task.in_sync else None
    if task.key not in seen.live:
        return record(task, PRUNED, "pruned", Phase.SUCCEEDED)
    why = kept_by(task.options) or ("" if sync.prune else "requires pruning")
    return record(task, PRUNE_SKIPPED, f"ignored ({why})", Phase.SUCCEEDED) if why else None


def _judged(state: OperationState, tasks: Sequence[Task], seen: Seen) -> Iterable[tuple[Key, ResourceResult]]:
    """The records of running objects that are done by now, or failed. Only a sync of several waves waits for health."""
    waves = len({_wave(task) for task in tasks}) > 1
    known = records(state)
    for task in tasks:
        was = known[task.key]
        if was.hook_phase != Phase.RUNNING:
            continue
        phase = _verdict(task, seen) if waves else Phase.SUCCEEDED
        if phase is Phase.FAILED:
            health = seen.health.get(task.key)
            said = f"it is {health.code}: {health.message}" if health else "was deleted before it was healthy"
            yield task.key, replace(was, hook_phase=phase, message=f"applied, but {said}")
        elif phase:
            yield task.key, replace(was, hook_phase=phase)


def _verdict(task: Task, seen: Seen) -> Phase | None:
    """Whether an object of a wave is done, failed, or (``None``) still on its way."""
    if task.prunes:
        return None if task.key in seen.live else Phase.SUCCEEDED
    if task.key not in seen.live:
        return None if task.key in seen.unreadable else _left(task)
    match seen.health.get(task.key):
        case None:
            return Phase.SUCCEEDED
        case health if health.code in (HealthCode.HEALTHY, HealthCode.SUSPENDED):
            return Phase.SUCCEEDED
        case health if health.code is HealthCode.DEGRADED:
            return Phase.FAILED
    return None


def _left(task: Task) -> Phase:
    """What to think of an object that was there and is not: some are meant to go when they are done."""
    spec = part(task.target.body, "spec") if task.target else {}
    return Phase.FAILED if spec.get("ttlSecondsAfterFinished") is None else Phase.SUCCEEDED


@dataclass(frozen=True)
class _Coming:
    """Namespaces and kinds that this very sync will bring, and which are not there yet."""

    namespaces: frozenset[str]
    kinds: frozenset[Kind]
    served: frozenset[Kind]

    @classmethod
    def of(cls, tasks: Sequence[Task], seen: Seen) -> "_Coming":
        made = [t for t in tasks if t.target]
        spaces = {t.key.name for t in made if t.key.of == ("", "Namespace") and t.key not in seen.live}
        brought = {kind for t in made if (kind := _brought(t))}
        lenient = {t.key.of for t in made if "SkipDryRunOnMissingResource=true" in t.options}
        absent = {kind for kind in brought | lenient if not seen.served(kind)}
        return cls(frozenset(spaces), frozenset(k for k in brought if k in absent), frozenset(absent))

    def lacks(self, key: Key) -> bool:
        """Whether a dry run could only say that something is missing which this sync brings."""
        return key.namespace in self.namespaces or key.of in self.served


def _brought(task: Task) -> Kind | None:
    """The kind that a definition among the tasks brings."""
    if not task.target or task.key.of != DEFINITION:
        return None
    spec = part(task.target.body, "spec")
    return Kind(str(spec.get("group", "")), str(part(spec, "names").get("kind", "")))


def _wave(task: Task) -> tuple[int, int]:
    return PHASES.index(task.phase), task.wave


def _rank(task: Task) -> int:
    return -1 if task.prunes else rank(task.key.kind)


def _apply(task: Task, *, dry_run: bool = False) -> Apply:
    assert task.target  # noqa: S101 - callers ask only for tasks with a target
    return Apply(
        task.key,
        task.target,
        dry_run=dry_run,
        validate="Validate=false" not in task.options,
        replace="Replace=true" in task.options,
        force="Force=true" in task.options,
        resource_version="" if dry_run else task.resource_version,
    )


def _delete(task: Task, seen: Seen) -> Delete:
    words = [o.partition("=")[2] for o in task.options if o.startswith("PrunePropagationPolicy=")]
    policy = words[0].capitalize() if words else "Foreground"
    return Delete(task.key, seen.live[task.key].uid, policy)


def _failed(noted: ResourceResult) -> bool:
    return noted.status == FAILED or noted.hook_phase == Phase.FAILED


def _all_dry(state: OperationState, tasks: Sequence[Task], seen: Seen) -> OperationState:
    """The records of a dry run: what would become of each object."""
    known, sync = records(state), state.operation.sync or SyncOperation()

    def said(task: Task) -> ResourceResult:
        settled = _settled(task, sync, seen)
        message = settled.message if settled else "pruned" if task.prunes else known[task.key].message
        status = settled.status if settled else PRUNED if task.prunes else SYNCED
        return replace(known[task.key], status=status, message=f"{message} (dry run)")

    return with_records(state, {task.key: said(task) for task in tasks})


def _told(failures: Sequence[ResourceResult]) -> str:
    first = failures[0]
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return f"one or more objects failed to apply, reason: {first.kind} {first.name}: {first.message}{more}"


def _doing(batch: Sequence[Task]) -> str:
    verb = "pruning" if batch[0].prunes else "applying"
    return f"{verb} {_named(batch)}"


def _waits(running: Sequence[Task], seen: Seen) -> str:
    first = running[0]
    health, live = seen.health.get(first.key), seen.live.get(first.key)
    held = live.metadata.get("finalizers") if live and first.prunes else None
    why = f"held by {', '.join(map(str, held))}" if held else health.message if health else ""
    verb = "deletion" if first.prunes else "healthy state"
    return f"waiting for {verb} of {_named(running)}{f': {why}' if why else ''}"


def _named(tasks: Sequence[Task]) -> str:
    names = ", ".join(str(task.key) for task in tasks[:3])
    return f"{names} and {len(tasks) - 3} more" if len(tasks) > 3 else names


def _late(state: OperationState, tasks: Sequence[Task], seen: Seen, terms: Terms) -> str:
    known = records(state)
    blocking = [t for t in tasks if t.key in known and known[t.key].hook_phase == Phase.RUNNING]
    what = _waits(blocking, seen) if blocking else state.message or "nothing was applied yet"
    return f"not done within {terms.deadline.total_seconds() / 60:g} minutes: {what}"
