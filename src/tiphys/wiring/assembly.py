"""Opens the adapters and hands them to the stories."""

import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tiphys.adapters.cache import SqliteCache
from tiphys.adapters.charts import HttpChartRepositories
from tiphys.adapters.charts import Settings as ChartSettings
from tiphys.adapters.cluster.applications import WatchedApplications
from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.git import GitRepositories, allowed_environment
from tiphys.adapters.git import Settings as GitSettings
from tiphys.adapters.render import Engines, Limits, Toolbox
from tiphys.core.sync.advance import Terms
from tiphys.model.errors import Unavailable
from tiphys.reconcile.tips import Tips
from tiphys.reconcile.world import World
from tiphys.wiring.connecting import connection_of
from tiphys.wiring.engines import toolbox_binary, version_of
from tiphys.wiring.repository_access import RepositoryAccess
from tiphys.wiring.settings import Settings, followed_namespaces

LEFT_BEHIND = 3600.0
"""Seconds after which no render can still be under way."""


@dataclass(frozen=True)
class Engine:
    """The assembled engine: what stories are given, and the watched things that its loops listen to."""

    world: World
    cluster: WatchedCluster
    applications: WatchedApplications
    repositories: GitRepositories
    engines: Engines
    access: RepositoryAccess


async def _as_it_is(_: WatchedCluster) -> None:
    """Nothing to prepare."""


@asynccontextmanager
async def open_engine(
    settings: Settings, prepare: Callable[[WatchedCluster], Awaitable[None]] = _as_it_is
) -> AsyncIterator[Engine]:
    """
    Everything opened for a ``with`` block, after the cluster was prepared.

    Raises ``Unavailable`` or ``SpecError`` in the user's words.
    """
    scratch = _scratch(settings.state)
    binary = toolbox_binary()
    outside = allowed_environment(os.environ)
    git = GitSettings(environment=outside)
    access = RepositoryAccess(settings.namespace)
    limits = Limits(render_seconds=settings.render_deadline.total_seconds())
    async with (
        WatchedCluster.open(connection_of(settings, os.environ)) as cluster,
        Toolbox(binary, limits=limits) as toolbox,
        SqliteCache(settings.state / "renders.sqlite") as cache,
        HttpChartRepositories(
            settings.state / "charts", ChartSettings(environment=outside), access.charts
        ) as charts,
        aclosing(GitRepositories(settings.state / "git", git, access.git)) as repositories,
    ):
        await prepare(cluster)
        await access.follow(cluster)
        applications = await WatchedApplications.open(
            cluster, settings.namespace, followed_namespaces(settings)
        )
        engines = Engines(toolbox)
        world = World(
            applications=applications,
            cluster=cluster,
            repositories=repositories,
            charts=charts,
            renderer=engines,
            cache=cache,
            tips=Tips(repositories, _now),
            workspace=partial(tempfile.TemporaryDirectory, prefix="render-", dir=scratch),
            now=_now,
            namespace=settings.namespace,
            engines=version_of(binary),
            terms=Terms(settings.sync_deadline, settings.wave_delay),
        )
        yield Engine(world, cluster, applications, repositories, engines, access)


def _scratch(state: Path) -> Path:
    """The folder for renders under way. What a killed process left there is dropped."""
    scratch = state / "scratch"
    try:
        # Private: what charts make of Secrets lies in it.
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch.mkdir(exist_ok=True, mode=0o700)
        for left in scratch.iterdir():
            if time.time() - left.stat().st_mtime > LEFT_BEHIND:
                shutil.rmtree(left, ignore_errors=True)
    except OSError as error:
        raise Unavailable(f"make the state folder {scratch}: {error.strerror}; set TIPHYS_STATE") from error
    return scratch


def _now() -> datetime:
    return datetime.now(UTC)
