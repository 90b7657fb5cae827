"""Opens what rendering needs and nothing else: no cluster, no remote repository."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tiphys.adapters.charts import HttpChartRepositories
from tiphys.adapters.charts import Settings as ChartSettings
from tiphys.adapters.checkout import Checkout
from tiphys.adapters.git import allowed_environment
from tiphys.adapters.render import Engines, Limits, Toolbox
from tiphys.model.objects import Catalog
from tiphys.reconcile.ports import ChartRepositories, RenderCache, Repositories
from tiphys.wiring.engines import toolbox_binary
from tiphys.wiring.settings import Settings


@dataclass(frozen=True)
class Offline:
    """A workshop without a cluster."""

    repositories: Repositories
    charts: ChartRepositories
    renderer: Engines
    cache: RenderCache
    workspace: Callable[[], AbstractContextManager[str]]
    cluster: "NoCluster"
    engines: str = ""


class NoCluster:
    """Tells nothing, so that a chart sees the capabilities that Helm itself comes with."""

    async def catalog(self) -> Catalog:
        """An empty one."""
        return Catalog("")


@dataclass(frozen=True)
class Kept:
    """What was rendered or read in this process."""

    values: dict[str, bytes] = field(default_factory=dict)

    async def get(self, key: str) -> bytes | None:
        """What was kept under the key."""
        return self.values.get(key)

    async def put(self, key: str, value: bytes) -> None:
        """Keep it."""
        self.values[key] = value


@asynccontextmanager
async def open_checkout(settings: Settings, root: Path, extras: Mapping[str, Path]) -> AsyncIterator[Offline]:
    """
    What it takes to render, where every repository is the checkout at ``root``.

    ``extras`` are files of elsewhere, by the path under which they appear in the checkout.
    """
    limits = Limits(render_seconds=settings.render_deadline.total_seconds())
    async with (
        Toolbox(toolbox_binary(), limits=limits) as toolbox,
        HttpChartRepositories(
            settings.state / "cli" / "charts", ChartSettings(environment=allowed_environment(os.environ))
        ) as charts,
    ):
        yield Offline(
            repositories=Checkout(root, extras),
            charts=charts,
            renderer=Engines(toolbox),
            cache=Kept(),
            workspace=partial(tempfile.TemporaryDirectory, prefix="tiphys-render-"),
            cluster=NoCluster(),
        )
