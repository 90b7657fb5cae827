"""
Speaks HTTP with an API server: one pool of connections, so many requests at once, each with a deadline.

A ``Request`` goes in and an ``Answer`` comes out, also when the answer is no; what it means is for the
caller. When there is no answer, or one that is about the server and not about what was asked, ``Unavailable``
is raised.
"""

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urlencode
from weakref import WeakSet

import aiohttp
import msgspec
import orjson
import structlog
from yarl import URL

from tiphys.adapters.cluster.backoff import holds
from tiphys.adapters.cluster.credentials import Connection
from tiphys.model.errors import Unavailable

log = structlog.get_logger(__name__)

JSON = "application/json"
READ, LISTING, WRITE = 15.0, 60.0, 60.0
"""Deadlines in seconds. A write may wait for admission webhooks, each of which may take up to 30."""

_ATTEMPTS = 5
_GOODBYE = 1.0
_LONGEST_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class Request:
    """A request: ``path`` is quoted already, ``body`` is JSON unless ``content_type`` says otherwise."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = JSON
    accept: str = JSON
    deadline: float = READ
    etag: str = ""
    """What we have already: answered with 304 if nothing changed."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Status(msgspec.Struct, frozen=True):
    """The API server's own words on a failure (``kind: Status``)."""

    kind: str = ""
    reason: str = ""
    message: str = ""
    code: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said."""

    code: int
    body: bytes
    etag: str = ""
    retry_after: str = ""
    warned: bool = False
    """Whether it was done with a word of warning, such as of a field that nobody knows."""
    date: str = ""
    """The server's time, as HTTP writes it."""

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return self.code < 300

    @property
    def status(self) -> Status:
        """The failure as the API server describes it; empty if the body is something else."""
        try:
            found = _STATUS.decode(self.body)
        except msgspec.MsgspecError:
            return Status()
        return found if found.kind == "Status" else Status()

    @property
    def reason(self) -> str:
        """The failure in one machine-readable word: ``NotFound``, ``Conflict`` …"""
        return self.status.reason

    @property
    def message(self) -> str:
        """The failure for people, never empty."""
        told = self.status.message or self.body[:300].decode("utf-8", "replace").strip()
        return told or f"HTTP {self.code}"

    def document(self) -> dict[str, Any]:
        """The body as JSON."""
        found: dict[str, Any] = orjson.loads(self.body)
        return found


_STATUS = msgspec.json.Decoder(Status)
_STORAGE = re.compile(r"etcdserver: (?!request is too large)")


class Rejected(Unavailable):
    """The API server said no where only a yes lets us go on."""

    def __init__(self, request: Request, answer: Answer) -> None:
        super().__init__(f"{request}: {answer.message}")
        self.answer = answer


class Stream:
    """An answer that goes on and on, a JSON document a line."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def batches(self) -> AsyncIterator[list[bytes]]:
        """The lines, as many at a time as have arrived. Ends when the server ends it."""
        rest = b""
        async for chunk in self._content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            if lines:
                yield lines


class Api:
    """An API server. ``open`` makes one."""

    _silent = False
    """Whether it did not answer the last time."""

    def __init__(self, connection: Connection, session: aiohttp.ClientSession, parallel: int) -> None:
        self._connection = connection
        self._session = session
        self._limiter = asyncio.Semaphore(parallel)

    @classmethod
    @asynccontextmanager
    async def open(cls, connection: Connection, parallel: int = 20) -> AsyncIterator["Api"]:
        """A client for a ``with`` block; watches do not count among the ``parallel`` requests."""
        sockets: WeakSet[socket.socket] = WeakSet()

        def made(address: tuple[Any, ...]) -> socket.socket:
            sockets.add(new := _socket(address))
            return new

        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=75, socket_factory=made)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        # Compression costs both sides more than the bytes do on the way to a near API server.
        headers = {"User-Agent": "tiphys", "Accept-Encoding": "identity"}
        session = aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers)
        try:
            yield cls(connection, session, parallel)
        finally:
            await session.close()
            await _closed(sockets)

    @property
    def server(self) -> str:
        """The URL of the API server, for messages."""
        return self._connection.server

    async def ask(self, request: Request) -> Answer:
        """The answer, yes or no. Raises ``Unavailable`` when there is none within the deadline."""
        try:
            async with asyncio.timeout(request.deadline):
                answer = await self._patiently(request)
        except TimeoutError as error:
            raise Unavailable(f"{request} on {self.server}: no answer in {request.deadline:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._lost(request, error) from error
        self._heard()
        return _about_the_question(request, answer)

    async def expect(self, request: Request) -> Answer:
        """The answer if it is yes; raises ``Rejected`` otherwise."""
        answer = await self.ask(request)
        if not answer.ok:
            raise Rejected(request, answer)
        return answer

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        """A long answer, for at most the request's deadline. Raises ``Rejected``, ``Unavailable``."""
        try:
            async with asyncio.timeout(request.deadline), self._sent(request) as response:
                if response.status != 200:
                    raise Rejected(request, _about_the_question(request, await _answer(response)))
                try:
                    yield Stream(response.content)
                finally:
                    _hang_up(response)
        except TimeoutError as error:
            raise Unavailable(f"{request} on {self.server}: silent for {request.deadline:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._lost(request, error) from error

    def _lost(self, request: Request, error: Exception) -> Unavailable:
        """The error for a connection that failed; the log is told once, not by each who asks."""
        if not self._silent:
            log.warning("the API server does not answer", server=self.server, why=_said(error))
        self._silent = True
        return Unavailable(f"{request} on {self.server}: {_said(error)}")

    def _heard(self) -> None:
        if self._silent:
            log.info("the API server answers again", server=self.server)
        self._silent = False

    async def _patiently(self, request: Request) -> Answer:
        """Ask again where the API server asks us to come back later; it has done nothing then."""
        for _ in range(_ATTEMPTS):
            answer = await self._once(request)
            if (pause := _pause(answer)) is None:
                return answer
            await asyncio.sleep(pause)
        return answer

    async def _once(self, request: Request) -> Answer:
        async with self._limiter:
            try:
                async with self._sent(request) as response:
                    return await _answer(response)
            except aiohttp.ServerDisconnectedError:
                # A kept connection that the server closed as we wrote. All but creating is safe to repeat.
                if request.method == "POST":
                    raise
            async with self._sent(request) as response:
                return await _answer(response)

    def _sent(self, request: Request) -> "aiohttp.client._RequestContextManager":
        query = f"?{urlencode(request.query)}" if request.query else ""
        return self._session.request(
            request.method,
            URL(f"{self.server}{request.path}{query}", encoded=True),
            data=BytesIO(request.body) if request.body else None,
            headers=self._headers(request),
            ssl=self._connection.tls or True,
            server_hostname=self._connection.server_name,
            proxy=self._connection.proxy,
            allow_redirects=False,
        )

    def _headers(self, request: Request) -> list[tuple[str, str]]:
        body = [("Content-Type", request.content_type)] if request.body else []
        known = [("If-None-Match", request.etag)] if request.etag else []
        return [("Accept", request.accept), *body, *known, *self._connection.authorization()]


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    told = response.headers
    return Answer(
        code=response.status,
        body=await response.read(),
        etag=told.get("ETag", ""),
        retry_after=told.get("Retry-After", ""),
        warned="Warning" in told,
        date=told.get("Date", ""),
    )


def _about_the_question(request: Request, answer: Answer) -> Answer:
    """
    The answer, unless it is about the server or ourselves rather than about what was asked.

    A plain internal error is about the object: a webhook that fails, a conversion that breaks.
    """
    if answer.code == 401:
        raise Unavailable(f"{request}: the API server does not accept our credentials ({answer.message})")
    if answer.code == 429:
        raise Unavailable(f"{request}: the API server is too busy ({answer.message})")
    if answer.code > 500 or (answer.code == 500 and _STORAGE.search(answer.message)):
        raise Rejected(request, answer)
    return answer


def _pause(answer: Answer) -> float | None:
    """How long the API server wants us to wait before we ask the same again, if it does."""
    if answer.code != 429 and not (answer.code >= 500 and answer.retry_after):
        return None
    told = float(answer.retry_after) if answer.retry_after.isdecimal() else 1.0
    return min(max(told, 0.1), _LONGEST_PAUSE)


def _said(error: Exception) -> str:
    """An error of the connection in words."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            why = error.certificate_error
            return f"the certificate is not trusted ({why}); is the certificate authority right?"
        case aiohttp.ClientConnectorError():
            return f"cannot connect: {_reason(error.os_error)}"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before an answer"
        case aiohttp.ClientPayloadError():
            return "the connection was lost in the middle of an answer"
    return str(error) or type(error).__name__


def _reason(error: OSError) -> str:
    """Why, in the system's words: asyncio writes the address in their place."""
    # Names that are not known have numbers below 0, of another table.
    known = error.errno is not None and error.errno > 0
    return os.strerror(error.errno or 0) if known else error.strerror or str(error)


def _hang_up(response: aiohttp.ClientResponse) -> None:
    """End an answer that goes on: what else is under way is of no interest, nor is a polite goodbye."""
    if response.connection and response.connection.transport:
        response.connection.transport.abort()


async def _closed(sockets: Collection[socket.socket]) -> None:
    """Wait until TLS has said goodbye on all connections, which it does in the background."""

    async def all_closed() -> bool:
        return all(s.fileno() == -1 for s in sockets)

    await holds(all_closed, _GOODBYE)


def _socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket that notices within a minute when the other side vanished: a watch may be silent for long."""
    family, kind, protocol, *_ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made
