"""
Fetching over HTTP for chart repositories: redirects followed with care, sizes and times bounded.

What was fetched is for others to understand.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from tiphys.adapters.charts.settings import MIB
from tiphys.model.addresses import host_of, off_limits, shown
from tiphys.model.errors import SpecError, TiphysError, Unavailable

_MOST_HOPS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Web:
    """Connections to chart repositories, kept open between requests."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def get(
        self, url: str, doing: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """
        The answer to a GET, 200 or 304, to be read within the block. ``doing`` opens the messages of errors.

        Raises ``Unavailable`` for anything that goes wrong on the way, also while the answer is read.
        """
        try:
            async with asyncio.timeout(self._seconds), self._open(url, doing, headers or {}) as answer:
                yield answer
        except TimeoutError as error:
            raise Unavailable(f"{doing}: not done within {self._seconds:g} seconds") from error
        except aiohttp.ClientError as error:
            raise Unavailable(f"{doing}: {_why(error)}") from error

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def _open(
        self, url: str, doing: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        for _ in range(_MOST_HOPS):
            if problem := problem_of(url):
                raise SpecError(f"{doing}: {shown(url)[:200]}: {problem}")
            async with self._http().get(url, headers=headers, allow_redirects=False) as answer:
                if answer.status not in _REDIRECTS:
                    _check(answer, doing)
                    yield answer
                    return
                url = urljoin(url, answer.headers.get("Location", ""))
        raise Unavailable(f"{doing}: it leads from one address to the next without end")

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(resolver=_CarefulResolver(), limit_per_host=4)
            self._session = aiohttp.ClientSession(
                connector=connector,
                trust_env=True,
                headers={"User-Agent": "tiphys"},
                timeout=aiohttp.ClientTimeout(total=self._seconds, sock_connect=10),
            )
        return self._session


async def body_of(answer: aiohttp.ClientResponse, most: int, doing: str) -> AsyncIterator[bytes]:
    """The body in pieces; raises ``SpecError`` when there are more bytes than allowed."""
    size = 0
    async for piece in answer.content.iter_chunked(65536):
        size += len(piece)
        if size > most:
            raise SpecError(f"{doing}: it is larger than {most // MIB} MiB, the most that we take")
        yield piece


def problem_of(url: str) -> str:
    """Why we send no request to a URL; empty if we do."""
    try:
        parts = urlsplit(url)
        host, _ = host_of(url), parts.port
    except ValueError:
        return "it is not a URL"
    if parts.scheme == "oci":
        return "charts in OCI registries are not built yet; use a repository at http:// or https://"
    if parts.scheme not in ("http", "https") or not host:
        return "a chart repository's URL starts with https:// or http://"
    return "that address belongs to a machine's metadata service" if off_limits(host) else ""


class _CarefulResolver(ThreadedResolver):
    """Looks names up, and goes nowhere where credentials of the machine are handed out."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        if any(off_limits(address["host"]) for address in found):
            raise OSError(None, f"the name {host} leads to a machine's metadata service")
        return found


def _check(answer: aiohttp.ClientResponse, doing: str) -> None:
    if error := _told(answer, doing):
        raise error


def _told(answer: aiohttp.ClientResponse, doing: str) -> TiphysError | None:
    match answer.status:
        case 200 | 304:
            return None
        case 401 | 403 | 407:
            why = (
                "it asks for credentials or refuses them; credentials of chart repositories are not built yet"
            )
        case 404 | 410:
            why = "there is nothing at this address; did the repository move or close?"
        case 429:
            why = "it asks to be left alone for a while (HTTP 429, too many requests)"
        case status:
            why = f"it answers with HTTP {status}"
    return Unavailable(f"{doing}: {why}")


def _why(error: aiohttp.ClientError) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"its host name cannot be used: {error.strerror or 'not found'}"
        case aiohttp.ClientSSLError():
            return "no secure connection: its certificate is not trusted here, or the handshake failed"
        case aiohttp.ClientConnectorError():
            return "nothing answers at this address"
        case aiohttp.InvalidURL():
            return "it is not a URL"
    return "the connection broke off"
