"""
The story of an examination: a checkout of a charts repository, read and rendered as the engine would, and what is
wrong with it.

Nothing is applied and no cluster is asked. What cannot be rendered is a finding, and the rest is examined all the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import orjson
from msgspec.structs import replace

from tiphys.core.diff.autoscaling import scaled_workloads
from tiphys.core.diff.ignore import rules_for
from tiphys.core.diff.pointers import ABSENT, value_at
from tiphys.core.images.watched import watching
from tiphys.core.lint.applications import WAVE, AppFacts, Seen, application_findings, duplicates
from tiphys.core.lint.charts import ChartFacts, Dependency, chart_findings
from tiphys.core.lint.finding import Finding, Place
from tiphys.core.sources.charts import dependencies, is_exact
from tiphys.core.sources.paths import joined
from tiphys.core.targets.claim import placed
from tiphys.model.api import (
    Application,
    ApplicationSource,
    ApplicationSpec,
    Destination,
    IgnoreDifference,
    ObjectMeta,
    decode_application,
)
from tiphys.model.errors import InvalidSpec, Refused, SpecError, TiphysError, Unavailable
from tiphys.model.objects import Body, Key, group_of
from tiphys.model.pods import images_of
from tiphys.model.rendering import Rendered, RenderedObject
from tiphys.reconcile.ports import Workshop
from tiphys.reconcile.recipes import Commit
from tiphys.reconcile.rendering import drawn

_ANY = "/any"


@dataclass(frozen=True)
class Examined:
    """What an examination looked at, and what it found."""

    charts: int
    applications: int
    findings: Sequence[Finding]
    images: Collection[tuple[str, Place]] = ()
    """Every image that would run, and one place that names it."""


@dataclass(frozen=True)
class _Chart:
    """A chart of the checkout, and what it renders by its own values."""

    folder: str
    library: bool
    findings: Sequence[Finding]
    objects: Sequence[RenderedObject] = ()
    trouble: TiphysError | None = None


@dataclass(frozen=True)
class _Ground:
    """What is examined, and what it takes to read and render it."""

    commit: Commit
    workshop: Workshop
    files: Collection[str]
    """All files, from the root."""

    async def text(self, path: str) -> str:
        """A file's text."""
        content = await self.workshop.repositories.read(self.commit.repo, self.commit.sha, path)
        return content.decode("utf-8", "replace")

    async def documents(self, path: str, text: str) -> Sequence[Body]:
        """The YAML documents of a file."""
        return [body for body in await self.workshop.renderer.decode_text(text, path) if body]

    async def drawn(self, app: Application) -> Rendered:
        """An Application's render, each object with the file that its template is in the checkout."""
        found = (await drawn(app, self.commit, self.workshop)).rendered
        objects = (
            RenderedObject(source_file(o.file, _folder(app), self.files), o.body) for o in found.objects
        )
        return Rendered(tuple(objects), found.uses_capabilities, found.nondeterministic)


@dataclass(frozen=True)
class _Named:
    """The Applications that were found, and what cannot be read of them."""

    apps: list[tuple[Application, Place]] = field(default_factory=list)
    troubles: list[Finding] = field(default_factory=list)

    def add(self, objects: Sequence[RenderedObject]) -> Self:
        """Take in those that are among objects."""
        for each in objects:
            if _is_application(each.body):
                try:
                    app = decode_application(orjson.dumps(each.body))
                except SpecError as error:
                    self.troubles.append(_failed(InvalidSpec(str(error)), Place(each.file)))
                else:
                    self.apps.append((app, Place(each.file, 0, app.metadata.name)))
        return self


async def examine(commit: Commit, workshop: Workshop) -> Examined:
    """Look at every chart and every Application that the commit has."""
    files = await workshop.repositories.files(commit.repo, commit.sha, "")
    ground = _Ground(commit, workshop, frozenset(files))
    charts = [await _chart(folder, ground) for folder in chart_folders(files)]
    named = _Named()
    for chart in charts:
        named.add(chart.objects)
    await _add_written(named, ground)
    here = {chart.folder for chart in charts}
    facts = [await _facts(app, place, ground) for app, place in named.apps if _is_here(app, files)]
    pointed = {_folder(each.application) for each, _ in facts}
    found = [*named.troubles, *(finding for chart in charts for finding in chart.findings)]
    found += [finding for _, findings in facts for finding in findings]
    found += [f for chart in charts if chart.folder not in pointed for f in _alone(chart)]
    known = [each for each, _ in facts]
    found += [finding for each in known for finding in application_findings(each)]
    found += duplicates(known)
    return Examined(len(here), len(named.apps), found, _images(known))


def chart_folders(files: Collection[str]) -> Sequence[str]:
    """The folders of charts, without those that lie in another chart's ``charts/``."""
    folders = sorted(name.removesuffix("Chart.yaml").rstrip("/") for name in files if _is_chart_file(name))
    return [
        each
        for each in folders
        if not any(each.startswith(joined(o, "charts/")) for o in folders if o != each)
    ]


def source_file(file: str, folder: str, files: Collection[str]) -> str:
    """
    The file of the checkout that Helm names by a chart's name (``homepage/charts/_common/templates/x.yaml``).

    The chart's own Chart.yaml, where the template lies in no folder of the checkout.
    """
    below = joined(folder, file.partition("/")[2])
    _, _, library = file.rpartition("/charts/")
    shared = [name for name in files if library and name.endswith(f"/{library}")]
    return next((name for name in (file, below, *shared) if name in files), joined(folder, "Chart.yaml"))


def _is_chart_file(name: str) -> bool:
    return name == "Chart.yaml" or name.endswith("/Chart.yaml")


async def _chart(folder: str, ground: _Ground) -> _Chart:
    """A chart as it is by itself."""
    where = joined(folder, "Chart.yaml")
    try:
        text = await ground.text(where)
        body, *_ = [*await ground.documents(where, text), {}]
        listed = [
            Dependency(d.name, d.version, d.repository, is_exact(d.version))
            for d in dependencies(body, where)
        ]
    except TiphysError as error:
        return _Chart(folder, library=False, findings=(), trouble=error)
    findings = tuple(
        chart_findings(ChartFacts(folder, text, listed, joined(folder, "Chart.lock") in ground.files))
    )
    if body.get("type") == "library":
        return _Chart(folder, library=True, findings=findings)
    try:
        found = await ground.drawn(_around(folder))
    except TiphysError as error:
        return _Chart(folder, library=False, findings=findings, trouble=error)
    return _Chart(folder, library=False, findings=findings, objects=found.objects)


def _around(folder: str) -> Application:
    """An Application around a chart that none names, in the namespace in which roots are installed."""
    source = ApplicationSource(repo_url="file:///checkout", path=folder)
    spec = ApplicationSpec(project="default", destination=Destination(namespace="argocd"), source=source)
    return Application(metadata=ObjectMeta(name=folder.rpartition("/")[2] or "chart"), spec=spec)


def _alone(chart: _Chart) -> Sequence[Finding]:
    """What is found of a chart that no Application names: whoever installs it, it is not the engine."""
    if chart.trouble:
        return [_failed(chart.trouble, Place(joined(chart.folder, "Chart.yaml"), 0, chart.folder))]
    return [
        Finding(
            "wave-without-effect",
            place,
            f"{app.metadata.name} has a sync wave, but no Application renders it: whoever installs "
            f"{chart.folder or 'this chart'} applies all at once",
            "remove the wave, or let an Application have this chart",
        )
        for app, place in _Named().add(chart.objects).apps
        if WAVE in app.metadata.annotations
    ]


def _is_application(body: Body) -> bool:
    version = body.get("apiVersion")
    return body.get("kind") == "Application" and group_of(str(version)) == "argoproj.io"


async def _add_written(named: _Named, ground: _Ground) -> None:
    """Add the Applications in files that are no templates of charts."""
    charts = tuple(f"{folder}/" if folder else "" for folder in chart_folders(ground.files))
    for name in sorted(ground.files):
        if name.endswith((".yaml", ".yml")) and not name.startswith(charts):
            text = await ground.text(name)
            if "argoproj.io" in text:
                try:
                    named.add([RenderedObject(name, body) for body in await ground.documents(name, text)])
                except SpecError as error:
                    named.troubles.append(_failed(error, Place(name)))


def _folder(app: Application) -> str:
    return (app.spec.source.path if app.spec.source else "").strip("/").removeprefix("./")


def _is_here(app: Application, files: Collection[str]) -> bool:
    """Whether an Application's source can be the checkout: it has such a folder."""
    folder = _folder(app)
    return bool(app.spec.source and not app.spec.source.chart) and (
        folder in ("", ".") or any(name.startswith(f"{folder}/") for name in files)
    )


async def _facts(app: Application, place: Place, ground: _Ground) -> tuple[AppFacts, Sequence[Finding]]:
    """What is known of an Application once it is rendered, and why it could not be."""
    try:
        found = await ground.drawn(app)
        seen = await _seen(app, found, ground)
    except TiphysError as error:
        return AppFacts(app, place), [_failed(error, place)]
    idle = [
        rule for rule in app.spec.ignore_differences if not any(_concerns(rule, each.key) for each in seen)
    ]
    return AppFacts(
        application=app,
        place=place,
        objects=seen,
        scaled=scaled_workloads(each.body for each in seen),
        nondeterministic=found.nondeterministic,
        watch_problems=watching(app.metadata.annotations).problems,
        idle_rules=[f"{rule.group or 'core'}/{rule.kind} {rule.name or '*'}" for rule in idle],
    ), ()


async def _seen(app: Application, found: Rendered, ground: _Ground) -> Sequence[Seen]:
    catalog = await ground.workshop.cluster.catalog()
    rules = app.spec.ignore_differences
    return [
        Seen(
            each.key,
            each.body,
            each.file,
            [f for f in rules_for(each.key, rules).pointers if _names(each.body, f)],
        )
        for each in placed(found.objects, app.spec.destination.namespace, catalog)
    ]


def _names(body: Body, field: tuple[str, ...]) -> bool:
    return value_at(body, field) is not ABSENT


def _concerns(rule: IgnoreDifference, key: Key) -> bool:
    """Whether a rule is about an object, whatever fields it names."""
    return bool(rules_for(key, [replace(rule, json_pointers=[_ANY])]))


def _failed(error: TiphysError, place: Place) -> Finding:
    if isinstance(error, Unavailable):
        return Finding(
            "repository-unreachable", place, str(error), "see that the address is right and answers"
        )
    rule = "application-invalid" if isinstance(error, Refused | InvalidSpec) else "render-fails"
    return Finding(rule, place, str(error), "correct what the message names")


def _images(known: Sequence[AppFacts]) -> Collection[tuple[str, Place]]:
    found: Mapping[str, Place] = {
        image: Place(each.file, 0, facts.name)
        for facts in known
        for each in facts.objects
        for image in images_of(each.body)
    }
    return list(found.items())
