"""
An Application that was deleted: its objects go first, wave by wave, then the finalizer.

Nothing is rendered: what is tracked or recorded is enough, so a broken repository keeps nothing alive.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from tiphys.core.status.patch import merge_patch
from tiphys.core.sync.removal import cascade, of_hooks, removal, without_cascade
from tiphys.model.api import Application, Condition, to_json
from tiphys.model.flow import Phase
from tiphys.model.objects import Key, Live
from tiphys.model.tracking import tracked_by
from tiphys.reconcile.application import inventory, itself
from tiphys.reconcile.together import together
from tiphys.reconcile.world import World

log = structlog.get_logger()
PATIENCE = timedelta(seconds=30)
"""Between two looks at a deletion that something else holds up."""


@dataclass(frozen=True)
class Deletion:
    """How far a deletion came: done, or when to look again."""

    again: datetime | None


async def delete(application: Application, world: World) -> Deletion:
    """Bring the deletion of an application as far as it goes now."""
    propagation = cascade(application)
    if not propagation:
        await _tell_of_hooks(application, world)
        return Deletion(None)
    owned = await _owned(application, world)
    if doubts := _doubts(application, world):
        await _tell(application, f"cannot tell whether these are gone: {doubts}", world)
        return Deletion(world.now() + PATIENCE)
    step = removal(owned, propagation)
    if not step.awaited:
        await _let_go(application, owned, world)
        return Deletion(None)
    results = await together(world.cluster.perform(deletion) for deletion in step.deletions)
    failed = [result for result in results if result.phase is Phase.FAILED]
    if failed:
        said = "; ".join(f"{result.key}: {result.message}" for result in failed[:3])
        await _tell(application, f"cannot delete {said}", world)
    elif not step.deletions:
        names = ", ".join(str(key) for key in step.awaited[:5])
        await _tell(
            application, f"waiting until these are gone: {names}{_holders(owned, step.awaited)}", world
        )
    return Deletion(world.now() + PATIENCE)


async def _owned(application: Application, world: World) -> list[Live]:
    """The live objects that are the application's: recorded or tracked, and marked as its own."""
    keys = inventory(application)
    await world.cluster.watch({key.of for key in keys})
    instance = world.instance(world.name_of(application))
    tracked = world.cluster.tracked(instance)
    recorded = await world.cluster.observe(keys)
    found = {live.key: live for live in (*tracked, *recorded.values())}
    found.pop(itself(application), None)  # it goes when we let go of it
    marks = {key: tracked_by(live) for key, live in found.items()}
    return [live for key, live in found.items() if (mark := marks[key]) and mark.application == instance]


def _doubts(application: Application, world: World) -> str:
    """What is recorded and cannot be read: letting go of it now would leave it behind for good."""
    unread = world.cluster.unreadable
    named = [f"{key}: {unread[key]}" for key in inventory(application) if key in unread]
    return "; ".join(named[:3])


async def _let_go(application: Application, kept: list[Live], world: World) -> None:
    left = without_cascade(application.metadata.finalizers)
    patch = {"metadata": {"finalizers": list(left) or None}}
    await world.applications.patch(world.name_of(application), patch, application.metadata.resource_version)
    name = application.metadata.name
    log.info("deleted", application=name, kept=", ".join(str(live.key) for live in kept) or "nothing")


async def _tell_of_hooks(application: Application, world: World) -> None:
    """Hooks at a deletion are not built yet: what waits for them would wait in silence."""
    if waiting := of_hooks(application.metadata.finalizers):
        said = "hooks at a deletion are not built yet: run what they do by hand, then remove the finalizers"
        await _tell(application, f"{said} {', '.join(waiting)}", world)


async def _tell(application: Application, message: str, world: World) -> None:
    was = next((c for c in application.status.conditions if c.type == "DeletionError"), None)
    if was and was.message == message:
        return
    now = world.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    told = Condition(type="DeletionError", message=message, last_transition_time=now)
    kept = [to_json(c) for c in application.status.conditions if c.type != "DeletionError"]
    patch = merge_patch({}, {"status": {"conditions": [*kept, to_json(told)]}})
    await world.applications.patch(world.name_of(application), patch)


def _holders(owned: list[Live], awaited: tuple[Key, ...]) -> str:
    """The finalizers that hold what is awaited, for who wonders why it takes so long."""
    held = {f for live in owned if live.key in awaited for f in live.metadata.get("finalizers") or ()}
    held.discard("foregroundDeletion")
    return f" (held by {', '.join(sorted(held))})" if held else ""
