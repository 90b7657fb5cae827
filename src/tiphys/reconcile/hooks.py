"""
Hooks of a release run at a point of its life, one after another, and what became of them written down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tiphys.core.bootstrap import hooks as rules
from tiphys.core.bootstrap.hooks import Ended
from tiphys.core.bootstrap.records import time_of
from tiphys.core.targets.claim import placed
from tiphys.model.errors import SpecError
from tiphys.model.flow import Phase
from tiphys.model.objects import Catalog, Live, Manifest
from tiphys.model.releases import Hook
from tiphys.model.rendering import RenderedObject
from tiphys.reconcile.patience import gone, until
from tiphys.reconcile.site import Journal, News, Scene, sure


@dataclass(frozen=True)
class Placed:
    """A hook, and the object that it is in the cluster."""

    hook: Hook
    target: Manifest


async def run_hooks(journal: Journal, hooks: Sequence[Hook], event: str) -> None:
    """
    Run the hooks of an event, and note what became of each.

    Raises ``SpecError`` where one fails, after it was cleared away if it wants to be.
    """
    scene, namespace = journal.scene, journal.record.namespace
    catalog = await scene.site.catalog()
    due = [_placed(hook, namespace, catalog) for hook in rules.due(hooks, event)]
    for done, each in enumerate(due):
        await _clear([each], rules.BEFORE, scene)
        run = {"started_at": time_of(scene.now()), "phase": "Running"}
        await journal.note(journal.record.ran(each.hook.place, run))
        ended = await _run(each, scene)
        run |= {"completed_at": time_of(scene.now()), "phase": "Succeeded" if ended.well else "Failed"}
        await journal.note(journal.record.ran(each.hook.place, run))
        if not ended.well:
            await _clear([each], rules.FAILED, scene)
            await _clear(due[:done], rules.SUCCEEDED, scene)
            raise SpecError(
                f"{event} hook {each.target.key} failed: {ended.message or 'it does not say why'}"
            )
        journal.tell(News(each.target.key, f"{event} hook done"))
    await _clear(list(reversed(due)), rules.SUCCEEDED, scene)


def _placed(hook: Hook, namespace: str, catalog: Catalog) -> Placed:
    (target,) = placed([RenderedObject(hook.file, hook.body)], namespace, catalog)
    return Placed(hook, target)


async def _run(each: Placed, scene: Scene) -> Ended:
    """Bring a hook's object to the cluster and wait until it is over."""
    key = each.target.key
    result = await scene.site.apply(each.target)
    if result.phase is Phase.FAILED:
        return Ended(False, result.message)

    async def look() -> Ended | None:
        live = (await scene.site.read([key])).get(key)
        return rules.ended(live) if live else Ended(False, "it was deleted while it ran")

    return await until(look, scene.patience) or Ended(False, f"not over after {scene.patience:g} s")


async def _clear(hooks: Sequence[Placed], when: str, scene: Scene) -> None:
    """Delete those whose policy says so, each gone before the next."""
    for each in hooks:
        if rules.goes(each.hook, when):
            found = await scene.site.read([each.target.key])
            await delete_all(list(found.values()), scene)


async def delete_all(going: Sequence[Live], scene: Scene) -> None:
    """Delete objects and wait until they are gone. Raises ``SpecError`` for what the API server refuses."""
    for live in going:
        sure(await scene.site.delete(live), "delete")
    await gone(going, scene)
