"""
Chart repositories, asked as seldom as can be: the door that the stories come in by.

An index is asked for again only after a while and only if it changed. An archive is fetched once, ever: what was
deployed can be rendered again after its repository has moved, vanished, or put another archive under the version.
"""

import asyncio
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit, urlunsplit
from weakref import WeakValueDictionary

import msgspec
import structlog

from tiphys.adapters.charts import archive as archives
from tiphys.adapters.charts.index import Index, Listed, parsed
from tiphys.adapters.charts.settings import Settings
from tiphys.adapters.charts.web import Shop, Web, body_of, problem_of
from tiphys.model.access import Access, Ways, for_anybody
from tiphys.model.addresses import folder_of, shown
from tiphys.model.errors import SpecError, Unavailable
from tiphys.model.rendering import ChartPin

_SAFE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    """An index and when, by the clock of this process, its repository last said that it holds."""

    index: Index
    asked: float
    access: Access
    """By which it was asked: what is known by another one is asked anew."""


class HttpChartRepositories:
    """Fulfils ``ChartRepositories``: indexes and archives are kept under ``root`` and survive restarts."""

    def __init__(self, root: Path, settings: Settings | None = None, ways: Ways = for_anybody) -> None:
        self._root = root
        self._settings = settings or Settings()
        self._ways = ways
        self._project = ""
        self._web = Web(self._settings)
        self._held: dict[str, _Held] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(_sweep, self._root)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._web.aclose()

    def of(self, project: str) -> "HttpChartRepositories":
        """The same repositories, by the credentials that are for a project, and those that are for all."""
        seen = copy(self)
        seen._project = project  # noqa: SLF001 - its own kind
        return seen

    async def versions(self, repository: str, name: str) -> Sequence[str]:
        """The versions of a chart, in the order of the repository's index; ``SpecError`` if it has no such chart."""
        _check(repository, name)
        return [listed.version for listed in await self._listed(repository, name)]

    async def fetch(self, pin: ChartPin) -> Path:
        """The chart's archive on disk; fetched if it never was, and checked against the digest of the index."""
        _check(pin.repository, pin.name, pin.version)
        place = self._folder(pin.repository) / f"{pin.name}-{pin.version}.tgz"
        if await asyncio.to_thread(place.exists):
            return place
        async with self._alone(str(place)):
            if not await asyncio.to_thread(place.exists):
                try:
                    await self._bring(pin, place)
                except OSError as error:
                    raise Unavailable(
                        f"{_doing(pin)}: {error.strerror or error} (in {self._root})"
                    ) from error
        return place

    async def _bring(self, pin: ChartPin, place: Path) -> None:
        listed = await self._pinned(pin)
        if not listed.urls:
            raise Unavailable(f"{_doing(pin)}: the repository's index tells no URL of the archive")
        for url in listed.urls:
            try:
                return await self._download(_absolute(pin.repository, url), pin, listed.digest, place)
            except Unavailable:
                if url == listed.urls[-1]:
                    raise
        return None

    async def _download(self, url: str, pin: ChartPin, digest: str, place: Path) -> None:
        doing = _doing(pin) if url.startswith(pin.repository) else f"{_doing(pin)} ({shown(url)[:200]})"
        await asyncio.to_thread(place.parent.mkdir, parents=True, exist_ok=True)
        fresh = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=".new-", dir=place.parent))
        try:
            found = await self._stream(self._shop(pin.repository), url, doing, fresh / "chart.tgz")
            if digest and digest != found:
                raise Unavailable(
                    f"{doing}: the archive is not the one that the index describes: "
                    f"its SHA-256 is {found}, and the index says {digest}"
                )
            await asyncio.to_thread(archives.check, fresh / "chart.tgz", pin.name, self._settings)
            await asyncio.to_thread((fresh / "chart.tgz").replace, place)
        except archives.BadArchiveError as error:
            raise SpecError(f"{doing}: {error}") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, fresh, ignore_errors=True)

    async def _stream(self, shop: Shop, url: str, doing: str, into: Path) -> str:
        """Write the body of a URL into a file, and answer its SHA-256."""
        digest = hashlib.sha256()
        # An archive is packed already; a server that packs it once more must not change its bytes.
        headers = {"Accept-Encoding": "identity"}
        with into.open("wb") as file:
            async with self._web.get(shop, url, doing, headers) as answer:
                async for piece in body_of(answer, self._settings.archive_bytes, doing):
                    if not file.tell() and not archives.looks_packed(piece):
                        raise Unavailable(
                            f"{doing}: what answers is no packed chart but {answer.content_type} "
                            "(a login page, perhaps)"
                        )
                    digest.update(piece)
                    file.write(piece)
            await asyncio.to_thread(_flush, file.fileno())
        return digest.hexdigest()

    async def _pinned(self, pin: ChartPin) -> Listed:
        """The pinned version in the index; one that was published since we last asked is found too."""
        for fresh in (False, True):
            versions = await self._listed(pin.repository, pin.name, fresh)
            for listed in versions:
                if listed.version == pin.version:
                    return listed
        there = ", ".join(_like(pin.version, [listed.version for listed in versions])) or "none"
        raise SpecError(
            f"chart {pin.name} of {shown(pin.repository)} has no version {pin.version}; it has {there}"
        )

    async def _listed(self, repository: str, name: str, fresh: bool = False) -> tuple[Listed, ...]:
        index = await self._index(repository, fresh)
        found = index.of(name)
        if found is None and not fresh:
            index = await self._index(repository, fresh=True)
            found = index.of(name)
        if found is None:
            there = ", ".join(_like(name, list(index.charts))) or "none"
            raise SpecError(f"chart repository {shown(repository)} has no chart {name}; it has {there}")
        return found

    async def _index(self, repository: str, fresh: bool) -> Index:
        """The index, from memory for a while, unless it shall be ``fresh``: then for a second."""
        hold = min(1.0, self._settings.hold_seconds) if fresh else self._settings.hold_seconds
        whose = str(self._folder(repository))
        async with self._alone(whose):
            held, access = self._held.get(whose), self._ways(repository, self._project)
            if held is None or held.access != access or time.monotonic() - held.asked >= hold:
                index = await self._ask(repository, held.index if held else None)
                held = _Held(index, time.monotonic(), access)
                self._held[whose] = held
        return held.index

    async def _ask(self, repository: str, known: Index | None) -> Index:
        """The index as the repository has it now; as it was known, if the repository does not answer."""
        kept = self._folder(repository) / "index.json"
        known = known or await asyncio.to_thread(_loaded, kept)
        try:
            found = await self._fetch_index(repository, known)
        except Unavailable as error:
            if known is None:
                raise
            _log.warning("chart repository does not answer; its last known index is used", reason=str(error))
            return known
        if found is not known:
            await asyncio.to_thread(_save, kept, found, f"keep the index of {shown(repository)}")
        return found

    async def _fetch_index(self, repository: str, known: Index | None) -> Index:
        doing = f"index of chart repository {shown(repository)}"
        headers = {"If-None-Match": known.etag, "If-Modified-Since": known.modified} if known else {}
        headers = {name: value for name, value in headers.items() if value}
        url = _absolute(repository, "index.yaml")
        async with self._web.get(self._shop(repository), url, doing, headers) as answer:
            if answer.status == 304 and known:
                return known
            pieces = [piece async for piece in body_of(answer, self._settings.index_bytes, doing)]
            etag, modified = (answer.headers.get(name, "") for name in ("ETag", "Last-Modified"))
            kind = answer.content_type
        text = b"".join(pieces)
        if text.lstrip()[:1] == b"<":
            raise Unavailable(
                f"{doing}: what answers is a web page ({kind}), a login page perhaps; check the URL"
            )
        try:
            return await asyncio.to_thread(parsed, text, etag, modified)
        except ValueError as error:
            raise Unavailable(f"{doing}: its index.yaml is no index: {error}") from error

    def _alone(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    def _shop(self, repository: str) -> Shop:
        access = self._ways(repository, self._project)
        access.expect_usable(f"chart repository {shown(repository)}")
        return Shop(repository, access)

    def _folder(self, repository: str) -> Path:
        """Where a repository's index and archives are. What a project's own credentials brought is no other's."""
        project = self._ways(repository, self._project).project
        return self._root / folder_of(repository.rstrip("/") + (f"#{project}" if project else ""))


def _check(repository: str, name: str, version: str = "0") -> None:
    if repository.startswith(("@", "alias:")):
        raise SpecError(
            f"chart {name}: {repository} is an alias on somebody's machine; write the repository's URL"
        )
    if problem := problem_of(repository):
        raise SpecError(f"chart repository {shown(repository)!r} of chart {name}: {problem}")
    if not _SAFE.match(name) or not _SAFE.match(version):
        raise SpecError(
            f"chart {name[:128]!r} in version {version[:128]!r}: that is no name or no version of a chart"
        )


def _doing(pin: ChartPin) -> str:
    return f"chart {pin.name} {pin.version} from {shown(pin.repository)}"


def _absolute(repository: str, reference: str) -> str:
    """A URL that an index tells, relative to its repository as Helm has it: the repository's query stays."""
    base = urlsplit(repository)
    found = urljoin(
        urlunsplit(base._replace(path=base.path.rstrip("/") + "/", query="", fragment="")), reference
    )
    relative = not urlsplit(reference).netloc and base.query
    return f"{found}?{base.query}" if relative and not urlsplit(found).query else found


def _like(wanted: str, there: list[str], most: int = 5) -> list[str]:
    return list(dict.fromkeys([*get_close_matches(wanted, there[:5000], most, 0.6), *there[:most]]))[:most]


def _loaded(kept: Path) -> Index | None:
    try:
        return msgspec.json.decode(kept.read_bytes(), type=Index)
    except (OSError, msgspec.DecodeError):
        return None


def _save(kept: Path, index: Index, doing: str) -> None:
    fresh = kept.with_name(f".new-index-{os.getpid()}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(msgspec.json.encode(index))
        fresh.replace(kept)
    except OSError as error:
        raise Unavailable(f"{doing} in {kept.parent}: {error.strerror or error}") from error


def _flush(descriptor: int) -> None:
    os.fsync(descriptor)


def _sweep(root: Path) -> None:
    """Remove what an earlier process was fetching when it ended."""
    for left in root.glob("*/.new-*"):
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
