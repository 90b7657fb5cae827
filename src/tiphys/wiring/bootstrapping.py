"""Opens what an install needs: a cluster that is written to as Helm writes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tiphys.adapters.cluster.as_helm import ClusterAsHelm
from tiphys.adapters.render import Engines, Toolbox
from tiphys.reconcile.charting import Maker
from tiphys.reconcile.site import Site
from tiphys.wiring.connecting import Reach, connection_of
from tiphys.wiring.engines import toolbox_binary


@asynccontextmanager
async def open_site(reach: Reach, environment: Mapping[str, str]) -> AsyncIterator[Site]:
    """The cluster that a user means. Raises ``SpecError`` if none is known, ``Unavailable`` if it is silent."""
    async with ClusterAsHelm.open(connection_of(reach, environment)) as site:
        yield site


@asynccontextmanager
async def open_maker() -> AsyncIterator[Maker]:
    """Helm's own library. Raises ``Unavailable`` if it was not built."""
    async with Toolbox(toolbox_binary()) as toolbox:
        yield Engines(toolbox)
