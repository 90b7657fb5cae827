"""
The whole story of one application, once: look, think, act, write down.

Called again after each event; it finds out anew where things stand and goes on from there.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime

import structlog
from msgspec.structs import replace

from tiphys.core.sources.tools import source_of
from tiphys.core.status.patch import merge_patch
from tiphys.core.status.summary import status_of, status_unknown, without_time
from tiphys.core.sync.advance import deadline_of
from tiphys.core.sync.asked import as_asked, refusal
from tiphys.core.sync.automated import Later, Refusal, due, follows_newest, trouble
from tiphys.core.sync.history import with_success
from tiphys.core.sync.options import effective
from tiphys.core.sync.state import TERMINATED, begun, ended, phase_of, stamp, superseded
from tiphys.model.api import (
    Application,
    ApplicationStatus,
    Condition,
    Operation,
    OperationState,
    SyncOperation,
    storable,
    to_json,
)
from tiphys.model.errors import InvalidSpec, Refused, SpecError, Stale, TiphysError, Unavailable
from tiphys.model.flow import Phase, SyncCode
from tiphys.model.objects import AppName
from tiphys.reconcile.adopt import adopt
from tiphys.reconcile.application import REFRESH, own_options, project_name
from tiphys.reconcile.delete import delete
from tiphys.reconcile.look import Look, health_now, look_at, sha_of
from tiphys.reconcile.operate import Progress, as_wished, operate
from tiphys.reconcile.telling import SHARED
from tiphys.reconcile.timeline import arrived, noted_failed, noted_of
from tiphys.reconcile.tips import Followed
from tiphys.reconcile.world import World

log = structlog.get_logger()
SKIP = "argocd.argoproj.io/skip-reconcile"
TRUE = ("1", "t", "T", "true", "True", "TRUE")
"""What Go, and so Argo CD, reads as true."""
FAIL_ON_SHARED = "FailOnSharedResource=true"
_MEANWHILE = (0.05, 0.2, 0.5)
"""Seconds in which we hear of what somebody else wrote to an Application while we did."""
Marks = Mapping[str, str | None]
"""Annotations by what they are to be; ``None`` for none."""
NONE: Marks = {}


async def reconcile(name: AppName, world: World) -> datetime | None:
    """Bring an application as far as it goes now; answers when to look again at the latest, if it knows."""
    application = await _read(name, world)
    if application is None:
        world.memory.forget(name)
        return None
    if application.metadata.annotations.get(SKIP) in TRUE:
        return None
    if application.metadata.deletion_timestamp:
        return (await delete(application, world)).again
    try:
        return await _reconciled(application, world)
    except TiphysError as error:
        await _tell(application, error, world)
        raise


async def _read(name: AppName, world: World) -> Application | None:
    """The Application. One that cannot be read is told so in its own status, once."""
    try:
        application = world.applications.get(name)
    except SpecError as error:
        if world.memory.malformed.get(name) != str(error):
            world.memory.malformed[name] = str(error)
            await _tell_malformed(name, str(error), world)
        raise
    world.memory.malformed.pop(name, None)
    return application


async def _tell_malformed(name: AppName, said: str, world: World) -> None:
    condition = Condition(type="InvalidSpecError", message=said, last_transition_time=stamp(world.now()))
    status = {"conditions": [to_json(condition)], "sync": {"status": SyncCode.UNKNOWN}}
    try:
        await world.applications.patch(name, {"status": status})
    except SpecError as error:  # the answer cannot be read either
        log.debug("told", application=str(name), why=str(error))


async def tell_bug(name: AppName, error: Exception, world: World) -> None:
    """Say in the status that our own code failed. The log has the rest; its text may hold what is secret."""
    application = world.applications.get(name)
    if application is None:
        return
    said = f"a bug in Tiphys ({type(error).__name__}); the engine's log tells where. It is tried again"
    status = status_unknown(application, ("UnknownError", said), None, stamp(world.now()))
    await _patched(application, status, None, world, _refresh_done(application, application))


async def _reconciled(application: Application, world: World) -> datetime | None:
    state = under_way(application)
    if state and state.phase == Phase.TERMINATING:
        return await _terminated(application, state, world)
    asked = application.operation if state is None else None
    meant = as_asked(application, state.operation if state else asked)
    look = await look_at(meant, world, await _named_revision(meant, state, world), fresh=bool(asked))
    if await adopt(look, world):
        look = await look_at(meant, world, await _named_revision(meant, state, world))
    if asked:
        state = _begun(asked, look, world)
    again = None
    if state is None:
        match due(application, look.outlook, world.now()):
            case Operation() as operation:
                state = _begun(operation, look, world)
            case Later(at=at):
                again = at
            case Refusal(why=why):
                look = _with_condition(look, ("SyncError", why))
            case None:
                pass
    if state is None:
        await _write(look, world)
        return again
    return await _synced(state, look, world)


async def _synced(state: OperationState, look: Look, world: World) -> datetime | None:
    """Go on with an operation; when it ends, look again at once, so that the status tells how it is now."""
    if phase_of(state).ended:  # it was refused before it began
        _announce(look.application, state, world)
        await _write(look, world, state)
        return world.now()
    if _overtaken(state, look):
        state = superseded(state, look.revision, look.application.spec.source, world.now())
        log.info("superseded", application=look.application.metadata.name, revision=look.revision[:7])
    # Recorded before anything is touched: a restart finds it, and the inventory holds what is about to be made.
    application = await _write(look, world, state)
    if application is None:
        return None
    progress = await operate(state, look, world)
    if not phase_of(progress.state).ended:
        await _write(look, world, progress.state)
        return progress.again
    return await _finished(progress, look, application, world)


async def _finished(
    progress: Progress, look: Look, application: Application, world: World
) -> datetime | None:
    _announce(look.application, progress.state, world)
    # The operation's outcome outlives whatever the next look meets.
    written = await _outcome_written(look, progress.state, world)
    if written is None:
        return None
    # An operation may have been about another commit or source than the application's own.
    own = follows_newest(progress.state) and look.application.spec.source == written.spec.source
    after = await look_at(written, world, look.revision if own else "")
    await _write(after, world)
    policy = application.spec.sync_policy
    due_again = after.outlook.drifted or after.outlook.extras
    return world.now() if policy and policy.automated and due_again else None


async def _outcome_written(look: Look, state: OperationState, world: World) -> Application | None:
    """Write an operation's outcome though somebody writes meanwhile: done again, it would tell of nothing done."""
    for pause in _MEANWHILE:
        try:
            return await _write(look, world, state)
        except Stale:
            await asyncio.sleep(pause)
    return await _write(look, world, state)


async def _terminated(application: Application, state: OperationState, world: World) -> datetime:
    """End an operation as somebody asked, whatever state the rest is in, and look again at once."""
    state = ended(state, Phase.FAILED, TERMINATED, world.now())
    _announce(application, state, world)
    await _patched(application, replace(application.status, operation_state=state), state, world)
    return world.now()


def under_way(application: Application) -> OperationState | None:
    """The operation that runs, by the status alone: it is the whole state."""
    state = application.status.operation_state
    return state if state and not phase_of(state).ended else None


def _begun(operation: Operation, look: Look, world: World) -> OperationState:
    """An operation, begun; or ended right away, where it cannot be done as it is worded."""
    state = begun(operation, look.revision, look.application.spec.source, world.now())
    sync = operation.sync or SyncOperation()
    words = effective((*own_options(look.application), *sync.sync_options), {})
    shared = [said for kind, said in look.conditions if kind == SHARED] if FAIL_ON_SHARED in words else []
    why = refusal(operation, [each.key for each in look.pairs]) or "".join(shared[:1])
    return ended(state, Phase.FAILED, why, world.now()) if why else state


async def _named_revision(application: Application, state: OperationState | None, world: World) -> str:
    """The commit that an operation is bound to; empty where it follows the newest."""
    if state:
        bound = state.sync_result and not follows_newest(state)
        return state.sync_result.revision if state.sync_result and bound else ""
    asked = (
        application.operation.sync.revision if application.operation and application.operation.sync else ""
    )
    if not asked:
        return ""
    reading = await world.tips.of(
        Followed(source_of(application).repo_url, asked, project_name(application)), fresh=True
    )
    return sha_of(reading)


def _overtaken(state: OperationState, look: Look) -> bool:
    """Whether a newer commit or a change of the source makes an operation pointless as it was begun."""
    result, source = state.sync_result, storable(look.application.spec.source)
    if not result or state.phase != Phase.RUNNING or not follows_newest(state):
        return False
    return result.revision != look.revision or storable(result.source) not in (None, source)


def _with_condition(look: Look, condition: tuple[str, str]) -> Look:
    return Look(**{**look.__dict__, "conditions": (*look.conditions, condition)})


async def _write(look: Look, world: World, state: OperationState | None = None) -> Application | None:
    """Write what changed of the status, and with it the operation, in one patch. ``None`` if it is gone."""
    commits = await arrived(look, world)
    application = world.applications.get(world.name_of(look.application))
    if application is None:
        return None
    now = world.now()
    if said := trouble(application, state or application.status.operation_state, look.outlook):
        look = _with_condition(look, ("SyncError", said))
    # What was compared is what was looked at, whatever the spec says by now.
    compared = replace(application, spec=look.application.spec)
    status = replace(status_of(compared, look.findings, stamp(now)), controller_namespace=world.namespace)
    if state:
        state = as_wished(state, application, world)
        limit = application.spec.revision_history_limit
        history = status.history
        if phase_of(state).ended and application.status.operation_state != state:
            history = with_success(history, state, limit)
        status = replace(status, operation_state=state, history=history)
    noted = noted_of(application, look, state, commits, now)
    marks = {**_refresh_done(application, look.application), **noted.annotations}
    patched = await _patched(application, status, state, world, marks)
    if patched:
        noted.measure(world.meter)
    return patched


def _refresh_done(application: Application, looked: Application) -> Marks:
    """A refresh was done if it was asked for when the application was looked at."""
    asked = looked.metadata.annotations.get(REFRESH)
    return (
        {REFRESH: None}
        if asked is not None and application.metadata.annotations.get(REFRESH) == asked
        else {}
    )


async def _patched(
    application: Application,
    status: ApplicationStatus,
    state: OperationState | None,
    world: World,
    marks: Marks = NONE,
) -> Application | None:
    """Write what changed of the status and the operation, and the annotations that are to be other ones."""
    patch: dict[str, object] = {}
    if marks:
        patch["metadata"] = {"annotations": marks}
    if REFRESH in marks or without_time(status) != without_time(application.status):
        patch["status"] = merge_patch(to_json(application.status), to_json(status))
    patch |= _operation_told(application, state)
    if not patch:
        return application
    # Who writes an operation meanwhile must not have it mixed with ours: then we look again.
    pinned = application.metadata.resource_version if "operation" in patch else ""
    return await world.applications.patch(world.name_of(application), patch, pinned)


def _operation_told(application: Application, state: OperationState | None) -> dict[str, object]:
    """
    What becomes of the field ``operation``: there while ours runs, gone when it ended.

    One that somebody wrote while another ran is left alone and begins when that has ended.
    """
    found, last = application.operation, application.status.operation_state
    if state is None or found not in (None, state.operation, last and last.operation):
        return {}
    if phase_of(state).ended:
        return {"operation": None} if found else {}
    if found == state.operation:
        return {}
    return {"operation": merge_patch(to_json(found) if found else {}, to_json(state.operation))}


async def _tell(application: Application, error: TiphysError, world: World) -> None:
    """Tell an error as a condition, and end an operation that can no longer go on because of it."""
    current = world.applications.get(world.name_of(application))
    if current is None or not isinstance(error, SpecError | Refused | Unavailable):
        return
    now = world.now()
    kind = "InvalidSpecError" if isinstance(error, Refused | InvalidSpec) else "ComparisonError"
    noted = await noted_failed(current, error, world)
    try:
        health = await health_now(current, world)
    except TiphysError:
        health = None
    status = status_unknown(current, (kind, str(error)), health, stamp(now))
    state = under_way(current) or (
        begun(current.operation, "", current.spec.source, now) if current.operation else None
    )
    if state and (not isinstance(error, Unavailable) or now >= deadline_of(state, world.terms)):
        state = ended(state, Phase.ERROR, str(error), now)
        status = replace(status, operation_state=state)
        _announce(current, state, world)
    marks = {**_refresh_done(current, application), **noted.annotations}
    await _patched(current, status, state, world, marks)


def _announce(application: Application, state: OperationState, world: World) -> None:
    world.witness.ended(application, state)
    log.info(
        "synced" if state.phase == Phase.SUCCEEDED else "sync failed",
        application=application.metadata.name,
        revision=state.sync_result.revision[:7] if state.sync_result else "",
        message=state.message,
    )
