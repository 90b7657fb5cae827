"""
What a migration would do, and what each application may expect of it: found by our own look at it, beside what Argo CD
last said.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tiphys.core.migration.controllers import Controller, Role
from tiphys.core.migration.settings import unfollowed
from tiphys.model.api import Application
from tiphys.model.flow import Comparison, SyncCode
from tiphys.model.objects import AppName, Body, Key, part
from tiphys.model.tracking import TIMELINE

_RUNNING = ("Running", "Terminating")
_MOST = 3


class Verdict(StrEnum):
    """What becomes of an application."""

    SAME = "as it is"
    MARKED = "marked anew"
    """Labels and annotations of objects change, and nothing else."""
    BEHIND = "to be synced, as before"
    CHANGED = "would change"
    LEFT = "cannot be taken over"
    UNKNOWN = "could not be looked at"


@dataclass(frozen=True)
class Glance:
    """What our own look at an application found, at the commit that Argo CD last compared."""

    comparisons: Collection[Comparison] = ()
    warnings: Sequence[str] = ()
    wrong: str = ""
    """Why our engine cannot have it."""
    silent: str = ""
    """Why nobody here can tell: something outside did not answer."""


@dataclass(frozen=True)
class Prospect:
    """What one application may expect."""

    name: AppName
    sync: str
    health: str
    verdict: Verdict
    why: Sequence[str] = ()
    blocks: bool = False
    """Whether nothing is done because of it, unless that is insisted on."""


@dataclass(frozen=True)
class Situation:
    """What was found in the cluster."""

    controllers: Sequence[Controller]
    applications: Sequence[Application] = ()
    glances: Mapping[AppName, Glance] = field(default_factory=dict)
    unreadable: Mapping[AppName, str] = field(default_factory=dict)
    """Applications that do not have the shape of one, and what is wrong."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """``argocd-cm``."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """``argocd-cmd-params-cm``."""
    sets: Sequence[Body] = ()
    """The ApplicationSets."""
    private: Mapping[AppName, str] = field(default_factory=dict)
    """Whose repository has credentials in a Secret that cannot be used, and why."""

    @property
    def version(self) -> str:
        """Argo CD's."""
        return next((each.version for each in self.controllers if each.role is Role.APPLICATIONS), "")


@dataclass(frozen=True)
class Step:
    """What becomes of a workload."""

    controller: Controller
    replicas: int
    """How many it is to have."""
    why: str = ""


@dataclass(frozen=True)
class Plan:
    """What would be done, and what speaks against it."""

    version: str
    steps: Sequence[Step]
    prospects: Sequence[Prospect] = ()
    blockers: Sequence[str] = ()
    warnings: Sequence[str] = ()

    @property
    def refused(self) -> bool:
        """Whether it is to be done only if that is insisted on."""
        return bool(self.blockers) or any(each.blocks for each in self.prospects)


def takeover(found: Situation) -> Plan:
    """How the Applications come from Argo CD to us."""
    prospects = [_prospect(app, found) for app in found.applications]
    prospects += [
        Prospect(name, "", "", Verdict.LEFT, [why], blocks=True) for name, why in found.unreadable.items()
    ]
    return Plan(
        found.version,
        [_giving(each, found) for each in found.controllers],
        sorted(prospects, key=lambda each: each.name),
        [*_under_way(found.applications), *_of_itself(found)],
        [*unfollowed(found.settings, found.parameters, found.version), *_sets(found), *_secrets(found)],
    )


def handback(found: Situation) -> Plan:
    """How they go back."""
    steps = [_returning(each) for each in found.controllers]
    prospects = [_returned(app) for app in found.applications]
    return Plan(found.version, steps, prospects, [*_forgotten(steps), *_under_way(found.applications)])


def taken_over(controllers: Iterable[Controller]) -> bool:
    """Whether an application controller of Argo CD stepped back for us."""
    return any(each.role is Role.APPLICATIONS and each.before is not None for each in controllers)


def _giving(each: Controller, found: Situation) -> Step:
    match each.role:
        case Role.APPLICATIONS:
            return Step(each, 0)
        case Role.GENERATOR if fighting(found.sets):
            return Step(each, 0, "it would take away what Tiphys notes on the Applications it made")
        case Role.GENERATOR:
            kept = f"its ApplicationSets keep {TIMELINE}" if found.sets else "there is no ApplicationSet"
            return Step(each, each.replicas, kept)
    return Step(each, each.replicas or each.before or 0, "stands by until then" if each.replicas else "")


def _returning(each: Controller) -> Step:
    if each.role is Role.ENGINE:
        return Step(each, 0)
    return Step(each, each.replicas or each.before or 0)


def _forgotten(steps: Iterable[Step]) -> Iterator[str]:
    for each in (step.controller for step in steps if not step.replicas):
        if each.role is Role.APPLICATIONS:
            yield (
                f"{each} has 0 replicas and no note of how many it had: scale it yourself, "
                f"`kubectl -n {each.key.namespace} scale {each.key.kind.lower()} {each.key.name} --replicas 1`"
            )


def fighting(sets: Collection[Body]) -> bool:
    """
    Whether ApplicationSets and our engine would undo each other's work.

    Their controller removes every annotation of its Applications that its template does not have, unless
    ``spec.preservedFields.annotations`` names it, and a progressive sync of theirs starts syncs.
    """
    return any(
        TIMELINE not in (part(each, "spec", "preservedFields").get("annotations") or ())
        or part(each, "spec", "strategy").get("type") == "RollingSync"
        for each in sets
    )


def _prospect(app: Application, found: Situation) -> Prospect:
    name = AppName(app.metadata.namespace, app.metadata.name)
    glance = found.glances.get(name, Glance())
    verdict, why = _judged(app, glance)
    automated = app.spec.sync_policy is not None and app.spec.sync_policy.automated is not None
    status = app.status
    # What Argo CD could not compare either is none the worse for it.
    lost = verdict in (Verdict.LEFT, Verdict.UNKNOWN) and status.sync.status != SyncCode.UNKNOWN
    blocks = lost or (verdict is Verdict.CHANGED and automated)
    said = [*why, *glance.warnings]
    return Prospect(name, status.sync.status, status.health.status, verdict, said, blocks)


def _returned(app: Application) -> Prospect:
    status, name = app.status, AppName(app.metadata.namespace, app.metadata.name)
    verdict = Verdict.SAME if status.sync.status == SyncCode.SYNCED else Verdict.BEHIND
    return Prospect(name, status.sync.status, status.health.status, verdict)


def _judged(app: Application, glance: Glance) -> tuple[Verdict, Sequence[str]]:
    if glance.wrong:
        return Verdict.LEFT, [glance.wrong]
    if glance.silent:
        return Verdict.UNKNOWN, [glance.silent]
    out = [c for c in glance.comparisons if c.code is SyncCode.OUT_OF_SYNC]
    vague = [f"{c.key}: {c.message}" for c in glance.comparisons if c.code is SyncCode.UNKNOWN]
    if vague:
        return Verdict.UNKNOWN, _some(vague)
    if not out:
        return Verdict.SAME, []
    if app.status.sync.status != SyncCode.SYNCED:
        return Verdict.BEHIND, []
    told = _some([_told(c) for c in out])
    return (Verdict.MARKED, told) if all(map(_only_marks, out)) else (Verdict.CHANGED, told)


def _only_marks(comparison: Comparison) -> bool:
    """Whether a sync would change nothing that any controller acts on."""
    paths = [each.path for each in comparison.differences]
    return bool(paths) and all(
        path.startswith(("/metadata/annotations", "/metadata/labels")) for path in paths
    )


def _told(comparison: Comparison) -> str:
    if comparison.requires_pruning:
        return f"{comparison.key} would be pruned"
    if paths := [each.path for each in comparison.differences]:
        return f"{comparison.key}: {', '.join(_some(paths))}"
    return f"{comparison.key} {comparison.message or 'would be created'}"


def _some(told: Sequence[str]) -> list[str]:
    """The first few, and how many there are besides."""
    rest = [f"and {len(told) - _MOST} more"] if len(told) > _MOST else []
    return [*told[:_MOST], *rest]


def _under_way(applications: Iterable[Application]) -> Iterator[str]:
    """Who hands over in the middle of a sync leaves it to the other to find out how far it came."""
    for app in applications:
        state = app.status.operation_state
        if app.operation or (state and state.phase in _RUNNING):
            yield f"{app.metadata.name} is being synced: wait for its end (`tiphys app wait {app.metadata.name}`)"


def _of_itself(found: Situation) -> Iterator[str]:
    """Applications that hold Argo CD's own controller would start it again."""
    theirs = {each.key for each in found.controllers if each.role is Role.APPLICATIONS}
    for app in found.applications:
        held = {Key(r.group, r.kind, r.namespace, r.name) for r in app.status.resources}
        if theirs & held and not _leaves_replicas(app):
            yield (
                f"{app.metadata.name} holds Argo CD's own controller, and a sync would start it again: have Git say "
                "replicas: 0, or let the Application leave /spec/replicas alone (ignoreDifferences and "
                "RespectIgnoreDifferences=true)"
            )


def _leaves_replicas(app: Application) -> bool:
    policy = app.spec.sync_policy
    respected = "RespectIgnoreDifferences=true" in (policy.sync_options if policy else ())
    return respected and any("/spec/replicas" in rule.json_pointers for rule in app.spec.ignore_differences)


def _sets(found: Situation) -> Iterator[str]:
    if fighting(found.sets):
        yield (
            f"{len(found.sets)} ApplicationSets: their Applications are taken over as they are, and none is made or "
            "changed meanwhile. To have their controller go on, add to each ApplicationSet spec.preservedFields: "
            f"{{annotations: [{TIMELINE}]}}, without a RollingSync"
        )


def _secrets(found: Situation) -> Iterator[str]:
    for name, problem in sorted(found.private.items()):
        yield f"{name.name}: its repository cannot be fetched from: {problem}"
