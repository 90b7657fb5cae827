"""
The whole story of one application, once: look, think, act, write down.

Called again after each event; it finds out anew where things stand and goes on from there.
"""

from datetime import datetime

import structlog
from msgspec.structs import replace

from tiphys.core.sources.tools import source_of
from tiphys.core.status.patch import merge_patch
from tiphys.core.status.summary import status_of, status_unknown, without_time
from tiphys.core.sync.automated import Later, Refusal, due, follows_newest
from tiphys.core.sync.history import with_success
from tiphys.core.sync.state import begun, ended, stamp, superseded
from tiphys.model.api import Application, ApplicationStatus, Operation, OperationState, to_json
from tiphys.model.errors import Refused, SpecError, TiphysError, Unavailable
from tiphys.model.flow import Phase
from tiphys.model.objects import AppName
from tiphys.reconcile.delete import delete
from tiphys.reconcile.look import REFRESH, Look, health_now, look_at, sha_of
from tiphys.reconcile.operate import Progress, operate
from tiphys.reconcile.tips import Followed
from tiphys.reconcile.world import World

log = structlog.get_logger()
SKIP = "argocd.argoproj.io/skip-reconcile"


async def reconcile(name: AppName, world: World) -> datetime | None:
    """Bring an application as far as it goes now; answers when to look again at the latest, if it knows."""
    application = world.applications.get(name)
    if application is None:
        world.memory.forget(name)
        return None
    if application.metadata.annotations.get(SKIP) == "true":
        return None
    if application.metadata.deletion_timestamp:
        return (await delete(application, world)).again
    try:
        return await _reconciled(application, world)
    except TiphysError as error:
        await _tell(application, error, world)
        raise


async def tell_bug(name: AppName, error: Exception, world: World) -> None:
    """Say in the status that our own code failed. The log has the rest; its text may hold what is secret."""
    application = world.applications.get(name)
    if application is None:
        return
    said = f"a bug in Tiphys ({type(error).__name__}); the engine's log tells where. It is tried again"
    status = status_unknown(application, ("UnknownError", said), None, stamp(world.now()))
    await _patched(application, status, None, world)


async def _reconciled(application: Application, world: World) -> datetime | None:
    state = under_way(application)
    look = await look_at(application, world, await _named_revision(application, state, world))
    if state is None:
        state = begun_if_asked(application, look, world)
    again = None
    if state is None:
        match due(application, look.outlook, world.now()):
            case Operation() as operation:
                state = begun(operation, look.revision, application.spec.source, world.now())
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
    if _overtaken(state, look):
        state = superseded(state, look.revision, look.application.spec.source, world.now())
        log.info("superseded", application=look.application.metadata.name, revision=look.revision[:7])
    # Recorded before anything is touched: a restart finds it, and the inventory holds what is about to be made.
    application = await _write(look, world, state)
    if application is None:
        return None
    progress = await operate(state, look, world)
    if not Phase(progress.state.phase).ended:
        await _write(look, world, progress.state)
        return progress.again
    return await _finished(progress, look, application, world)


async def _finished(
    progress: Progress, look: Look, application: Application, world: World
) -> datetime | None:
    _announce(look, progress.state)
    # The operation's outcome outlives whatever the next look meets.
    written = await _write(look, world, progress.state)
    if written is None:
        return None
    after = await look_at(written, world, look.revision)
    await _write(after, world)
    policy = application.spec.sync_policy
    return world.now() if policy and policy.automated and after.outlook.drifted else None


def under_way(application: Application) -> OperationState | None:
    """The operation that runs, by the status alone: it is the whole state."""
    state = application.status.operation_state
    return state if state and not Phase(state.phase).ended else None


def begun_if_asked(application: Application, look: Look, world: World) -> OperationState | None:
    """An operation that somebody wrote into the Application, begun."""
    if not application.operation:
        return None
    sync = application.operation.sync
    source = (sync.source if sync else None) or application.spec.source
    return begun(application.operation, look.revision, source, world.now())


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
    reading = await world.tips.of(Followed(source_of(application).repo_url, asked), fresh=True)
    return sha_of(reading)


def _overtaken(state: OperationState, look: Look) -> bool:
    result = state.sync_result
    return (
        follows_newest(state)
        and state.phase == Phase.RUNNING
        and bool(result and result.revision != look.revision)
    )


def _with_condition(look: Look, condition: tuple[str, str]) -> Look:
    return Look(**{**look.__dict__, "conditions": (*look.conditions, condition)})


async def _write(look: Look, world: World, state: OperationState | None = None) -> Application | None:
    """Write what changed of the status, and with it the operation, in one patch. ``None`` if it is gone."""
    application = world.applications.get(world.name_of(look.application))
    if application is None:
        return None
    now = world.now()
    status = status_of(application, look.findings, stamp(now))
    if state:
        limit = application.spec.revision_history_limit
        history = status.history
        if Phase(state.phase).ended and application.status.operation_state != state:
            history = with_success(history, state, limit)
        status = replace(status, operation_state=state, history=history)
    return await _patched(application, status, state, world)


async def _patched(
    application: Application, status: ApplicationStatus, state: OperationState | None, world: World
) -> Application | None:
    patch: dict[str, object] = {}
    refresh = REFRESH in application.metadata.annotations
    if refresh:
        patch["metadata"] = {"annotations": {REFRESH: None}}
    if refresh or without_time(status) != without_time(application.status):
        patch["status"] = merge_patch(to_json(application.status), to_json(status))
    if state and Phase(state.phase).ended and application.operation:
        patch["operation"] = None
    elif state and not Phase(state.phase).ended and application.operation != state.operation:
        patch["operation"] = merge_patch(
            to_json(application.operation) if application.operation else {}, to_json(state.operation)
        )
    if not patch:
        return application
    # Who writes an operation meanwhile must not have it mixed with ours: then we look again.
    pinned = application.metadata.resource_version if "operation" in patch else ""
    return await world.applications.patch(world.name_of(application), patch, pinned)


async def _tell(application: Application, error: TiphysError, world: World) -> None:
    """Tell an error as a condition, and end an operation that can no longer go on because of it."""
    current = world.applications.get(world.name_of(application))
    if current is None or not isinstance(error, SpecError | Refused | Unavailable):
        return
    now = world.now()
    kind = "InvalidSpecError" if isinstance(error, Refused) else "ComparisonError"
    try:
        health = await health_now(current, world)
    except TiphysError:
        health = None
    status = status_unknown(current, (kind, str(error)), health, stamp(now))
    state = under_way(current) or (
        begun(current.operation, "", current.spec.source, now) if current.operation else None
    )
    if state and not isinstance(error, Unavailable):
        state = ended(state, Phase.ERROR, str(error), now)
        status = replace(status, operation_state=state)
    await _patched(current, status, state, world)


def _announce(look: Look, state: OperationState) -> None:
    log.info(
        "synced" if state.phase == Phase.SUCCEEDED else "sync failed",
        application=look.application.metadata.name,
        revision=look.revision[:7],
        message=state.message,
    )
