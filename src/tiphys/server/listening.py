"""
Listening: connections of an HTTP server on the engine's own event loop, and what they may cost.

uvicorn speaks the protocol; its own server is left out, since that wakes up ten times a second and takes the process's
signals. What is answered, and to whom, is the application's.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

GOODBYE = 2.0
"""Seconds that answers under way have when the server stops."""


@dataclass(frozen=True)
class Limits:
    """What visitors may have."""

    connections: int = 256
    silence: float = 10.0
    """Seconds within which a connection has to have sent the head of a request."""
    answer: float = 60.0
    """Seconds within which an answer has to have been taken."""
    idle: int = 5
    """Seconds that a connection is kept between two requests."""


@dataclass
class Listener:
    """A server that listens."""

    config: Config
    limits: Limits
    state: ServerState = field(default_factory=ServerState)
    open: dict["Connection", asyncio.TimerHandle] = field(default_factory=dict)
    """Each connection, the oldest first, and when it is looked at as one that does not get on."""
    address: tuple[str, int] = ("", 0)

    @property
    def url(self) -> str:
        """Where it is found."""
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def accept(self) -> "Connection":
        """The protocol of a new connection."""
        return Connection(self)

    def arrived(self, connection: "Connection") -> None:
        """A connection was made: where there are too many, the oldest that asks for nothing makes room."""
        if len(self.open) >= self.limits.connections:
            next((each for each in self.open if each.asks_nothing), connection).hang_up()
        self._watch(connection, self.limits.silence, connection.hang_up)

    def spoke(self, connection: "Connection") -> None:
        """A connection has sent a request or a part of one: it has so long to take the answer."""
        self._watch(connection, self.limits.answer, connection.hang_up_if_stuck)

    def gone(self, connection: "Connection") -> None:
        """A connection is no more."""
        if timer := self.open.pop(connection, None):
            timer.cancel()

    def _watch(self, connection: "Connection", seconds: float, then: Callable[[], None]) -> None:
        if timer := self.open.get(connection):
            timer.cancel()
        self.open[connection] = asyncio.get_running_loop().call_later(seconds, then)


class Connection(H11Protocol):
    """A connection that is ended unless it gets on, so that who is silent or does not listen uses up nothing."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener.config, listener.state, {})
        self._listener = listener

    @property
    def asks_nothing(self) -> bool:
        """Whether it has no request under way, and has taken every answer."""
        answered = getattr(
            self.cycle, "response_complete", True
        )  # there is no cycle before the first request
        return answered and not self.transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._listener.arrived(self)

    def data_received(self, data: bytes) -> None:
        """It said something."""
        super().data_received(data)
        if self.cycle is not None:
            self._listener.spoke(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._listener.gone(self)
        super().connection_lost(exc)

    def hang_up(self) -> None:
        """End it now."""
        self.transport.abort()

    def hang_up_if_stuck(self) -> None:
        """End it if its answer is still not taken."""
        if not self.asks_nothing:
            self.hang_up()


@asynccontextmanager
async def listening(
    application: Starlette, endpoint: tuple[str, int], limits: Limits | None = None
) -> AsyncIterator[Listener]:
    """
    A server for a ``with`` block.

    Raises ``OSError`` if the address cannot be had.
    """
    # What strangers send is no news for our log; our own errors are logged by the application.
    config = Config(
        application,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.CRITICAL,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=(limits or Limits()).idle,
    )
    config.load()
    listener = Listener(config, limits or Limits())
    host, port = endpoint
    loop = asyncio.get_running_loop()
    server = await loop.create_server(listener.accept, host or None, port, reuse_address=True)
    try:
        listener.address = server.sockets[0].getsockname()[:2]
        yield listener
    finally:
        server.close()
        await _goodbye(listener.state)


async def _goodbye(state: ServerState) -> None:
    """Let answers under way end, for a while."""
    for connection in list(state.connections):
        connection.shutdown()
    tasks: set[asyncio.Task[Any]] = set(state.tasks)
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=GOODBYE)
        for task in late:
            task.cancel()
    for connection in list(state.connections):
        connection.transport.abort()
