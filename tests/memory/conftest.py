"""The server in memory where the suite of the real one expects a cluster."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from memory.merging import Writer
from memory.server import Server
from memory.wire import MemoryApi, keep_running, opened
from tiphys.adapters.cluster.cluster import WatchedCluster

View = Callable[[], AbstractAsyncContextManager[WatchedCluster]]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    running = asyncio.create_task(keep_running(server))
    yield server
    running.cancel()


@pytest.fixture
def namespace(server: Server) -> str:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "test"}}
    server.create(body, Writer("Update", "somebody"))
    return "test"


@pytest.fixture
def view(server: Server) -> View:
    """Opens a client of the cluster; all that it opens in a test see the same cluster."""
    return lambda: opened(MemoryApi(server))


@pytest.fixture
async def cluster(view: View) -> AsyncIterator[WatchedCluster]:
    async with view() as opened:
        yield opened


@pytest.fixture
async def other(view: View) -> AsyncIterator[WatchedCluster]:
    async with view() as opened:
        yield opened
