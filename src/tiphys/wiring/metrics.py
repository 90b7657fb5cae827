"""
Metrics: what is counted while the engine works, and what is read from it when somebody asks.

Names and labels are Argo CD's where it has such a figure; ours begin with ``tiphys_``. Only what cannot be found out
afterwards is counted; the rest is made at the time of a scrape, so that it costs nothing between two.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, GCCollector, Histogram, ProcessCollector
from prometheus_client import Counter as Counted
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.registry import Collector

from tiphys.model.addresses import shown
from tiphys.model.api import Application, OperationState
from tiphys.model.errors import SpecError
from tiphys.model.objects import AppName, Body
from tiphys.model.rendering import ChartRender, Rendered, RenderedObject
from tiphys.reconcile.ports import Renderer
from tiphys.reconcile.world import World
from tiphys.wiring.lead_times import LeadTimes

_SYNC = ("name", "namespace", "project", "dest_server", "phase", "dry_run")
_INFO = (
    *("name", "namespace", "project", "repo", "dest_server", "dest_namespace"),
    *("sync_status", "health_status", "operation", "autosync_enabled"),
)
_CONDITION = ("name", "namespace", "condition")
Story = Callable[[AppName], Awaitable[datetime | None]]


@dataclass(eq=False)
class Metrics:
    """The figures of one engine."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    """Further figures are registered here."""
    syncs: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """How many operations ended, by the values of the labels."""

    def __post_init__(self) -> None:
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._reconcile = Histogram(
            "argocd_app_reconcile",
            "Seconds that one look at an application took, with all that it led to.",
            ("namespace", "dest_server"),
            buckets=(0.25, 0.5, 1, 2, 4, 8, 16),
            registry=self.registry,
        )
        self.render = Histogram(
            "tiphys_render_seconds",
            "Seconds that the engines needed for a render that was not known yet.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 90),
            registry=self.registry,
        )

        self._webhooks = Counted(
            "tiphys_webhooks",
            "Requests to the webhook's address.",
            ("sender", "code"),
            registry=self.registry,
        )

    def webhook(self, sender: str, code: int) -> None:
        """A request to the webhook's address was answered."""
        self._webhooks.labels(sender, code).inc()

    def watching(self, world: World) -> World:
        """The same world, of which figures are kept from now on."""
        self.registry.register(_Scrape(world, self))
        meter, renderer = LeadTimes(self.registry), _Timed(world.renderer, self.render)
        return replace(world, witness=self, meter=meter, renderer=renderer)

    def timed(self, story: Story, world: World) -> Story:
        """The same story, which tells how long it took."""

        async def told(name: AppName) -> datetime | None:
            began = time.monotonic()
            try:
                return await story(name)
            finally:
                labels = (name.namespace, _server(_read(world, name)))
                self._reconcile.labels(*labels).observe(time.monotonic() - began)

        return told

    def ended(self, application: Application, state: OperationState) -> None:
        """An operation ended."""
        metadata, spec, sync = application.metadata, application.spec, state.operation.sync
        dry = "true" if sync and sync.dry_run else "false"
        of = (metadata.name, metadata.namespace, spec.project or "default", _server(application))
        self.syncs[(*of, state.phase, dry)] += 1

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All of it, in a form that the ``Accept`` header takes, and the form's content type."""
        # Only that word counts: the rest of the header is a stranger's, and no name of ours needs an escape.
        if OPENMETRICS.partition(";")[0] in accept:
            return openmetrics(self.registry), OPENMETRICS  # type: ignore[no-untyped-call]
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4


@dataclass(frozen=True, eq=False)
class _Scrape(Collector):
    """What is read from the engine at the time of a scrape."""

    world: World
    metrics: Metrics

    def describe(self) -> Iterable[Metric]:
        """Nothing: what is there is known when it is collected."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Applications as their status tells, syncs of those that still are, and when repositories answered."""
        names = self.world.applications.names()
        found = [each for each in (_read(self.world, name) for name in names) if each]
        info = GaugeMetricFamily("argocd_app_info", "How an application is; always 1.", labels=_INFO)
        conditions = GaugeMetricFamily(
            "argocd_app_condition", "How many conditions of a type an application has.", labels=_CONDITION
        )
        for application in found:
            info.add_metric(_info(application), 1)
            metadata, kinds = application.metadata, Counter(c.type for c in application.status.conditions)
            for kind, count in kinds.items():
                conditions.add_metric((metadata.name, metadata.namespace, kind), count)
        return info, conditions, self._syncs({(n.name, n.namespace) for n in names}), self._answers()

    def _syncs(self, known: set[tuple[str, str]]) -> Metric:
        """Those of applications that are no more are forgotten, so that names that come and go do not add up."""
        syncs = CounterMetricFamily("argocd_app_sync", "How many operations ended.", labels=_SYNC)
        for labels in [each for each in self.metrics.syncs if each[:2] not in known]:
            del self.metrics.syncs[labels]
        for labels, count in self.metrics.syncs.items():
            syncs.add_metric(labels, count)
        return syncs

    def _answers(self) -> Metric:
        answers = GaugeMetricFamily(
            "tiphys_source_last_success_timestamp_seconds",
            "When a repository last told where a revision that is followed points to.",
            labels=("repo",),
        )
        newest: dict[str, float] = {}
        for followed, reading in self.world.tips.readings.items():
            if reading.tip:
                repo = shown(followed.repo)
                newest[repo] = max(newest.get(repo, 0.0), reading.at.timestamp())
        for repo, at in newest.items():
            answers.add_metric((repo,), at)
        return answers


@dataclass(frozen=True)
class _Timed:
    """The engines, timed."""

    renderer: Renderer
    seconds: Histogram

    async def render_chart(self, chart: ChartRender) -> Rendered:
        """A Helm chart's objects."""
        with self.seconds.time():
            return await self.renderer.render_chart(chart)

    async def decode_files(self, files: Sequence[Path], root: Path) -> Sequence[RenderedObject]:
        """The objects of files."""
        with self.seconds.time():
            return await self.renderer.decode_files(files, root)

    async def decode_text(self, text: str, name: str) -> Sequence[Body]:
        """The documents of one text."""
        return await self.renderer.decode_text(text, name)

    async def paths(self, expression: str, value: object, most: int) -> Sequence[Sequence[object]]:
        """Where a jq path expression leads to."""
        return await self.renderer.paths(expression, value, most)

    async def best_version(self, constraint: str, versions: Sequence[str]) -> str | None:
        """The highest version that Helm would choose."""
        return await self.renderer.best_version(constraint, versions)


def _info(application: Application) -> tuple[str, ...]:
    metadata, spec, status = application.metadata, application.spec, application.status
    source = spec.source or next(iter(spec.sources), None)
    operation = "delete" if metadata.deletion_timestamp else "sync" if application.operation else ""
    automated = bool(spec.sync_policy and spec.sync_policy.automated)
    return (
        *(metadata.name, metadata.namespace, spec.project or "default"),
        *(shown(source.repo_url) if source else "", _server(application), spec.destination.namespace),
        *(status.sync.status or "Unknown", status.health.status or "Unknown"),
        *(operation, "true" if automated else "false"),
    )


def _server(application: Application | None) -> str:
    return (application.spec.destination.server or application.spec.destination.name) if application else ""


def _read(world: World, name: AppName) -> Application | None:
    """The application; ``None`` where it is gone or cannot be read."""
    try:
        return world.applications.get(name)
    except SpecError:
        return None
