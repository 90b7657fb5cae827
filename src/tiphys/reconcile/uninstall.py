"""
A release taken off a cluster: what it installed goes, in the order opposite to that in which it came, and what its
Applications brought about runs on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tiphys.core.bootstrap import hooks as rules
from tiphys.core.bootstrap import leaving
from tiphys.core.bootstrap.history import History, differing
from tiphys.core.bootstrap.records import UNINSTALLED, UNINSTALLING, Record, time_of
from tiphys.model.errors import SpecError
from tiphys.model.objects import Key, Live, Manifest
from tiphys.model.releases import Hook
from tiphys.reconcile.bootstrap import at_work
from tiphys.reconcile.charting import Maker, recorded
from tiphys.reconcile.hooks import run_hooks
from tiphys.reconcile.patience import gone
from tiphys.reconcile.pending import settled
from tiphys.reconcile.site import SECRET, Journal, News, Scene, history, sure, write


@dataclass(frozen=True, slots=True)
class Farewell:
    """What a user wants to see gone."""

    name: str
    namespace: str
    take_over: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Departure:
    """How an uninstall ended."""

    news: Sequence[News]
    left: Sequence[Key] = ()
    """Applications of the namespace that others made, and that a deletion without an engine would hang on."""


async def uninstall(wish: Farewell, maker: Maker, scene: Scene) -> Departure:
    """
    Delete what a release installed, and its records.

    Raises ``SpecError`` if there is no such release, or where the API server or a hook says no; run again, it goes on.
    """
    past = await settled(await history(wish.name, wish.namespace, scene.site), scene, wish)
    last = past.newest
    if not last:
        raise await _unknown(wish, scene)
    going, news = await _sorted(past, wish, maker, scene)
    if wish.dry_run:
        scene.report.done(told := [*news, *(News(live.key, _word(live)) for live in going)])
        return Departure(told)
    if last.status != UNINSTALLED:
        beginning = replace(last.told(UNINSTALLING, "Deletion in progress"), beat=time_of(scene.now()))
        journal = Journal(beginning, scene)
        await write(beginning, scene)
        async with at_work(journal):
            await _taken_off(journal, going, maker)
        news += journal.news
    await _forget(past.records, scene)
    return Departure(news, await _left(wish, scene))


async def _taken_off(journal: Journal, going: Sequence[Live], maker: Maker) -> None:
    scene = journal.scene
    hooks = await hooks_of(journal.record, maker)
    await run_hooks(journal, hooks, rules.PRE_DELETE)
    for live in going:
        if leaving.cascades(live):
            sure(await scene.site.patch(live.key, leaving.without_cascade(live)), "remove the finalizer of")
        sure(await scene.site.delete(live, leaving.propagation(live)), "delete")
        journal.tell(News(live.key, _word(live)))
    await gone(going, scene)
    await run_hooks(journal, hooks, rules.POST_DELETE)


def _word(live: Live) -> str:
    return "deleted; what it made stays" if leaving.cascades(live) else "deleted"


async def _sorted(past: History, wish: Farewell, maker: Maker, scene: Scene) -> tuple[list[Live], list[News]]:
    """What goes, in its order, and what stays and why."""
    targets: list[Manifest] = []
    for text in differing(past.baseline):
        targets += await recorded(text, wish.namespace, maker, scene.site)
    keys = list(dict.fromkeys(target.key for target in reversed(targets)))
    found = await scene.site.read(keys)
    live = [found[key] for key in keys if key in found]
    reasons = {each.key: leaving.stays(each, wish.name, wish.namespace) for each in live}
    news = [News(key, why) for key, why in reasons.items() if why]
    return leaving.in_order(each for each in live if not reasons[each.key]), news


async def hooks_of(record: Record, maker: Maker) -> list[Hook]:
    """The hooks that a record tells of."""
    found = []
    for place, hook in enumerate(record.body.get("hooks") or ()):
        documents = await maker.decode_text(str(hook.get("manifest") or ""), str(hook.get("path") or ""))
        found += [
            Hook(
                file=str(hook.get("path") or ""),
                body=body,
                events=tuple(hook.get("events") or ()),
                weight=int(hook.get("weight") or 0),
                policies=tuple(hook.get("delete_policies") or ()),
                place=place,
            )
            for body in documents[:1]
        ]
    return found


async def _forget(records: Sequence[Record], scene: Scene) -> None:
    """Delete the records, the newest last: it is the one that tells how far we came."""
    found = await scene.site.read([record.key for record in records])
    for record in records:
        if live := found.get(record.key):
            sure(await scene.site.delete(live), "delete")


async def _left(wish: Farewell, scene: Scene) -> Sequence[Key]:
    found = await scene.site.search(leaving.APPLICATION, wish.namespace)
    return [live.key for live in found if leaving.cascades(live) and not live.deleting]


async def _unknown(wish: Farewell, scene: Scene) -> SpecError:
    secrets = await scene.site.search(SECRET, wish.namespace, "owner=helm")
    names = sorted({str(s.metadata.get("labels", {}).get("name")) for s in secrets})
    there = f"it has {', '.join(names)}" if names else "there is none at all; choose another with --namespace"
    return SpecError(f"there is no release {wish.name} in namespace {wish.namespace}: {there}")
