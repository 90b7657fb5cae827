"""
A chart installed or upgraded without Helm's program, and recorded so that Helm's program goes on from it.

Look first: the revisions so far, the chart made for this cluster, whose the objects are. Then act: what is about to be
done is recorded before it is done, so that whoever comes after a sudden end knows where to go on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from tiphys.core.bootstrap import hooks as rules
from tiphys.core.bootstrap import ownership
from tiphys.core.bootstrap.history import History, differing
from tiphys.core.bootstrap.records import BEAT, DEPLOYED, FAILED, SUPERSEDED, Record, begun, time_of
from tiphys.core.targets.claim import kinds_to_come, placed
from tiphys.model.errors import Refused, SpecError, TiphysError, Unavailable
from tiphys.model.flow import Phase, Result
from tiphys.model.objects import Body, Catalog, Key, Live, Manifest
from tiphys.model.releases import MadeRelease
from tiphys.reconcile.charting import Charted
from tiphys.reconcile.hooks import run_hooks
from tiphys.reconcile.patience import ready
from tiphys.reconcile.pending import settled
from tiphys.reconcile.site import Journal, News, Scene, history, sure, write
from tiphys.reconcile.together import together

BEAT_SECONDS = 2.0
NAMESPACE = "Namespace"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user wants of an install."""

    name: str
    namespace: str
    create_namespace: bool = True
    take_ownership: bool = False
    """Of objects that are there already and belong to nobody, or to another release."""
    force_conflicts: bool = False
    """Take fields from whoever else set them."""
    take_over: bool = False
    """Of a revision that somebody else seems to be at work on."""
    reset_values: bool = False
    """Do not keep the last revision's values where none are given."""
    skip_crds: bool = False
    wait: bool = True
    dry_run: bool = False


@dataclass(frozen=True)
class Outcome:
    """How an install ended."""

    record: Record
    upgrade: bool
    news: Sequence[News] = ()


@dataclass
class Work:
    """An install that is under way: what it is to bring about, and what it has found and done."""

    wish: Wish
    scene: Scene
    past: History
    made: MadeRelease
    targets: Sequence[Manifest]
    live: Mapping[Key, Live]
    before: Sequence[Manifest]
    """What earlier revisions may have left in the cluster."""

    @property
    def going(self) -> Sequence[Live]:
        """What earlier revisions installed and this one does not want, the last installed first."""
        wanted = {target.key for target in self.targets}
        keys = dict.fromkeys(each.key for each in self.before if each.key not in wanted)
        return [self.live[key] for key in reversed(list(keys)) if key in self.live]


async def bootstrap(wish: Wish, chart: Charted, scene: Scene) -> Outcome:
    """
    Install a chart, or upgrade what is installed, and record it.

    Raises ``SpecError`` for what the chart or the API server says no to, ``Refused`` for objects of others,
    ``Unavailable`` for what does not become ready. Run again, it goes on from there.
    """
    past = await settled(await history(wish.name, wish.namespace, scene.site), scene, wish)
    if past.newest and not wish.reset_values:
        chart = _with_last_values(chart, past.newest, scene)
    definitions = () if wish.skip_crds else await chart.definitions(wish.namespace, scene.site)
    defined = await _define(definitions, wish, scene)
    if defined:
        scene.report.done(defined)
    work = await _looked(wish, chart, scene, past)
    _expect_served(work, definitions, await scene.site.catalog())
    _expect_ours(work)
    if wish.dry_run:
        return await _rehearsed(work, defined)
    await _namespace(wish, scene)
    journal = Journal(await _recorded(work), scene, list(defined))
    async with at_work(journal):
        await _tried(journal, work)
    await _close(journal, past)
    return Outcome(journal.record, past.upgrades, tuple(journal.news))


def _with_last_values(chart: Charted, last: Record, scene: Scene) -> Charted:
    """Helm's rule: an upgrade that is given no values keeps the last ones."""
    kept = chart.given(last.config)
    if kept is not chart:
        scene.report.say(f"The values given to revision {last.version} are kept (--reset-values begins anew)")
    return kept


async def _looked(wish: Wish, chart: Charted, scene: Scene, past: History) -> Work:
    """The chart made for this cluster, and everything that is there already of what it concerns."""
    made = await chart.release(past.revision, scene.site, upgrade=past.upgrades)
    for warning in made.warnings:
        scene.report.say(f"Warning: {warning}")
    catalog = await scene.site.catalog()
    wanted = {t.key: t for t in placed(made.objects, wish.namespace, catalog)}
    targets = [ownership.marked(target, wish.name, wish.namespace) for target in wanted.values()]
    before = [
        manifest
        for text in differing(past.baseline)
        for manifest in await chart.objects_of(text, wish.namespace, scene.site)
    ]
    live = await scene.site.read([*wanted, *(each.key for each in before)])
    return Work(wish, scene, past, made, targets, live, before)


def _expect_served(work: Work, definitions: Sequence[Manifest], catalog: Catalog) -> None:
    """Raises ``SpecError`` for kinds that the cluster does not know and that nothing here brings to it."""
    coming = kinds_to_come([*definitions, *work.targets])
    wanted = dict.fromkeys(target.key.of for target in work.targets)
    unknown = [kind for kind in wanted if kind not in catalog.resources and kind not in coming]
    if unknown:
        names = ", ".join(f"{kind.kind} ({kind.group})" for kind in unknown)
        whose = " `tiphys bootstrap` of Tiphys' own chart, or its CRDs by kubectl, bring Applications." * any(
            kind.group == "argoproj.io" for kind in unknown
        )
        raise SpecError(
            f"the cluster does not know {names}: install the definitions first, or have the chart bring them in a "
            f"folder crds/.{whose} No revision was begun"
        )


def _expect_ours(work: Work) -> None:
    """Raises ``Refused`` for objects that are there and belong to somebody else."""
    if work.wish.take_ownership:
        return
    installed = {each.key for each in work.before}
    foreign = [
        f"{key}: {whose}"
        for key in (target.key for target in work.targets)
        if key not in installed and (live := work.live.get(key)) and (whose := _owner(live, work.wish))
    ]
    if foreign:
        told = "\n  ".join(foreign)
        raise Refused(
            f"there are objects already that the chart would install, and they are not the release's:\n  {told}\n"
            "Delete or rename them, or make them the release's with --take-ownership"
        )


def _owner(live: Live, wish: Wish) -> str:
    return ownership.owner(live, wish.name, wish.namespace)


async def _define(definitions: Sequence[Manifest], wish: Wish, scene: Scene) -> Sequence[News]:
    """
    Bring the definitions to the cluster and wait until they are served.

    Helm does so only at the first install; an upgrade of ours brings their new versions too. What somebody else
    installed is left as it is.
    """
    live = await scene.site.read([each.key for each in definitions])
    ours = [d for d in definitions if d.key not in live or ownership.installed_by_helm(live[d.key])]
    left = [News(d.key, "left alone: somebody else installed it") for d in definitions if d not in ours]
    if wish.dry_run:
        return [*left, *(News(d.key, "unchanged" if d.key in live else "created") for d in ours)]
    results = await together(_applied(each, live.get(each.key), scene, force=True) for each in ours)
    await ready([each.key for each in ours], scene)
    return [*left, *_news(ours, results, live)]


async def _namespace(wish: Wish, scene: Scene) -> None:
    """Create the namespace of the release if there is none. Raises ``SpecError`` if that is not wanted."""
    key = Key("", NAMESPACE, "", wish.namespace)
    if key in await scene.site.read([key]):
        return
    if not wish.create_namespace:
        raise SpecError(
            f"there is no namespace {wish.namespace}: create it, or leave out --no-create-namespace"
        )
    labels = {"name": wish.namespace}
    body = {"apiVersion": "v1", "kind": NAMESPACE, "metadata": {"name": wish.namespace, "labels": labels}}
    sure(await scene.site.apply(Manifest(key, body)), "create")
    scene.report.done([News(key, "created")])


async def _recorded(work: Work) -> Record:
    """Room made for one more revision, and what is about to be done recorded."""
    past, scene = work.past, work.scene
    spare = await scene.site.read([record.key for record in past.surplus()])
    for live in spare.values():
        sure(await scene.site.delete(live), "delete")
    record = begun(work.made.body, past.first_deployed, scene.now(), upgrade=past.upgrades)
    record = replace(record, labels=past.newest.labels if past.newest else {})
    await write(record, scene, new=True)
    return record


async def _tried(journal: Journal, work: Work) -> None:
    """Install; where that does not go well it is recorded and raised."""
    try:
        await _installed(journal, work)
    except (TiphysError, asyncio.CancelledError) as error:
        why = "it was interrupted" if isinstance(error, asyncio.CancelledError) else str(error)
        verb, record = "Upgrade" if work.past.upgrades else "Release", journal.record
        failed = record.told(FAILED, f'{verb} "{record.name}" failed: {why}'[:2000])
        with contextlib.suppress(TiphysError):
            await asyncio.shield(journal.note(replace(failed, beat=None)))
        raise


async def _installed(journal: Journal, work: Work) -> None:
    upgrade, hooks = work.past.upgrades, work.made.hooks
    before, after = _EVENTS[upgrade]
    await run_hooks(journal, hooks, before)
    for _, group in groupby(work.targets, key=lambda target: target.key.kind):
        await _apply(list(group), work, journal)
    await _prune(work, journal)
    if work.wish.wait:
        await ready([target.key for target in work.targets], work.scene)
    await run_hooks(journal, hooks, after)
    journal.record = journal.record.told(DEPLOYED, "Upgrade complete" if upgrade else "Install complete")


_EVENTS = {False: (rules.PRE_INSTALL, rules.POST_INSTALL), True: (rules.PRE_UPGRADE, rules.POST_UPGRADE)}


async def _apply(targets: Sequence[Manifest], work: Work, journal: Journal) -> None:
    """Apply objects of one kind, all at once; raises ``SpecError`` for those that are refused."""
    force = work.wish.force_conflicts
    results = await together(
        _applied(target, work.live.get(target.key), work.scene, force=force) for target in targets
    )
    done = [(t, r) for t, r in zip(targets, results, strict=True) if r.phase is Phase.SUCCEEDED]
    journal.tell(*_news([t for t, _ in done], [r for _, r in done], work.live))
    failed = [result for result in results if result.phase is Phase.FAILED]
    if failed:
        told = "; ".join(f"{result.key}: {result.message}" for result in failed[:5])
        raise SpecError(f"cannot apply {told}{_ADVICE if any(r.conflict for r in failed) else ''}")


_ADVICE = "\nSomebody else set these fields: give them up in the chart, or take them with --force-conflicts"


async def _applied(target: Manifest, live: Live | None, scene: Scene, *, force: bool) -> Result:
    patch = ownership.taken_over(live) if live else None
    if patch:
        result = await scene.site.patch(target.key, patch)
        if result.phase is Phase.FAILED:
            return result
    return await scene.site.apply(target, force=force)


def _news(targets: Iterable[Manifest], results: Iterable[Result], live: Mapping[Key, Live]) -> list[News]:
    return [News(t.key, _word(live.get(t.key), r)) for t, r in zip(targets, results, strict=True)]


def _word(before: Live | None, result: Result) -> str:
    if not before:
        return "created"
    same = result.live and _content(before.body) == _content(result.live.body)
    return "unchanged" if same else "configured"


def _content(body: Body) -> Body:
    """An object without what changes though nobody meant it to, and without what its controller says of it."""
    metadata = {
        k: v for k, v in body.get("metadata", {}).items() if k not in ("managedFields", "resourceVersion")
    }
    return {**{k: v for k, v in body.items() if k != "status"}, "metadata": metadata}


async def _prune(work: Work, journal: Journal) -> None:
    """Delete what earlier revisions installed and this one does not want; what is not ours any more stays."""
    for live in work.going:
        if word := _stays(live, work.wish):
            journal.tell(News(live.key, word))
            continue
        sure(await work.scene.site.delete(live), "delete")
        journal.tell(News(live.key, "deleted"))


def _stays(live: Live, wish: Wish) -> str:
    if ownership.keeps(live):
        return f"kept, as {ownership.POLICY} says"
    whose = _owner(live, wish)
    return f"left alone: {whose}" if whose else ""


async def _close(journal: Journal, past: History) -> None:
    """Record that it went well, and that what was deployed before is not any more."""
    await journal.note(replace(journal.record, beat=None))
    for old in past.records:
        if old.status == DEPLOYED or (old is past.newest and not past.deployed and old.status == FAILED):
            was = str(old.body.get("info", {}).get("description") or "")
            await write(old.told(SUPERSEDED, was), journal.scene)


@contextlib.asynccontextmanager
async def at_work(journal: Journal) -> AsyncIterator[None]:
    """Show every few seconds that somebody is at work on a revision."""
    scene, key = journal.scene, journal.record.key

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with contextlib.suppress(Unavailable):
                patch = {"metadata": {"annotations": {BEAT: time_of(scene.now())}}}
                await scene.site.patch(key, patch)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _rehearsed(work: Work, defined: Sequence[News]) -> Outcome:
    """What an install would do, by the API server's own dry runs; nothing is changed."""
    past, scene = work.past, work.scene
    record = begun(work.made.body, past.first_deployed, scene.now(), upgrade=past.upgrades)
    journal = Journal(record, scene, list(defined))
    for target in work.targets:
        journal.tell(News(target.key, await _would(target, work)))
    for live in work.going:
        journal.tell(News(live.key, _stays(live, work.wish) or "deleted"))
    return Outcome(record, past.upgrades, tuple(journal.news))


async def _would(target: Manifest, work: Work) -> str:
    live = work.live.get(target.key)
    if not live:
        return "created"
    result = await work.scene.site.apply(target, force=work.wish.force_conflicts, dry_run=True)
    return f"refused: {result.message}" if result.phase is Phase.FAILED else _word(live, result)
