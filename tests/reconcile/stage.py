"""
A stage for the stories: a cluster in memory, a Git repository, the real engines, and a clock that the test moves.

``await stage.plays("shop")`` tells an application's story again and again, as the worker would, until there is nothing
left to do.
"""

import asyncio
import itertools
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import tiphys_toolbox
from adapters.git.origin import Origin
from memory import controllers
from memory.merging import Writer
from memory.server import Server
from memory.wire import Fault, MemoryApi, opened
from tiphys.adapters.cache import SqliteCache
from tiphys.adapters.charts import HttpChartRepositories
from tiphys.adapters.cluster.api import Request
from tiphys.adapters.cluster.applications import WatchedApplications
from tiphys.adapters.git import GitRepositories
from tiphys.adapters.render import Engines, Toolbox
from tiphys.core.projects import default_project
from tiphys.core.sync.advance import Terms
from tiphys.model.access import Ways, for_anybody
from tiphys.model.api import to_json
from tiphys.model.api.schema import definitions
from tiphys.model.errors import Stale, TiphysError
from tiphys.model.objects import AppName, Body, Key
from tiphys.model.rendering import ChartRender, Rendered
from tiphys.reconcile.reconcile import reconcile
from tiphys.reconcile.tips import Tips
from tiphys.reconcile.world import World

USER = Writer("Update", "kubectl-edit")
APPLICATION, PROJECT = ("argoproj.io", "Application"), ("argoproj.io", "AppProject")
AUTOMATED = {"automated": {"prune": True, "selfHeal": True}}


class CountingEngines(Engines):
    """The engines, what they rendered and decoded, and which jq expressions they were asked for."""

    def __init__(self, toolbox: Toolbox) -> None:
        super().__init__(toolbox)
        self.rendered: list[str] = []
        self.asked: list[str] = []
        self.decoded: list[str] = []

    async def decode_text(self, text: str, name: str) -> Sequence[Body]:
        self.decoded.append(name)
        return await super().decode_text(text, name)

    async def paths(self, expression: str, value: object, most: int) -> Sequence[Sequence[Any]]:
        self.asked.append(expression)
        return await super().paths(expression, value, most)

    async def render_chart(self, chart: ChartRender) -> Rendered:
        self.rendered.append(chart.release_name)
        return await super().render_chart(chart)


class Stage:
    """See above. ``begin`` starts an engine on it; to begin again is a restart."""

    def __init__(self, folder: Path) -> None:
        self.clock = datetime(2026, 1, 1, tzinfo=UTC)
        self.server = Server(lambda: self.clock)
        self.origin = Origin(folder / "served" / "charts.git", "")
        self.repo = self.origin.file_url
        self.folder = folder
        self.files: dict[str, Any] = {}
        self.ways: Ways = for_anybody
        for body in definitions().values():
            self.server.create(body, USER)
        controllers.settle(self.server)
        for name in ("argocd", "shop"):
            self.server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, USER)
        self.server.create(to_json(default_project("argocd")), USER)
        self._life = AsyncExitStack()

    async def begin(self) -> None:
        """A fresh engine on what there is; an earlier one is gone, with all that it remembered."""
        await self.end()
        self.api = MemoryApi(self.server)
        cluster = await self._life.enter_async_context(opened(self.api))
        toolbox = await self._life.enter_async_context(Toolbox(tiphys_toolbox.binary()))
        charts = await self._life.enter_async_context(HttpChartRepositories(self.folder / "charts"))
        git = await self._life.enter_async_context(
            aclosing(GitRepositories(self.folder / "git", ways=self.ways))
        )
        cache = await self._life.enter_async_context(SqliteCache(self.folder / "renders.sqlite"))
        self.engines = CountingEngines(toolbox)
        self.world = World(
            applications=await WatchedApplications.open(cluster, "argocd"),
            cluster=cluster,
            repositories=git,
            charts=charts,
            renderer=self.engines,
            cache=cache,
            tips=Tips(git, lambda: self.clock),
            workspace=partial(tempfile.TemporaryDirectory, dir=self.folder),
            now=lambda: self.clock,
            terms=Terms(wave_delay=timedelta(seconds=2)),
        )

    async def end(self) -> None:
        """No engine."""
        await self._life.aclose()
        self._life = AsyncExitStack()

    def push(self, files: Mapping[str, str | None], message: str = "a change") -> str:
        """Commit files over those that are there (``None`` takes one away); answers the commit."""
        self.files = {k: v for k, v in {**self.files, **files}.items() if v is not None}
        return self.origin.commit(self.files, message=message)

    async def poll(self) -> None:
        """Ask where every followed revision points to by now."""
        for followed in list(self.world.tips.readings):
            await self.world.tips.poll(followed)

    def wants(
        self, name: str, path: str = "", *, project: str = "default", finalizer: str = "", **spec: Any
    ) -> None:
        """Create an Application of a folder of the repository."""
        metadata: dict[str, Any] = {"name": name, "namespace": "argocd"}
        if finalizer:
            metadata["finalizers"] = [finalizer]
        usual = {
            "project": project,
            "source": {"repoURL": self.repo, "path": path or name, "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": AUTOMATED,
        }
        body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata}
        self.server.create({**body, "spec": {**usual, **spec}}, USER)

    async def tells(self, name: str) -> datetime | TiphysError | None:
        """One telling of the story, after everything that happened was heard; an error is an answer."""
        await self._caught_up()
        try:
            return await reconcile(AppName("argocd", name), self.world)
        except TiphysError as error:
            return error

    async def plays(self, name: str, *, ready: bool = True) -> TiphysError | None:
        """Tell the story until it has nothing left to do; answers the error that it ends with, if any."""
        for _ in range(60):
            before = self.server.version
            told = await self.tells(name)
            if isinstance(told, TiphysError) and not isinstance(told, Stale):
                return told
            moved = ready and controllers.step(self.server)
            if isinstance(told, datetime) and self._soon(told) and self.server.version == before:
                self.clock = max(told, self.clock + timedelta(milliseconds=100))
            elif not moved and not isinstance(told, Stale) and self.server.version == before:
                return None
        raise AssertionError(f"{name} never comes to rest: {self.status(name)}")

    async def plays_until_killed(self, name: str, fault: Fault, at: int) -> bool:
        """
        Play until the engine is killed at its ``at``-th write, counted from 1, and start another one.

        Answers whether it came to that: ``False`` if there were fewer writes, and the story ended.
        """
        count = itertools.count(1)

        def struck(request: Request) -> Fault:
            writes = request.method != "GET" and "dryRun" not in request.query
            return fault if writes and next(count) == at else Fault.NONE

        self.api.faults = struck
        playing = asyncio.create_task(self.plays(name))
        killed = asyncio.create_task(self.api.killed.wait())
        await asyncio.wait({playing, killed}, return_when=asyncio.FIRST_COMPLETED)
        came = killed.done()
        for task in (playing, killed):
            task.cancel()
        await asyncio.gather(playing, killed, return_exceptions=True)
        await self.begin()
        return came

    async def _caught_up(self) -> None:
        """Everything that happened is known, and what is served too, which takes the client real time."""
        await self.api.caught_up()
        while set((await self.world.cluster.catalog()).resources) != set(self.server.kinds):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def _soon(self, at: datetime) -> bool:
        """Whether a later look is about work, rather than a deadline or another try."""
        return at - self.clock < timedelta(seconds=20)

    def application(self, name: str) -> dict[str, Any]:
        """An Application as it is in the cluster."""
        found = self.server.body(Key(*APPLICATION, "argocd", name))
        assert found is not None, f"there is no Application {name}"
        return found

    def status(self, name: str) -> dict[str, Any]:
        """The status of an Application."""
        status: dict[str, Any] = self.application(name).get("status", {})
        return status

    def says(self, name: str) -> tuple[str, str]:
        """Sync and health."""
        status = self.status(name)
        return status["sync"]["status"], status["health"].get("status", "")

    def conditions(self, name: str) -> dict[str, str]:
        """The conditions by type."""
        return {each["type"]: each["message"] for each in self.status(name).get("conditions", ())}

    def live(self, kind: str, name: str, group: str = "", namespace: str = "shop") -> dict[str, Any] | None:
        """A live object."""
        return self.server.body(Key(group, kind, namespace, name))

    def by_hand(self, key: Key, patch: Mapping[str, Any]) -> None:
        """What somebody does with kubectl."""
        self.server.patch(key, deepcopy(dict(patch)), USER)


def key(kind: str, name: str, namespace: str = "shop") -> Key:
    """The key of an object of the kinds that the stories use."""
    group = {
        "Deployment": "apps",
        "Application": "argoproj.io",
        "HorizontalPodAutoscaler": "autoscaling",
    }.get(kind, "")
    return Key(group, kind, "argocd" if kind == "Application" else namespace, name)
