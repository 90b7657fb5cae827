"""
Clusters to test against. Whoever has another implementation of the port adds its name to ``view``'s parameters, and it
is held to the same promises.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.cluster.credentials import Connection, from_kubeconfig

View = Callable[[], AbstractAsyncContextManager[WatchedCluster]]


@pytest.fixture
def connection(kube: Path) -> Connection:
    """The shared control plane, as its administrator."""
    return from_kubeconfig([kube])


@pytest.fixture(params=["real"])
def view(connection: Connection) -> View:
    """Opens a client of a cluster; all that it opens in a test see the same cluster."""
    return lambda: WatchedCluster.open(connection)


@pytest.fixture
async def cluster(view: View) -> AsyncIterator[WatchedCluster]:
    """A cluster that fulfils the port."""
    async with view() as opened:
        yield opened


@pytest.fixture
async def other(view: View) -> AsyncIterator[WatchedCluster]:
    """The same cluster as somebody else has it, who changes things behind our back."""
    async with view() as opened:
        yield opened
