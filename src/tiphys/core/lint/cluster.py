"""What can be said of a cluster by its Applications, its engines, and what its API server answers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tiphys.core.lint.applications import AppFacts, application_findings
from tiphys.core.lint.finding import Finding, Place
from tiphys.model.api import Application

SKEW = timedelta(seconds=5)
"""Clocks that differ by less do not matter: tokens and certificates are valid, and times in reports read right."""
SILENCE = timedelta(minutes=10)
"""The engine looks at everything each three minutes."""
DEFINITIONS = ("applications.argoproj.io", "appprojects.argoproj.io")
_SKIP = "argocd.argoproj.io/skip-reconcile"


@dataclass(frozen=True)
class Engine:
    """A workload that works on Applications."""

    name: str
    """``Kind namespace/name``."""
    ours: bool
    replicas: int
    account: str
    """Its service account, ``namespace:name``."""


@dataclass(frozen=True)
class ClusterFacts:
    """What was found out about a cluster."""

    namespace: str
    """The control plane's."""
    here: datetime
    there: datetime | None
    """This machine's and the API server's time, at the same moment; ``None`` if it did not say."""
    definitions: Collection[str]
    projects: Collection[str]
    applications: Sequence[Application] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Applications that cannot be read, and why."""
    engines: Sequence[Engine] = ()
    denied: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Kinds of objects (``apps/Deployment``) of which the engine may not do something, with the verbs."""


def cluster_findings(facts: ClusterFacts) -> Iterator[Finding]:
    """Everything that can be said of a cluster."""
    yield from _definitions(facts)
    yield from _clocks(facts)
    yield from _engines(facts)
    yield from _silence(facts)
    for name, why in facts.unreadable.items():
        yield Finding("application-invalid", Place(subject=name), why, "correct what the message names")
    for app in facts.applications:
        yield from application_findings(AppFacts(app, Place(subject=app.metadata.name)))
        yield from _project(app, facts)
        yield from _conditions(app)
    for kind, verbs in facts.denied.items():
        said = f"the engine's account may not {', '.join(verbs)} {kind}"
        yield Finding(
            "permission-missing", Place(subject=kind), said, "add a rule to its ClusterRole or Role"
        )


def _definitions(facts: ClusterFacts) -> Iterator[Finding]:
    for name in DEFINITIONS:
        if name not in facts.definitions:
            said = f"the cluster has no CustomResourceDefinition {name}"
            yield Finding("definition-missing", Place(subject=name), said, "install Tiphys, which brings it")


def _clocks(facts: ClusterFacts) -> Iterator[Finding]:
    skew = abs(facts.there - facts.here) if facts.there else timedelta()
    if facts.there and skew > SKEW:
        ahead = "ahead of" if facts.there > facts.here else "behind"
        said = f"the API server's clock is {skew.total_seconds():.0f} s {ahead} this machine's"
        yield Finding("clock-skew", Place(subject="clock"), said, "have both follow a time server (NTP)")


def _engines(facts: ClusterFacts) -> Iterator[Finding]:
    running = [engine for engine in facts.engines if engine.replicas]
    others = [engine for engine in running if not engine.ours]
    for engine in others if len(running) > len(others) else ():
        said = f"{engine.name} runs beside Tiphys, which stands by until that is gone"
        yield Finding(
            "other-engine",
            Place(subject=engine.name),
            said,
            "let one have them: `tiphys migrate argocd` hands over",
        )


def _silence(facts: ClusterFacts) -> Iterator[Finding]:
    followed = [app for app in facts.applications if app.metadata.annotations.get(_SKIP) != "true"]
    looks = [_moment(app.status.reconciled_at) for app in followed if app.status.reconciled_at]
    last = max(looks, default=None)
    now = facts.there or facts.here
    if followed and (last is None or now - last > SILENCE):
        when = f"since {last:%Y-%m-%d %H:%M:%SZ}" if last else "ever"
        said = f"nobody has looked at an Application of namespace {facts.namespace} {when}"
        yield Finding(
            "engine-silent",
            Place(subject=facts.namespace),
            said,
            "see whether the engine runs, and what its log says",
        )


def _project(app: Application, facts: ClusterFacts) -> Iterator[Finding]:
    name = app.spec.project or "default"
    if name not in facts.projects:
        said = f"it is of the project {name!r}, which there is not in namespace {facts.namespace}"
        yield Finding(
            "application-invalid",
            Place(subject=app.metadata.name),
            said,
            "create the AppProject, or use another",
        )


def _conditions(app: Application) -> Iterator[Finding]:
    for condition in app.status.conditions:
        yield Finding(
            "condition",
            Place(subject=app.metadata.name),
            f"{condition.type}: {condition.message}",
            f"see what {condition.type} means on the page docs/reference/conditions.md",
        )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
