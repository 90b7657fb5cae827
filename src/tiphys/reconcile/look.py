"""
A look at an application: what it should be, what it is, and where the two differ. Nothing is changed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tiphys.core.diff.autoscaling import AUTOSCALERS
from tiphys.core.diff.pairs import pair
from tiphys.core.health import assess, summarise
from tiphys.core.sources.tools import Tool, source_of
from tiphys.core.status.summary import Findings, code_of
from tiphys.core.sync.automated import Outlook
from tiphys.core.sync.options import effective, kept_by, wave_of
from tiphys.core.sync.plan import Wanted
from tiphys.core.targets.claim import Claim, Owner, claim
from tiphys.core.timeline.record import Sighting
from tiphys.model.api import Application, AppProject
from tiphys.model.errors import SpecError
from tiphys.model.flow import Comparison, Health, HealthCode, Pair, SyncCode
from tiphys.model.objects import Key, Kind, Live
from tiphys.model.rendering import Rendered
from tiphys.reconcile.application import (
    APPLICATION,
    REFRESH,
    followed,
    inventory,
    itself,
    own_options,
    project_name,
)
from tiphys.reconcile.comparing import annotations_of_pair, compared, forget, made_ready
from tiphys.reconcile.ignoring import Ignoring
from tiphys.reconcile.permitted import expect_permitted_source, expect_permitted_targets, project_of
from tiphys.reconcile.recipes import Commit
from tiphys.reconcile.rendering import Drawn, drawn
from tiphys.reconcile.system import system_settings
from tiphys.reconcile.telling import Seen, told_by, told_of
from tiphys.reconcile.tips import Reading
from tiphys.reconcile.together import together
from tiphys.reconcile.world import World


@dataclass(frozen=True)
class Look:
    """What a look found: every object as a pair, compared and assessed."""

    application: Application
    revision: str
    tool: Tool
    claim: Claim
    pairs: tuple[Pair, ...]
    """With the targets as an apply would send them."""
    ignoring: Ignoring
    """What does not count when they are compared."""
    comparisons: Mapping[Key, Comparison]
    healths: Mapping[Key, Health | None]
    pins: Mapping[Key, str]
    namespace_lives: bool
    sighting: Sighting
    conditions: tuple[tuple[str, str], ...] = ()

    @property
    def outlook(self) -> Outlook:
        """As far as the decision about a sync needs it."""
        drifted = tuple(
            c.key
            for c in self.comparisons.values()
            if c.code is SyncCode.OUT_OF_SYNC and not c.requires_pruning
        )
        extras = sum(self._is_to_go(each) for each in self.pairs)
        return Outlook(
            code_of(self.comparisons.values()), self.revision, drifted, extras, len(self.claim.targets)
        )

    def _is_to_go(self, each: Pair) -> bool:
        """Whether a sync with prune would delete an object; one that is on its way out needs no further."""
        if not self.comparisons[each.key].requires_pruning or (each.live and each.live.deleting):
            return False
        return not kept_by(effective(own_options(self.application), annotations_of_pair(each)))

    @property
    def wanted(self) -> Wanted:
        """As far as a sync's plan needs it."""
        namespace = self.application.spec.destination.namespace
        return Wanted(self.pairs, self.comparisons, self.pins, namespace, self.namespace_lives)

    @property
    def findings(self) -> Findings:
        """As far as the status needs it."""
        return Findings(
            revision=self.revision,
            source_type=self.tool,
            pairs=self.pairs,
            comparisons=self.comparisons,
            healths=self.healths,
            # What awaits pruning says nothing of how the application does.
            health=_health_of([p for p in self.pairs if p.target], self.healths),
            waves={p.key: wave_of(annotations_of_pair(p)) for p in self.pairs},
            conditions=self.conditions,
        )


async def look_at(application: Application, world: World, revision: str = "", *, fresh: bool = False) -> Look:
    """
    Look at an application, at a commit or else at the newest one of its target revision.

    The remote is asked which one that is if that must be ``fresh``, or a refresh was asked for.
    """
    refresh = application.metadata.annotations.get(REFRESH)
    project = project_of(application, world)
    expect_permitted_source(application, project)
    reading = None if revision else await _tip(application, world, fresh=fresh or bool(refresh))
    commit = Commit(source_of(application).repo_url, revision or sha_of(reading), project)
    drawing, sighting = await _drawn(application, commit, reading, world)
    claimed = await _claimed(application, project, drawing.rendered, world)
    owner = world.instance(world.name_of(application))
    pairs = pair(claimed.targets, await _live(claimed, world), world.cluster.tracked(owner))
    ignoring = Ignoring(application, world, await system_settings(world))
    ready, pins = await made_ready(pairs, ignoring)
    if refresh == "hard":
        forget(ready, world)
    comparisons = await together(compared(each, ignoring) for each in ready)
    seen = Seen(application, project, reading, drawing.rendered, claimed)
    return Look(
        application=application,
        revision=commit.sha,
        tool=drawing.recipe.tool,
        claim=claimed,
        pairs=ready,
        ignoring=ignoring,
        comparisons={comparison.key: comparison for comparison in comparisons},
        # What manages itself would wait for itself, so its own health does not count, as in Argo CD.
        healths={p.key: assess(p.live) for p in ready if p.live and p.key != itself(application)},
        pins=pins,
        namespace_lives=await _namespace_lives(application, world),
        sighting=sighting,
        conditions=(*told_by(seen), *told_of(ready, ignoring, world), *_not_compared(comparisons)),
    )


async def _tip(application: Application, world: World, *, fresh: bool) -> Reading:
    """Where the target revision points to."""
    # Who makes an Application has just pushed what it is about, so a first look asks the remote too.
    first = not application.status.reconciled_at and world.tips.is_older(followed(application), seconds=1)
    return await world.tips.of(followed(application), fresh=fresh or first)


async def _drawn(
    application: Application, commit: Commit, reading: Reading | None, world: World
) -> tuple[Drawn, Sighting]:
    """The application's render at a commit, and since when it could be had."""
    name = world.name_of(application)
    detected = world.now() if reading is None or reading.since is None else reading.since
    # What is not rendered may lack anything, so it counts as reading everything.
    world.memory.reads.pop(name, None)
    anew = application.metadata.annotations.get(REFRESH) == "hard"
    found = await drawn(application, commit, world.on_behalf_of(project_name(application)), anew=anew)
    world.memory.reads[name] = tuple(path for path, _ in found.recipe.reads)
    content, paths = found.recipe.content(), found.recipe.paths()
    return found, Sighting(commit.sha, content, paths, detected, world.now())


async def _claimed(application: Application, project: AppProject, rendered: Rendered, world: World) -> Claim:
    """The targets, permitted and followed from now on."""
    catalog = await world.cluster.catalog()
    name = world.name_of(application)
    owner = Owner(world.instance(name), application.spec.destination.namespace)
    claimed = claim(rendered.objects, owner, catalog)
    expect_permitted_targets(application, project, claimed, catalog)
    world.memory.owners.update({target.key: name for target in claimed.targets})
    await world.cluster.watch(_kinds(claimed, application))
    return claimed


def _not_compared(comparisons: Iterable[Comparison]) -> Iterator[tuple[str, str]]:
    for each in comparisons:
        if each.code is SyncCode.UNKNOWN:
            yield "ComparisonError", f"{each.key}: {each.message}"


async def health_now(application: Application, world: World) -> Health | None:
    """The health of the recorded objects, for when the targets are not known; ``None`` if nothing is recorded."""
    keys = inventory(application)
    if not keys:
        return None
    await world.cluster.watch({key.of for key in keys})
    live = await world.cluster.observe(keys)
    pairs = [Pair(key, None, live.get(key)) for key in keys]
    return _health_of(pairs, {key: assess(found) for key, found in live.items()})


def sha_of(reading: Reading | None) -> str:
    """The commit of a reading; raises why there is none."""
    if reading and reading.tip:
        return reading.tip.sha
    raise (reading and reading.error) or SpecError("the revision could not be resolved")


def _kinds(claimed: Claim, application: Application) -> set[Kind]:
    """What has to be followed: what is wanted, what is recorded, and who may scale it."""
    return {t.key.of for t in claimed.targets} | {k.of for k in inventory(application)} | set(AUTOSCALERS)


async def _live(claimed: Claim, world: World) -> Mapping[Key, Live]:
    return await world.cluster.observe([target.key for target in claimed.targets])


async def _namespace_lives(application: Application, world: World) -> bool:
    namespace = application.spec.destination.namespace
    sync = application.operation.sync if application.operation else None
    words = effective((*own_options(application), *(sync.sync_options if sync else ())), {})
    if not namespace or "CreateNamespace=true" not in words:
        return True
    key = Key("", "Namespace", "", namespace)
    return key in await world.cluster.observe([key])


def _health_of(pairs: Sequence[Pair], healths: Mapping[Key, Health | None]) -> Health:
    """The health of the whole."""
    missing = [p for p in pairs if p.live is None]
    counted = [p for p in pairs if not _is_unknown_child(p, healths)]
    return summarise(
        [
            healths.get(p.key) if p.live else Health(HealthCode.MISSING, f"{p.key} is missing")
            for p in counted
        ],
        all_missing=bool(pairs) and len(missing) == len(pairs),
    )


def _is_unknown_child(each: Pair, healths: Mapping[Key, Health | None]) -> bool:
    """As in Argo CD, a child application of unknown health does not make its parent's unknown."""
    health = healths.get(each.key)
    return each.key.of == APPLICATION and health is not None and health.code is HealthCode.UNKNOWN
