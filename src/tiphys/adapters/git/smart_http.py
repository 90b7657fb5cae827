"""
Asking a remote over HTTP for some of its refs: ``ls-refs`` of Git's protocol version 2, with ref prefixes.

``git ls-remote`` cannot do this: its patterns are applied to the full list after it arrived, and a host with
a hundred thousand refs sends six megabytes each time. Here a look is one small request on a connection that
stays open, and no process. A remote that speaks an older protocol is left to ``git ls-remote``.
See gitprotocol-v2(5) and gitprotocol-http(5).
"""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from tempfile import NamedTemporaryFile
from urllib.parse import urljoin, urlsplit

import aiohttp

from tiphys.adapters.git.refs import Refs, from_ls_refs
from tiphys.adapters.git.remote import Remote
from tiphys.adapters.git.settings import MIB, Settings
from tiphys.adapters.git.troubles import (
    BROKEN_OFF,
    MISSING,
    NOT_TRUSTED,
    SIGN_IN,
    SIGN_IN_PAGE,
    SLOW_DOWN,
    asking,
    printable,
)
from tiphys.adapters.git.visiting import authorization
from tiphys.model.addresses import host_of, off_limits, shown
from tiphys.model.errors import SpecError, Unavailable
from tiphys.model.trust import Trust

_ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
_RESULT = "application/x-git-upload-pack-result"
_QUERY = "/info/refs?service=git-upload-pack"
# Some hosts answer with a web page unless the client says that it is git.
_HEADERS = {"User-Agent": "git/2.39 (tiphys)", "Git-Protocol": "version=2", "Accept-Encoding": "gzip"}
_ASKING = {"Content-Type": "application/x-git-upload-pack-request", "Accept": _RESULT}
_MOST_BYTES = 64 * MIB
_MOST_HOPS = 5
_private_file = partial(NamedTemporaryFile, "w")


@dataclass(frozen=True, slots=True)
class _Door:
    """Where a remote answers, and what it can."""

    url: str
    abilities: frozenset[str]


class _MovedError(Exception):
    """The remote no longer answers where and how it did."""


class SmartHttp:
    """The refs of remotes over HTTP. Remembers where each answered and what it can."""

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.ask_seconds
        self._environment = settings.environment
        self._doors: dict[str, _Door] = {}
        self._sessions: dict[Trust, aiohttp.ClientSession] = {}
        self._trusts: dict[str, Trust] = {}

    async def refs(self, remote: Remote, prefixes: Collection[str]) -> Refs | None:
        """The refs that start with one of the prefixes; ``None`` if the remote speaks an older protocol."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._refs(remote, prefixes)
        except TimeoutError as error:
            raise Unavailable(f"{asking(remote)}: no answer within {self._seconds:g} seconds") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unavailable(f"{asking(remote)}: {_why(error)}") from error

    async def aclose(self) -> None:
        """Close the connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        self._trusts.clear()

    async def _refs(self, remote: Remote, prefixes: Collection[str]) -> Refs | None:
        if door := self._doors.get(remote.url):
            try:
                return await self._ask(remote, door, prefixes)
            except _MovedError:
                del self._doors[remote.url]
        door = await self._find(remote)
        if "version 2" not in door.abilities:
            return None
        try:
            refs = await self._ask(remote, door, prefixes)
        except _MovedError as error:
            raise Unavailable(f"{asking(remote)}: {error}") from error
        self._doors[remote.url] = door
        return refs

    async def _find(self, remote: Remote) -> _Door:
        url = remote.bare + _QUERY
        session = await self._session(remote)
        for _ in range(_MOST_HOPS):
            headers = {**_HEADERS, **authorization(remote, url)}
            proxy = self._proxy(remote, url)
            async with session.get(url, headers=headers, proxy=proxy, allow_redirects=False) as answer:
                if answer.status in (301, 302, 303, 307, 308):
                    url = _next(remote, url, answer.headers.get("Location", ""))
                    continue
                _check(remote, answer)
                if answer.content_type != _ADVERTISEMENT:
                    return self._plain(remote, answer, await answer.content.read(512))
                return _Door(url.removesuffix(_QUERY), frozenset(_lines(await _body(answer))))
        raise Unavailable(f"{asking(remote)}: it leads from one address to the next without end")

    def _plain(self, remote: Remote, answer: aiohttp.ClientResponse, start: bytes) -> _Door:
        """What is no smart remote: a web page, or a repository's files, which ``git ls-remote`` can read."""
        if answer.content_type == "text/html" or start.lstrip()[:1] == b"<":
            raise Unavailable(f"{asking(remote)}: {SIGN_IN_PAGE}")
        return _Door(remote.bare, frozenset())

    async def _ask(self, remote: Remote, door: _Door, prefixes: Collection[str]) -> Refs:
        if "object-format=sha256" in door.abilities:
            raise SpecError(f"{remote.shown}: repositories with SHA-256 object names are not supported yet")
        url = f"{door.url}/git-upload-pack"
        proved = authorization(remote, url)
        headers = {**_HEADERS, **_ASKING, **proved}
        session, question, proxy = (
            await self._session(remote),
            _question(door, prefixes),
            self._proxy(remote, url),
        )
        async with session.post(
            url, data=question, headers=headers, proxy=proxy, allow_redirects=False
        ) as answer:
            if answer.status in (301, 302, 307, 308, 404, 405, 415):
                raise _MovedError(MISSING)
            _check(remote, answer)
            if answer.content_type != _RESULT:
                raise _MovedError(SIGN_IN_PAGE)
            return from_ls_refs(_lines(await _body(answer)))

    def _proxy(self, remote: Remote, url: str) -> str | None:
        return remote.access.way(url, self._environment) or None

    async def _session(self, remote: Remote) -> aiohttp.ClientSession:
        """The connections for a remote. Those that it had by another certificate or authority are closed."""
        trust = Trust.of(remote.access)
        before = self._trusts.get(remote.url, trust)
        self._trusts[remote.url] = trust
        if (
            before != trust
            and before not in self._trusts.values()
            and (old := self._sessions.pop(before, None))
        ):
            await old.close()
        if trust not in self._sessions:
            connector = aiohttp.TCPConnector(ssl=trust.context(self._environment, _private_file))
            # Cookies of one user of a host would be another's. A netrc file is nobody's whom we know.
            jar = aiohttp.DummyCookieJar()
            self._sessions[trust] = aiohttp.ClientSession(
                connector=connector, cookie_jar=jar, trust_env=False
            )
        return self._sessions[trust]


def _check(remote: Remote, answer: aiohttp.ClientResponse) -> None:
    match answer.status:
        case 200:
            return
        case 401 | 403 | 407:
            why = _advised(SIGN_IN, remote)
        case 404 | 410:
            why = _advised(MISSING, remote)
        case 429:
            after = answer.headers.get("Retry-After", "")
            why = SLOW_DOWN + (f"; again after {after[:40]} seconds" if after.isdigit() else "")
        case status:
            why = f"the Git host answers with HTTP {status}"
    raise Unavailable(f"{asking(remote)}: {why}")


def _advised(why: str, remote: Remote) -> str:
    return f"{why}; {remote.access.remedy}" if remote.access.remedy else why


def _next(remote: Remote, url: str, location: str) -> str:
    target = urljoin(url, location)
    if urlsplit(target).scheme not in ("http", "https") or off_limits(host_of(target)):
        raise Unavailable(f"{asking(remote)}: it leads to {shown(target)[:200]}, where we do not go")
    if not target.endswith(_QUERY):
        raise Unavailable(f"{asking(remote)}: it leads to {shown(target)[:200]}; {SIGN_IN_PAGE}")
    return target


def _question(door: _Door, prefixes: Collection[str]) -> bytes:
    # A server refuses a request that names an ability which it did not advertise.
    said = [b"object-format=sha1\n"] if "object-format=sha1" in door.abilities else []
    wishes = [b"peel\n", b"symrefs\n", *(f"ref-prefix {p}\n".encode() for p in prefixes)]
    lines = [*map(_packet, [b"command=ls-refs\n", *said]), b"0001", *map(_packet, wishes), b"0000"]
    return b"".join(lines)


def _packet(line: bytes) -> bytes:
    return b"%04x%s" % (len(line) + 4, line)


def _lines(body: bytes) -> Iterator[str]:
    """The lines of a body of packets; raises ``ValueError`` where it is no such body."""
    at = 0
    while at < len(body):
        size = int(body[at : at + 4], 16)
        if at + size > len(body) or size == 3:
            raise ValueError("its answer breaks off")
        line = body[at + 4 : at + size].decode("utf-8", "surrogateescape").rstrip("\n")
        if line.startswith("ERR "):
            raise ValueError(f"it says: {printable(line[4:204])}")
        if size > 4:
            yield line
        at += max(size, 4)


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        body += chunk
        if len(body) > _MOST_BYTES:
            raise ValueError(f"its answer is larger than {_MOST_BYTES // MIB} MiB")
    return bytes(body)


def _why(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its host name cannot be looked up; check repoURL and DNS"
        case aiohttp.ClientSSLError():
            return NOT_TRUSTED
        case aiohttp.ClientConnectorError():
            return "nothing answers at this address"
        case ValueError():
            return str(error)
    return BROKEN_OFF
