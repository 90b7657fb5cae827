"""
Fetching over HTTP for chart repositories: redirects followed with care, sizes and times bounded.

What was fetched is for others to understand.
"""

import asyncio
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from tempfile import NamedTemporaryFile
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from tiphys.adapters.charts.settings import MIB, Settings
from tiphys.model.access import ANYBODY, Access
from tiphys.model.addresses import host_of, off_limits, shown
from tiphys.model.errors import SpecError, TiphysError, Unavailable
from tiphys.model.trust import Trust

_MOST_HOPS = 5
_private_file = partial(NamedTemporaryFile, "w")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Shop:
    """A chart repository, and by what it is read."""

    url: str
    access: Access = ANYBODY

    def proof(self, url: str) -> Mapping[str, str]:
        """The header that proves who we are: nothing where a URL is not at the repository's own host."""
        if not _same_place(self.url, url):
            return {}
        access, inside = self.access, urlsplit(self.url)
        if access.bearer_token:
            return {"Authorization": f"Bearer {access.bearer_token}"}
        user, secret = access.username, access.password
        if not (user or secret):
            user, secret = unquote(inside.username or ""), unquote(inside.password or "")
        if not (user or secret):
            return {}
        return {"Authorization": "Basic " + b64encode(f"{user}:{secret}".encode()).decode()}


class Web:
    """Connections to chart repositories, kept open between requests."""

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.seconds
        self._environment = settings.environment
        self._sessions: dict[Trust, aiohttp.ClientSession] = {}
        self._trusts: dict[str, Trust] = {}

    @asynccontextmanager
    async def get(
        self, shop: Shop, url: str, doing: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """
        The answer to a GET of something that a repository has, 200 or 304, to be read within the block.

        ``doing`` opens the messages of errors.

        Raises ``Unavailable`` for anything that goes wrong on the way, also while the answer is read.
        """
        try:
            async with asyncio.timeout(self._seconds), self._open(shop, url, doing, headers) as answer:
                yield answer
        except TimeoutError as error:
            raise Unavailable(f"{doing}: not done within {self._seconds:g} seconds") from error
        except aiohttp.ClientError as error:
            raise Unavailable(f"{doing}: {_why(error)}") from error

    async def aclose(self) -> None:
        """Close the connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        self._trusts.clear()

    @asynccontextmanager
    async def _open(
        self, shop: Shop, url: str, doing: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        for _ in range(_MOST_HOPS):
            if problem := problem_of(url):
                raise SpecError(f"{doing}: {shown(url)[:200]}: {problem}")
            session = await self._session(shop, url)
            proxy = shop.access.way(url, self._environment) or None
            proved = {**headers, **shop.proof(url)}
            async with session.get(_bare(url), headers=proved, proxy=proxy, allow_redirects=False) as answer:
                if answer.status not in _REDIRECTS:
                    _check(answer, doing, shop.access)
                    yield answer
                    return
                url = urljoin(url, answer.headers.get("Location", ""))
        raise Unavailable(f"{doing}: it leads from one address to the next without end")

    async def _session(self, shop: Shop, url: str) -> aiohttp.ClientSession:
        """The connections for a URL. Those that a repository had by another certificate or authority are closed."""
        trust = Trust.of(shop.access) if _same_place(shop.url, url) else Trust()
        if _same_place(shop.url, url):
            before = self._trusts.get(shop.url, trust)
            self._trusts[shop.url] = trust
            if before != trust and before not in self._trusts.values():
                await self._close(before)
        if trust not in self._sessions:
            self._sessions[trust] = self._opened(trust)
        return self._sessions[trust]

    async def _close(self, trust: Trust) -> None:
        if old := self._sessions.pop(trust, None):
            await old.close()

    def _opened(self, trust: Trust) -> aiohttp.ClientSession:
        context = trust.context(self._environment, _private_file)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=_CarefulResolver(), limit_per_host=4, ssl=context),
            # Cookies of one user of a host would be another's. A netrc file is nobody's whom we know.
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={"User-Agent": "tiphys"},
            timeout=aiohttp.ClientTimeout(total=self._seconds, sock_connect=10),
        )


def _same_place(one: str, other: str) -> bool:
    """Whether two URLs are of the same host, at the same port, spoken to in the same way."""
    here, there = urlsplit(one), urlsplit(other)
    return (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)


def _bare(url: str) -> str:
    """A URL without a user and a password, which the header tells."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


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


def _check(answer: aiohttp.ClientResponse, doing: str, access: Access) -> None:
    if error := _told(answer, doing, access):
        raise error


def _told(answer: aiohttp.ClientResponse, doing: str, access: Access) -> TiphysError | None:
    match answer.status:
        case 200 | 304:
            return None
        case 401 | 403 | 407:
            why = "it asks for credentials or refuses them"
            why += f"; {access.remedy}" if access.remedy else ""
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
            return (
                "no secure connection: its certificate is not trusted here, or the handshake failed; an authority of "
                "your own belongs into the ConfigMap argocd-tls-certs-cm under the host's name"
            )
        case aiohttp.ClientConnectorError():
            return "nothing answers at this address"
        case aiohttp.InvalidURL():
            return "it is not a URL"
    return "the connection broke off"
