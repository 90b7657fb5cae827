"""
Listening: connections of an HTTP server on the engine's own event loop, and what they may cost.

uvicorn speaks the protocol; its own server is left out, since that wakes up ten times a second and takes the process's
signals. What is answered, and to whom, is the application's.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
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
    idle: int = 5
    """Seconds that a connection is kept between two requests."""


@dataclass
class Listener:
    """A server that listens."""

    config: Config
    limits: Limits
    state: ServerState = field(default_factory=ServerState)
    silent: dict["Connection", asyncio.TimerHandle] = field(default_factory=dict)
    """The connections that have not sent the head of their first request, the oldest first."""
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
        """A connection was made: where there are too many, the one that has been silent for longest makes room."""
        if len(self.state.connections) > self.limits.connections:
            next(iter(self.silent), connection).hang_up()
        later = asyncio.get_running_loop().call_later(self.limits.silence, connection.hang_up)
        self.silent[connection] = later

    def spoke(self, connection: "Connection") -> None:
        """A connection has sent the head of a request, or is gone."""
        if timer := self.silent.pop(connection, None):
            timer.cancel()


class Connection(H11Protocol):
    """A connection that is ended unless it soon says what it wants, so that silent ones use up nothing."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener.config, listener.state, {})
        self._listener = listener

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
        self._listener.spoke(self)
        super().connection_lost(exc)

    def hang_up(self) -> None:
        """End it now."""
        self.transport.abort()


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
