"""
Asks a registry over HTTP: signed in as it wants, redirects followed with care, sizes and times bounded.

Credentials go to the registry that they are for and to the realm that it names, over TLS or on this machine; a
redirect takes none along.
"""

import asyncio
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from tiphys.adapters.registry.budget import Budget
from tiphys.adapters.registry.challenges import Challenge, Token, basic, challenge, token_of
from tiphys.adapters.registry.documents import read
from tiphys.adapters.registry.settings import MIB, Settings
from tiphys.model.addresses import host_of, off_limits, shown
from tiphys.model.errors import Refused, SpecError, Unavailable
from tiphys.model.images import HUB, Login, Repository

_HUB_HOST = "registry-1.docker.io"
_MOST_HOPS = 5
_MOST_TOKENS = 5000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Question:
    """A request about a repository."""

    repository: Repository
    path: str
    """Below the repository's own: ``tags/list``; may carry a query."""
    login: Login | None = None
    method: str = "GET"
    accept: str = "application/json"
    etag: str = ""
    """What we have already: answered with 304 if it still is so."""
    most: int = 4 * MIB

    def __str__(self) -> str:
        what = self.path.partition("?")[0]
        return f"{self.repository}: ask for {what}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry said: 200, 304 or 404."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    challenges: tuple[str, ...] = ()
    """How it asks who we are."""


@dataclass
class Asking:
    """The connections to registries."""

    settings: Settings
    budgets: dict[str, Budget] = field(default_factory=dict)
    _session: aiohttp.ClientSession | None = None
    _tokens: dict[tuple[str, str, Login | None], tuple[str, float]] = field(default_factory=dict)
    """The header by which a registry knows us, by its name, the repository and who we are, and when that ends."""

    async def ask(self, question: Question) -> Answer:
        """The answer. Raises ``Unavailable``, ``Refused`` if we may not, ``SpecError`` for what is never asked."""
        registry, doing = question.repository.registry, str(question)
        if registry not in self.budgets:
            self.budgets[registry] = Budget(self.settings, time.monotonic)
        budget = self.budgets[registry]
        async with budget.spent(doing):
            try:
                async with asyncio.timeout(self.settings.seconds):
                    answer = await self._signed_in(question)
            except TimeoutError as error:
                budget.failed(f"it did not answer within {self.settings.seconds:g} s")
                raise Unavailable(f"{doing}: no answer within {self.settings.seconds:g} s") from error
            except (aiohttp.ClientError, OSError) as error:
                budget.failed(why := _why(error))
                raise Unavailable(f"{doing}: {why}") from error
        self._expect(answer, question, budget)
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()
            self._session = None

    def address(self, repository: Repository) -> str:
        """The URL of a repository's part of the API."""
        host = _HUB_HOST if repository.registry == HUB else repository.registry
        scheme = "http" if self._may_be_plain(host) else "https"
        return f"{scheme}://{host}/v2/{repository.path}/"

    async def _signed_in(self, question: Question) -> Answer:
        key = (question.repository.registry, question.repository.path, question.login)
        header, until = self._tokens.get(key, ("", 0.0))
        url = self.address(question.repository) + question.path
        answer = await self._sent(question, url, header if time.monotonic() < until else "")
        if answer.status != 401:
            return answer
        wanted = challenge(answer.challenges)
        if wanted is None or (wanted.scheme == "basic" and not question.login):
            return answer
        header, seconds = await self._header(wanted, question)
        if len(self._tokens) >= _MOST_TOKENS:
            self._tokens.clear()
        self._tokens[key] = (header, time.monotonic() + seconds)
        return await self._sent(question, url, header)

    async def _header(self, wanted: Challenge, question: Question) -> tuple[str, float]:
        """What shows the registry who we are, and for how many seconds."""
        if wanted.scheme == "basic" and question.login:
            self._expect_private(self.address(question.repository), question)
            return basic(question.login), float("inf")
        token = await self._token(wanted, question)
        return f"Bearer {token.value}", token.seconds

    async def _token(self, wanted: Challenge, question: Question) -> Token:
        """A token of the realm that a registry names."""
        realm = urljoin(self.address(question.repository), wanted.realm)
        self._expect_private(realm, question)
        scope = wanted.scope or f"repository:{question.repository.path}:pull"
        query = urlencode(
            {name: text for name, text in (("service", wanted.service), ("scope", scope)) if text}
        )
        url = f"{realm}{'&' if '?' in realm else '?'}{query}"
        answer = await self._once(
            "GET", url, {"Authorization": basic(question.login)} if question.login else {}
        )
        if answer.status in (401, 403):
            raise Refused(f"{question}: {_denied(question)}")
        token = token_of(read(answer.body, str(question))) if answer.status == 200 else None
        if token is None:
            raise Unavailable(f"{question}: {shown(realm)[:200]} gives no token (HTTP {answer.status})")
        return token

    async def _sent(self, question: Question, url: str, authorization: str) -> Answer:
        """The answer, redirects followed: who answers in the registry's stead is not told who we are."""
        own, headers = host_of(url), {"Accept": question.accept}
        if question.etag:
            headers["If-None-Match"] = question.etag
        for _ in range(_MOST_HOPS):
            known = {"Authorization": authorization} if authorization and host_of(url) == own else {}
            answer = await self._once(question.method, url, headers | known, question.most)
            if answer.status not in _REDIRECTS:
                return answer
            url = urljoin(url, answer.headers.get("Location", ""))
        raise Unavailable(f"{question}: it leads from one address to the next without end")

    async def _once(self, method: str, url: str, headers: Mapping[str, str], most: int = MIB) -> Answer:
        if problem := self._problem(url):
            raise SpecError(f"{shown(url)[:200]}: {problem}")
        call = self._http().request(method, url, headers=headers, allow_redirects=False)
        async with call as response:
            body = bytearray()
            async for piece in response.content.iter_chunked(65536):
                body += piece
                if len(body) > most:
                    raise SpecError(
                        f"{shown(url)[:200]} sends more than {most // MIB} MiB, the most that we take"
                    )
            challenges = response.headers.getall("WWW-Authenticate", ())
            return Answer(response.status, bytes(body), response.headers, tuple(challenges))

    def _expect(self, answer: Answer, question: Question, budget: Budget) -> None:
        """Raises unless the answer is about what was asked."""
        match answer.status:
            case 200 | 304 | 404:
                budget.answered()
            case 401 | 403:
                raise Refused(f"{question}: {_denied(question)}")
            case 429:
                budget.refused(answer.headers.get("Retry-After", ""), datetime.now(UTC))
                raise Unavailable(f"{question}: it has had too many requests (HTTP 429)")
            case status:
                budget.failed(f"it answers with HTTP {status}")
                raise Unavailable(f"{question}: it answers with HTTP {status}")

    def _problem(self, url: str) -> str:
        """Why nothing is sent to a URL; empty if it is."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            return "it is not a URL"
        if off_limits(host):
            return "that address belongs to a machine's metadata service"
        if parts.scheme == "https" or (parts.scheme == "http" and self._may_be_plain(parts.netloc)):
            return ""
        return "a registry is asked over https://; declare one without it in TIPHYS_PLAIN_REGISTRIES"

    def _expect_private(self, url: str, question: Question) -> None:
        """Raises ``SpecError`` if credentials sent there could be read on the way."""
        if question.login and (problem := self._problem(url)):
            raise SpecError(f"{question}: {shown(url)[:200]}: {problem}")

    def _may_be_plain(self, netloc: str) -> bool:
        return netloc in self.settings.plain or _is_here(host_of(f"http://{netloc}"))

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=_Resolver(), keepalive_timeout=75),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
                headers={"User-Agent": "tiphys"},
                # Cookies of one user of a registry would be another's.
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=True,
            )
        return self._session


class _Resolver(ThreadedResolver):
    """Looks up names, but none that leads to a service that hands out the machine's credentials."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = [one for one in await super().resolve(host, port, family) if not off_limits(one["host"])]
        if not found:
            raise OSError(None, f"the name {host} leads to a machine's metadata service")
        return found


def _is_here(host: str) -> bool:
    """Whether a host is this machine."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _denied(question: Question) -> str:
    if question.login:
        return (
            f"the credentials of {question.login.user or 'the token'} are not taken, or may not pull from it"
        )
    return "it wants to know who we are, or there is no such image; name a Secret with a docker config"


def _why(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its host name cannot be found"
        case aiohttp.ClientSSLError():
            return "no secure connection: its certificate is not trusted here, or it speaks no TLS"
        case aiohttp.ClientConnectorError():
            return "nothing answers at this address"
    return "the connection broke off"
