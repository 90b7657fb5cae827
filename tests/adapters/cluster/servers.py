"""
Wires that can be cut, and servers in states that a real API server is hard to bring into.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from tiphys.adapters.cluster.api import Api
from tiphys.adapters.cluster.credentials import Connection


class Wire:
    """A wire to the API server that can be cut and mended."""

    def __init__(self, server: str) -> None:
        self._to = urlsplit(server)
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        await asyncio.sleep(0)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._to.hostname, self._to.port)
        self._ends |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self._ends -= {writer, far_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()


@asynccontextmanager
async def serving(answer: Callable[[web.Request], Any]) -> AsyncIterator[Api]:
    """A server on loopback that answers as an API server in a state that is hard to bring about."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server, Api.open(Connection(str(server.make_url("")).rstrip("/"))) as api:
        yield api


EXPIRED = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}


def listed(*names: str, more: str = "") -> web.Response:
    items = [{"metadata": {"name": name}} for name in names]
    return web.json_response({"metadata": {"resourceVersion": "5", "continue": more}, "items": items})


async def watched(request: web.Request, *events: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for event in events:
        await response.write(orjson.dumps(event) + b"\n")
    await asyncio.sleep(0 if events else 30)
    return response


def trusting(connection: Connection) -> Any:
    """The same server, without our own certificate."""
    context = ssl.create_default_context()
    for certificate in connection.tls.get_ca_certs(binary_form=True):
        context.load_verify_locations(cadata=certificate)
    return context
