"""
Git over smart HTTP, and a chart repository beside it, on loopback.

``/git/<name>.git`` is a bare repository that can be cloned and pushed to, by ``git http-backend``;
``/charts/`` are the files of a chart repository. Whoever reaches the port may push: it listens on 127.0.0.1
alone, and to no web page that a browser has open.
"""

import asyncio
import contextlib
import hashlib
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from tiphys.local.place import Served
from tiphys.model.errors import Unavailable

# No request of a repository on this machine takes this long, unless its client has gone to sleep.
DEADLINE = 120.0
CHUNK = 64 << 10


@contextlib.asynccontextmanager
async def serving(repositories: Path, charts: Path | None = None, port: int = 0) -> AsyncIterator[Served]:
    """Serve a folder of bare repositories, and a folder of packed charts, until the block ends."""
    runner = web.AppRunner(application(repositories, charts), access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        try:
            await site.start()
        except OSError as error:
            raise Unavailable(f"cannot serve Git on 127.0.0.1:{port}: {error.strerror}") from error
        yield Served(f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


def application(repositories: Path, charts: Path | None) -> web.Application:
    """The web application that ``serving`` runs."""
    app = web.Application(middlewares=[_by_its_own_name])
    git = _Git(repositories)
    app.router.add_route("*", "/git/{repository:[^/.][^/]*[.]git}/{what:.*}", git.answer)
    if charts is not None:
        files = _Charts(charts)
        app.router.add_get("/charts/{file:[^/]+}", files.answer)
    return app


@web.middleware
async def _by_its_own_name(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A web page can make its own name lead here (DNS rebinding); its requests then carry that name."""
    if request.url.host not in {"127.0.0.1", "localhost"}:
        raise web.HTTPForbidden(text="ask for 127.0.0.1\n")
    return await handler(request)


@dataclass(frozen=True, slots=True)
class _Charts:
    folder: Path

    async def answer(self, request: web.Request) -> web.Response:
        path = self.folder / request.match_info["file"]
        if path.name.startswith(".") or not path.is_file():
            raise web.HTTPNotFound(text=f"no such file: {path.name}\n")
        content = await asyncio.to_thread(path.read_bytes)
        tag = hashlib.sha256(content).hexdigest()[:32]
        known = {known.value for known in request.if_none_match or ()}
        if known & {tag, "*"}:
            return web.Response(status=304, headers={"ETag": f'"{tag}"'})
        kind = "text/yaml" if path.suffix == ".yaml" else "application/gzip"
        return web.Response(body=content, content_type=kind, headers={"ETag": f'"{tag}"'})


@dataclass(frozen=True, slots=True)
class _Git:
    folder: Path

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request, by one ``git http-backend``, spoken to as a CGI program."""
        if not (self.folder / request.match_info["repository"]).is_dir():
            raise web.HTTPNotFound(text=f"no such repository: {request.match_info['repository']}\n")
        backend = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment(request),
            limit=CHUNK,
            # git packs in a child of its own, which would wait for ever on a pipe that nobody reads.
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
                tasks.create_task(_feed(backend, request))
                answer = tasks.create_task(_relay(backend, request))
                tasks.create_task(backend.wait())
            return answer.result()
        finally:
            # Not one that has ended: to signal it would take its exit code away from asyncio.
            if backend.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(backend.pid, signal.SIGKILL)
                await _drained(backend)

    def _environment(self, request: web.Request) -> Mapping[str, str]:
        headers = {
            "CONTENT_TYPE": "Content-Type",
            "GIT_PROTOCOL": "Git-Protocol",
            "HTTP_USER_AGENT": "User-Agent",
        }
        return {
            **{
                name: request.headers[header] for name, header in headers.items() if header in request.headers
            },
            **_HARDENED,
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{request.match_info['repository']}/{request.match_info['what']}",
            "QUERY_STRING": request.query_string,
            "REQUEST_METHOD": request.method,
            # git takes a push from a user who has been identified; on loopback that is whoever asks.
            "REMOTE_USER": "local",
            "REMOTE_ADDR": request.remote or "",
        }


_HARDENED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.hooksPath",
    "GIT_CONFIG_VALUE_0": os.devnull,
}


async def _feed(backend: asyncio.subprocess.Process, request: web.Request) -> None:
    assert backend.stdin is not None  # noqa: S101  it was asked for
    # git stops listening when it has seen enough; what it then answers is the news.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        async for chunk in request.content.iter_chunked(CHUNK):
            backend.stdin.write(chunk)
            await backend.stdin.drain()
    backend.stdin.close()


async def _drained(backend: asyncio.subprocess.Process) -> None:
    """The end of a backend that was killed: its pipe is closed once everything that was in it is read."""
    assert backend.stdout is not None  # noqa: S101  it was asked for
    while await backend.stdout.read(CHUNK):
        pass
    await backend.wait()


async def _relay(backend: asyncio.subprocess.Process, request: web.Request) -> web.StreamResponse:
    assert backend.stdout is not None  # noqa: S101  it was asked for
    try:
        headers = dict(_header_lines(await backend.stdout.readuntil(b"\r\n\r\n")))
    except asyncio.IncompleteReadError as error:
        raise web.HTTPBadGateway(text="git http-backend did not answer; is it installed?\n") from error
    status = int(headers.pop("Status", "200").split()[0])
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    while chunk := await backend.stdout.read(CHUNK):
        await response.write(chunk)
    await response.write_eof()
    return response


def _header_lines(head: bytes) -> Iterator[tuple[str, str]]:
    for line in head.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            yield name, value.strip()
