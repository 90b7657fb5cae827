"""
When a sync is due without anybody asking: a new revision, drift, or another try of what failed.

Argo CD tries one revision once and then never again; here every failure is tried again, later each time, and the
number of the attempt travels in the operation itself, so that a restart forgets nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tiphys.core.languages.durations import parse_duration
from tiphys.core.sync.state import instant, pause
from tiphys.model.api import (
    Application,
    Backoff,
    Info,
    Operation,
    OperationInitiator,
    OperationState,
    SyncOperation,
    SyncOperationResource,
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
    """Objects that nobody wants any more."""
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
    if Phase(last.phase) is not Phase.SUCCEEDED:
        return _at(_retry_at(last), now, "the last sync failed") or _operation(
            application, outlook, attempt=_attempt(last) + 1
        )
    if not automated.self_heal:
        return None
    heals = _heals(last, now)
    return _at(_heal_at(last, heals), now, "healing drift") or _operation(
        application, outlook, heals=heals + 1
    )


def follows_newest(state: OperationState) -> bool:
    """Whether a running operation follows the newest revision, rather than one that a user named."""
    sync = state.operation.sync
    automated = state.operation.initiated_by and state.operation.initiated_by.automated
    return bool(automated or not sync or not sync.revision)


def _operation(application: Application, outlook: Outlook, *, attempt: int = 0, heals: int = 0) -> Operation:
    policy = application.spec.sync_policy
    automated = policy.automated if policy else None
    return Operation(
        sync=SyncOperation(
            revision=outlook.revision,
            prune=bool(automated and automated.prune),
            sync_options=policy.sync_options if policy else (),
            source=application.spec.source,
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
    """Whether the last operation was for this very revision and source."""
    result = last.sync_result
    return bool(result and result.revision == revision and result.source in (None, application.spec.source))


def _attempt(last: OperationState) -> int:
    said = next((i.value for i in last.operation.info if i.name == ATTEMPT), "0")
    return int(said) if said.isdigit() else 0


def _retry_at(last: OperationState) -> datetime:
    return instant(last.finished_at) + pause(_attempt(last) + 1, RETRIES)


def _heals(last: OperationState, now: datetime) -> int:
    """How often drift was healed in a row; a time of peace lets it begin anew."""
    sync = last.operation.sync
    heals = sync.auto_heal_attempts_count if sync else 0
    quiet = now - instant(last.finished_at)
    return heals if quiet < 3 * pause(heals, HEALS) else 0


def _heal_at(last: OperationState, heals: int) -> datetime:
    """At once the first time, so that an edit by hand lives for a moment only; then later each time."""
    return instant(last.finished_at) + (pause(heals, HEALS) if heals else timedelta())


def _at(at: datetime, now: datetime, why: str) -> Later | None:
    return Later(at, why) if now < at else None


def longest_wait() -> timedelta:
    """The longest that a retry waits."""
    return parse_duration(RETRIES.max_duration)
