"""
When a sync is due without anybody asking: a new revision, drift, or another try of what failed.

Argo CD tries one revision once and then never again; here every failure is tried again, later each time, and the
number of the attempt travels in the operation itself, so that a restart forgets nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tiphys.core.languages.durations import parse_duration
from tiphys.core.sync.state import TERMINATED, is_automatic, past, pause, phase_of
from tiphys.model.api import (
    Application,
    Backoff,
    Info,
    Operation,
    OperationInitiator,
    OperationState,
    SyncOperation,
    SyncOperationResource,
    storable,
)
from tiphys.model.flow import Phase, SyncCode
from tiphys.model.objects import Key

ATTEMPT = "tiphys.dev/attempt"
RETRIES = Backoff(duration="1s", factor=2, max_duration="3m")
"""Between operations of one revision that failed."""
HEALS = Backoff(duration="2s", factor=3, max_duration="5m")
"""Between operations that heal drift of one revision (Argo CD's self-heal backoff)."""


@dataclass(frozen=True)
class Outlook:
    """What a look found, as far as the decision needs it."""

    code: SyncCode
    revision: str
    drifted: tuple[Key, ...] = ()
    """Targets that are out of sync."""
    extras: int = 0
    """Objects that nobody wants any more and that a sync with prune would delete."""
    targets: int = 0


@dataclass(frozen=True, slots=True)
class Later:
    """A sync will be due, but not yet."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A sync would be due, but must not be: told as a condition."""

    why: str


def due(application: Application, outlook: Outlook, now: datetime) -> Operation | Later | Refusal | None:
    """The operation that the application's policy asks for now, if any. Only for when none is running."""
    policy = application.spec.sync_policy
    automated = policy.automated if policy else None
    if not automated or automated.enabled is False or outlook.code is not SyncCode.OUT_OF_SYNC:
        return None
    if not outlook.drifted and not (outlook.extras and automated.prune):
        return None
    if not outlook.targets and outlook.extras and automated.prune and not automated.allow_empty:
        return Refusal(
            "auto-sync will not prune everything: the source renders no objects at all; "
            "set syncPolicy.automated.allowEmpty if that is meant"
        )
    last = application.status.operation_state
    if not last or not _same_attempt(last, application, outlook.revision):
        return _operation(application, outlook)
    if phase_of(last) is not Phase.SUCCEEDED:
        return _at(_retry_at(last, now), now, "the last sync failed") or _operation(
            application, outlook, attempt=_attempt(last) + 1
        )
    if not automated.self_heal:
        return None
    heals = _heals(last, now)
    return _at(_heal_at(last, heals, now), now, "healing drift") or _operation(
        application, outlook, heals=heals + 1
    )


def trouble(application: Application, last: OperationState | None, outlook: Outlook) -> str:
    """What to tell of a revision whose automated sync failed and is still due; empty if there is nothing."""
    policy = application.spec.sync_policy
    if not policy or not policy.automated or outlook.code is not SyncCode.OUT_OF_SYNC or not last:
        return ""
    if not phase_of(last).ended or phase_of(last) is Phase.SUCCEEDED:
        return ""
    if not last.sync_result or last.sync_result.revision != outlook.revision:
        return ""
    return (
        f"the last sync to {outlook.revision[:7]} failed and is tried again, later each time: {last.message}"
    )


def follows_newest(state: OperationState) -> bool:
    """Whether a running operation follows the newest revision, rather than one that a user named."""
    sync = state.operation.sync
    return is_automatic(state.operation) or not sync or not sync.revision


def _operation(application: Application, outlook: Outlook, *, attempt: int = 0, heals: int = 0) -> Operation:
    policy = application.spec.sync_policy
    automated = policy.automated if policy else None
    return Operation(
        sync=SyncOperation(
            revision=outlook.revision,
            prune=bool(automated and automated.prune),
            sync_options=policy.sync_options if policy else (),
            source=storable(application.spec.source),
            resources=_selection(outlook) if heals else (),
            auto_heal_attempts_count=heals,
        ),
        initiated_by=OperationInitiator(automated=True),
        info=(Info(name=ATTEMPT, value=str(attempt)),) if attempt else (),
        retry=policy.retry if policy else None,
    )


def _selection(outlook: Outlook) -> tuple[SyncOperationResource, ...]:
    """Healing touches only what drifted, as in Argo CD; with extras to prune everything is looked at."""
    if outlook.extras:
        return ()
    return tuple(
        SyncOperationResource(group=k.group, kind=k.kind, name=k.name, namespace=k.namespace)
        for k in outlook.drifted
    )


def _same_attempt(last: OperationState, application: Application, revision: str) -> bool:
    """Whether the last operation was for this very revision and source, and for all of it."""
    result = last.sync_result
    if not result or result.revision != revision or _was_partial(last):
        return False
    return result.source is None or storable(result.source) == storable(application.spec.source)


def _was_partial(last: OperationState) -> bool:
    """Whether somebody tried the revision only, or synced a part of it: that brings nobody the rest."""
    sync = last.operation.sync
    return bool(sync and not is_automatic(last.operation) and (sync.dry_run or sync.resources))


def _attempt(last: OperationState) -> int:
    said = next((i.value for i in last.operation.info if i.name == ATTEMPT), "0")
    return int(said) if said.isdecimal() and len(said) < 9 else 0


def _retry_at(last: OperationState, now: datetime) -> datetime:
    """Later after each failure. What somebody put an end to rests as long as it can."""
    wait = (
        parse_duration(RETRIES.max_duration)
        if last.message == TERMINATED
        else pause(_attempt(last) + 1, RETRIES)
    )
    return past(last.finished_at, now) + wait


def _heals(last: OperationState, now: datetime) -> int:
    """How often drift was healed in a row; a time of peace lets it begin anew."""
    sync = last.operation.sync
    heals = max(sync.auto_heal_attempts_count, 0) if sync else 0
    quiet = now - past(last.finished_at, now)
    return heals if quiet < 3 * pause(heals, HEALS) else 0


def _heal_at(last: OperationState, heals: int, now: datetime) -> datetime:
    """At once the first time, so that an edit by hand lives for a moment only; then later each time."""
    return past(last.finished_at, now) + (pause(heals, HEALS) if heals else timedelta())


def _at(at: datetime, now: datetime, why: str) -> Later | None:
    return Later(at, why) if now < at else None
