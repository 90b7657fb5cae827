"""
A look at an application: what it should be, what it is, and where the two differ. Nothing is changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from tiphys.core.diff.autoscaling import AUTOSCALERS
from tiphys.core.diff.pairs import pair
from tiphys.core.health import assess, summarise
from tiphys.core.lint.words import odd_annotations, odd_finalizers, odd_options
from tiphys.core.projects import default_project, permits
from tiphys.core.projects.unsupported import unsupported as ignored_wishes
from tiphys.core.sources.tools import Tool, deferred, source_of
from tiphys.core.status.summary import Findings, code_of
from tiphys.core.sync.automated import Outlook
from tiphys.core.sync.options import effective, kept_by, wave_of
from tiphys.core.sync.plan import Wanted
from tiphys.core.targets.claim import Claim, Owner, claim
from tiphys.core.timeline.record import Sighting
from tiphys.model.api import Application, AppProject, ResourceResult, ResourceStatus
from tiphys.model.errors import InvalidSpec, Refused, SpecError
from tiphys.model.flow import Comparison, Health, HealthCode, Pair, SyncCode
from tiphys.model.objects import Catalog, Key, Kind, Live, annotations_of
from tiphys.model.rendering import Rendered
from tiphys.model.tracking import tracked_by
from tiphys.reconcile.comparing import annotations_of_pair, compared, forget, made_ready
from tiphys.reconcile.ignoring import WARNING, Ignoring
from tiphys.reconcile.recipes import Commit
from tiphys.reconcile.rendering import drawn
from tiphys.reconcile.system import system_settings
from tiphys.reconcile.tips import Followed, Reading
from tiphys.reconcile.together import together
from tiphys.reconcile.world import World

REFRESH = "argocd.argoproj.io/refresh"
APPLICATION = Kind("argoproj.io", "Application")
SHARED = "SharedResourceWarning"
_MOST_MISSPELT = 10
"""So many misspelt words are told at most: the rest can wait until these are mended."""
HERE = ("https://kubernetes.default.svc", "in-cluster")


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
    _expect_permitted_source(application, project)
    # Who makes an Application has just pushed what it is about, so a first look asks the remote too.
    first = not application.status.reconciled_at and world.tips.is_older(followed(application), seconds=1)
    reading = await _tip(application, world, revision, fresh=fresh or bool(refresh) or first)
    sha = revision or sha_of(reading)
    commit = Commit(source_of(application).repo_url, sha, project)
    detected = world.now() if reading is None or reading.since is None else reading.since
    # What is not rendered may lack anything, so it counts as reading everything.
    world.memory.reads.pop(world.name_of(application), None)
    seen = world.on_behalf_of(project_name(application))
    source = await drawn(application, commit, seen, anew=refresh == "hard")
    world.memory.reads[world.name_of(application)] = tuple(path for path, _ in source.recipe.reads)
    rendered = world.now()
    catalog = await world.cluster.catalog()
    owner = Owner(world.instance(world.name_of(application)), application.spec.destination.namespace)
    claimed = claim(source.rendered.objects, owner, catalog)
    _expect_permitted_targets(application, project, claimed, catalog)
    world.memory.owners.update({t.key: world.name_of(application) for t in claimed.targets})
    await world.cluster.watch(_kinds(claimed, application))
    pairs = pair(claimed.targets, await _live(claimed, world), world.cluster.tracked(owner.application))
    ignoring = Ignoring(application, world, await system_settings(world))
    ready, pins = await made_ready(pairs, ignoring)
    if refresh == "hard":
        forget(ready, world)
    comparisons = await together(compared(each, ignoring) for each in ready)
    return Look(
        application=application,
        revision=sha,
        tool=source.recipe.tool,
        claim=claimed,
        pairs=ready,
        ignoring=ignoring,
        comparisons={comparison.key: comparison for comparison in comparisons},
        # What manages itself would wait for itself, so its own health does not count, as in Argo CD.
        healths={p.key: assess(p.live) for p in ready if p.live and p.key != itself(application)},
        pins=pins,
        namespace_lives=await _namespace_lives(application, world),
        sighting=Sighting(sha, source.recipe.content(), source.recipe.paths(), detected, rendered),
        conditions=(
            *_conditions(application, claimed, source.rendered, reading),
            *_troubles_with_images(application, world),
            *((SHARED, sentence) for sentence in _shared(ready, owner.application)),
            *((WARNING, sentence) for sentence in ignoring.troubles),
            *(("NotBuiltYetWarning", wish) for wish in ignored_wishes(project)),
            *(
                ("ComparisonError", f"{c.key}: {c.message}")
                for c in comparisons
                if c.code is SyncCode.UNKNOWN
            ),
        ),
    )


async def health_now(application: Application, world: World) -> Health | None:
    """The health of the recorded objects, for when the targets are not known; ``None`` if nothing is recorded."""
    keys = inventory(application)
    if not keys:
        return None
    await world.cluster.watch({key.of for key in keys})
    live = await world.cluster.observe(keys)
    pairs = [Pair(key, None, live.get(key)) for key in keys]
    return _health_of(pairs, {key: assess(found) for key, found in live.items()})


def inventory(application: Application) -> tuple[Key, ...]:
    """The objects that are recorded as the application's: by its status, and by what its last sync was about."""
    state = application.status.operation_state
    touched = state.sync_result.resources if state and state.sync_result else ()
    recorded: list[ResourceStatus | ResourceResult] = [*application.status.resources, *touched]
    return tuple(dict.fromkeys(Key(r.group, r.kind, r.namespace, r.name) for r in recorded))


def itself(application: Application) -> Key:
    """The key of the Application's own object."""
    return Key(*APPLICATION, application.metadata.namespace, application.metadata.name)


def own_options(application: Application) -> tuple[str, ...]:
    """The sync options of the application's policy."""
    policy = application.spec.sync_policy
    return policy.sync_options if policy else ()


def followed(application: Application) -> Followed:
    """The revision that an application follows."""
    source = source_of(application)
    return Followed(source.repo_url, source.target_revision or "HEAD", project_name(application))


def project_name(application: Application) -> str:
    """The name of an application's project."""
    return application.spec.project or "default"


def project_of(application: Application, world: World) -> AppProject:
    """The project of an application, whose cluster is known. Raises ``InvalidSpec`` where there is none."""
    destination = application.spec.destination
    if destination.server and destination.name:
        raise InvalidSpec("spec.destination has both server and name: keep one of the two")
    if (destination.server or destination.name) not in HERE:
        raise InvalidSpec(
            f"spec.destination: the cluster {destination.server or destination.name!r} is not known: use "
            f"server: {HERE[0]} or name: {HERE[1]}; further clusters are not built yet"
        )
    name = project_name(application)
    project = world.applications.project(name)
    if project is None and name == "default":
        return default_project(world.namespace)
    if project is None:
        raise InvalidSpec(
            f"spec.project: there is no AppProject {name!r} in namespace {world.namespace}: create it or use default"
        )
    return project


def _expect_permitted_source(application: Application, project: AppProject) -> None:
    refusal = permits.source(project, source_of(application)) or permits.application(
        project, application.metadata.namespace
    )
    if refusal:
        raise Refused(refusal)


def _expect_permitted_targets(
    application: Application, project: AppProject, claimed: Claim, catalog: Catalog
) -> None:
    destination = application.spec.destination
    for target in claimed.targets:
        resource = catalog.resources.get(target.key.of)
        namespaced = resource.namespaced if resource else bool(target.key.namespace)
        refusal = permits.target(project, destination, target.key, namespaced=namespaced)
        if refusal:
            raise Refused(f"{target.key} ({target.file}): {refusal}")


async def _tip(application: Application, world: World, revision: str, *, fresh: bool) -> Reading | None:
    return None if revision else await world.tips.of(followed(application), fresh=fresh)


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


def _shared(pairs: Iterable[Pair], instance: str) -> Iterable[str]:
    """What is wanted here and marked as another application's: each sync of either takes it from the other."""
    for each in pairs:
        owner = tracked_by(each.live) if each.target and each.live else None
        if owner and owner.application != instance:
            names = " and ".join(name.replace("_", "/") for name in (instance, owner.application))
            yield f"{each.key} is part of applications {names}: let one of the two have it"


def _troubles_with_images(application: Application, world: World) -> Iterable[tuple[str, str]]:
    for said in world.memory.image_troubles.get(world.name_of(application), ()):
        yield "ImageWatchWarning", said


def _conditions(
    application: Application, claimed: Claim, rendered: Rendered, reading: Reading | None
) -> Iterable[tuple[str, str]]:
    """What a person should know although the comparison worked."""
    for key in claimed.repeated:
        yield "RepeatedResourceWarning", f"{key} is rendered more than once; the last one counts"
    if claimed.hooks:
        names = ", ".join(str(key) for key in claimed.hooks)
        yield "HooksNotRunWarning", f"hooks are not built yet, so these objects are not applied: {names}"
    for wish in deferred(application):
        yield "NotBuiltYetWarning", wish
    for sentence in islice(_misspelt(application, claimed), _MOST_MISSPELT):
        yield "MisspeltWarning", sentence
    if rendered.nondeterministic:
        words = ", ".join(rendered.nondeterministic)
        yield (
            "NondeterministicRenderWarning",
            f"templates use {words}, whose answer differs from render to render",
        )
    if reading and reading.error:
        yield (
            "RepositoryWarning",
            f"the newest commit is not known since {reading.at:%H:%M:%SZ}: {reading.error}",
        )


def _misspelt(application: Application, claimed: Claim) -> Iterable[str]:
    """Words that nobody knows, of the Application and of what it renders."""
    yield from odd_finalizers(application.metadata.finalizers)
    for sentence in odd_options(own_options(application)):
        yield f"spec.syncPolicy.syncOptions: {sentence}"
    yield from odd_annotations(application.metadata.annotations)
    for target in claimed.targets:
        for sentence in odd_annotations(annotations_of(target.body)):
            yield f"{target.key} ({target.file}): {sentence}"


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
