import asyncio

import pytest
from aiohttp import web

from adapters.cluster.servers import serving, trusting
from tiphys.adapters.cluster.api import Request
from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.cluster.credentials import Connection
from tiphys.model.errors import Unavailable


async def test_a_busy_server_is_asked_again_when_it_says() -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        busy = len(asked) < 3
        return web.json_response(
            {}, status=429 if busy else 200, headers={"Retry-After": "0"} if busy else {}
        )

    async with serving(answer) as api:
        assert (await api.ask(Request("GET", "/version"))).ok
    assert len(asked) == 3


async def test_a_server_that_does_not_answer_is_abandoned() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(answer) as api:
        with pytest.raises(Unavailable, match=r"GET /version on .*: no answer in 0.1 s"):
            await api.ask(Request("GET", "/version", deadline=0.1))


async def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(Unavailable, match="cannot connect"):
        async with WatchedCluster.open(Connection("http://127.0.0.1:1")):
            pass


async def test_a_certificate_that_is_not_trusted_is_told(connection: Connection) -> None:
    with pytest.raises(Unavailable, match="is not trusted"):
        async with WatchedCluster.open(Connection(connection.server)):
            pass


async def test_credentials_that_are_not_accepted_are_told(connection: Connection) -> None:
    stranger = Connection(connection.server, trusting(connection), lambda: "made-up")
    with pytest.raises(Unavailable, match="does not accept our credentials"):
        async with WatchedCluster.open(stranger):
            pass
