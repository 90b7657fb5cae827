"""Real repositories, served by real git over HTTP on loopback."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler as AppHandler

from adapters.git.origin import Answering, Handler, Origin, listen
from adapters.git.sshd import sshd
from tiphys.adapters.git import GitRepositories
from tiphys.local.gitserver import application

__all__ = ["sshd"]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def origin(tmp_path: Path, stack: AsyncExitStack) -> Origin:
    requests: list[str] = []

    @web.middleware
    async def noted(request: web.Request, handler: AppHandler) -> web.StreamResponse:
        requests.append(f"{request.method} {request.path.rpartition('/')[2]}")
        return await handler(request)

    app = application(tmp_path / "served", None)
    app.middlewares.append(noted)
    address = await listen(app, stack)
    return Origin(tmp_path / "served" / "charts.git", f"{address}/git/charts.git", requests)


@pytest.fixture
async def git(tmp_path: Path, stack: AsyncExitStack) -> GitRepositories:
    repositories = GitRepositories(tmp_path / "clones")
    stack.push_async_callback(repositories.aclose)
    return repositories


@pytest.fixture
async def answering(stack: AsyncExitStack) -> Answering:
    """Serves whatever a handler answers, and gives the URL of a repository there."""

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_route("*", "/{anything:.*}", handler)
        return f"{await listen(app, stack)}/charts.git"

    return start
