"""A server on the engine's loop: what it answers, and what silent or swarming visitors may use up."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from tiphys.server.application import application
from tiphys.server.listening import Limits, Listener, listening


@dataclass
class Shown:
    """An engine to show."""

    waits_for: str = ""
    stands_by: str = ""
    webhook: None = None
    figures: bytes = b"up 1\n"

    def exposition(self, accept: str) -> tuple[bytes, str]:
        if accept == "boom":
            raise ValueError(accept)
        return self.figures, "text/plain; version=0.0.4"


@pytest.fixture
def engine() -> Shown:
    return Shown()


@pytest.fixture
async def listener(engine: Shown) -> AsyncIterator[Listener]:
    async with listening(application(engine), ("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def get(web: aiohttp.ClientSession, url: str, accept: str = "*/*") -> tuple[int, str, str]:
    async with web.get(url, headers={"Accept": accept}) as answer:
        return answer.status, answer.headers["content-type"], await answer.text()


async def test_it_is_ready_once_it_waits_for_nothing(
    engine: Shown, listener: Listener, web: aiohttp.ClientSession
):
    engine.waits_for = "the API server"
    assert (await get(web, f"{listener.url}/healthz"))[0] == 200
    code, _, text = await get(web, f"{listener.url}/readyz")
    assert (code, text) == (503, "not ready: waits for the API server\n")
    engine.waits_for = ""
    assert (await get(web, f"{listener.url}/readyz"))[0] == 200
    engine.stands_by = "engine-2"
    code, _, text = await get(web, f"{listener.url}/readyz")
    assert (code, text) == (200, "ok, standing by: engine-2 leads\n")


async def test_metrics_are_told_in_their_own_content_type(listener: Listener, web: aiohttp.ClientSession):
    assert await get(web, f"{listener.url}/metrics") == (200, "text/plain; version=0.0.4", "up 1\n")


async def test_what_is_not_there_and_what_fails_is_said_without_a_traceback(
    listener: Listener, web: aiohttp.ClientSession
):
    assert (await get(web, f"{listener.url}/nothing"))[0] == 404
    code, _, text = await get(web, f"{listener.url}/metrics", accept="boom")
    assert code == 500
    assert "Traceback" not in text
    assert (await get(web, f"{listener.url}/healthz"))[0] == 200


async def silent(listener: Listener) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A visitor who begins a request and never ends it."""
    reader, writer = await asyncio.open_connection(*listener.address)
    writer.write(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
    return reader, writer


async def test_who_does_not_say_what_they_want_is_hung_up_on(engine: Shown):
    async with listening(application(engine), ("127.0.0.1", 0), Limits(silence=0.2)) as listener:
        reader, writer = await silent(listener)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


async def test_a_swarm_of_silent_visitors_keeps_nobody_out(engine: Shown, web: aiohttp.ClientSession):
    limits = Limits(connections=3, silence=60)
    async with listening(application(engine), ("127.0.0.1", 0), limits) as listener:
        swarm = [await silent(listener) for _ in range(10)]
        assert (await get(web, f"{listener.url}/healthz"))[0] == 200
        assert len(listener.open) <= 4
        for _, writer in swarm:
            writer.close()


async def test_who_does_not_take_an_answer_is_hung_up_on(engine: Shown):
    engine.figures = bytes(64 << 20)
    async with listening(application(engine), ("127.0.0.1", 0), Limits(answer=0.3)) as listener:
        _, writer = await asyncio.open_connection(*listener.address, limit=1 << 10)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(20):
            while not listener.open:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            while listener.open:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        writer.close()


async def test_connections_that_are_kept_make_room_too(engine: Shown, web: aiohttp.ClientSession):
    async with listening(application(engine), ("127.0.0.1", 0), Limits(connections=3)) as listener:
        kept = [await asyncio.open_connection(*listener.address) for _ in range(3)]
        for reader, writer in kept:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readline()
        assert (await get(web, f"{listener.url}/healthz"))[0] == 200
        for _, writer in kept:
            writer.close()


async def test_what_is_no_http_is_refused_and_forgotten(listener: Listener):
    reader, writer = await asyncio.open_connection(*listener.address)
    writer.write(b"\x16\x03\x01 hello\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 400")
    writer.close()
    await asyncio.sleep(0.01)
    assert not listener.open


async def test_a_port_that_is_taken_is_an_error(engine: Shown):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            async with listening(application(engine), other.getsockname()):
                pass


async def test_who_keeps_a_connection_open_does_not_keep_the_server_from_ending(engine: Shown):
    async with listening(application(engine), ("127.0.0.1", 0)) as listener:
        reader, writer = await asyncio.open_connection(*listener.address)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 5
    await reader.read()
    writer.close()
