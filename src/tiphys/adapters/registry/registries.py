"""
The door that the stories come in by: tags, digests, and when images were built.

A page of tags is asked for again only as far as it changed. What a digest names never changes: it is kept for ever.
Whatever is remembered is remembered by who asked, so that nobody learns what another one's credentials showed.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urljoin, urlsplit

import msgspec
import orjson

from tiphys.adapters.registry import documents
from tiphys.adapters.registry.asking import Asking, Question
from tiphys.adapters.registry.settings import Settings
from tiphys.model.errors import SpecError, Unavailable
from tiphys.model.images import Built, Login, Platform, Repository

_MOST_KEPT = 20_000
"""So many tags at most are remembered with what they point to, and so many pages of tags."""


class Cache(Protocol):
    """What outlives a process."""

    async def get(self, key: str) -> bytes | None:
        """What was kept under the key."""

    async def put(self, key: str, value: bytes) -> None:
        """Keep it."""


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of tags, and what came with it."""

    etag: str
    tags: tuple[str, ...]
    after: str
    """The path of the next page; empty for the last."""


_Seen = tuple[Repository, str, Platform, Login | None]


class Registries:
    """Registries, asked as seldom as can be."""

    def __init__(self, cache: Cache, settings: Settings | None = None) -> None:
        self._cache = cache
        self._settings = settings or Settings()
        self._asking = Asking(self._settings)
        self._pages: dict[tuple[Repository, str, Login | None], _Page] = {}
        self._built: dict[_Seen, tuple[Built | None, float]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._asking.aclose()

    async def tags(self, repository: Repository, login: Login | None = None) -> Sequence[str]:
        """Every tag. Raises ``SpecError`` if there is no such repository, ``Unavailable``, ``Refused``."""
        path, found = f"tags/list?n={self._settings.page_tags}", list[str]()
        for _ in range(self._settings.pages):
            page = await self._page(repository, path, login)
            found += page.tags
            if not page.after:
                return list(dict.fromkeys(found))
            path = page.after
        raise SpecError(
            f"{repository} has more than {len(found)} tags: tags that nobody needs should be deleted"
        )

    async def digest(self, repository: Repository, tag: str, login: Login | None = None) -> str:
        """The digest that a tag points to. Raises ``SpecError`` if there is no such tag."""
        question = Question(repository, f"manifests/{tag}", login, "HEAD", documents.ACCEPTED)
        answer = await self._asking.ask(question)
        if answer.status == 404:
            raise SpecError(f"{repository} has no tag {tag}")
        told = answer.headers.get("Docker-Content-Digest", "")
        if documents.is_digest(told):
            return told
        return documents.digest_of((await self._document(repository, f"manifests/{tag}", login))[0])

    async def built(
        self, repository: Repository, tag: str, platform: Platform, login: Login | None = None
    ) -> Built | None:
        """The image under a tag, for a platform; ``None`` if there is none for it."""
        key = (repository, tag, platform, login)
        known, until = self._built.get(key, (None, 0.0))
        if time.monotonic() < until:
            return known
        if len(self._built) >= _MOST_KEPT:
            self._built.clear()
        found = await self._described(repository, tag, platform, login)
        self._built[key] = (found, time.monotonic() + self._settings.hold_seconds)
        return found

    def forget(self, repository: Repository, tag: str = "") -> None:
        """Somebody says that a tag, or any, points elsewhere now."""
        for key in [k for k in self._built if k[0] == repository and tag in ("", k[1])]:
            del self._built[key]

    async def _page(self, repository: Repository, path: str, login: Login | None) -> _Page:
        known = self._pages.get((repository, path, login))
        question = Question(
            repository, path, login, etag=known.etag if known else "", most=self._settings.list_bytes
        )
        answer = await self._asking.ask(question)
        if answer.status == 304 and known:
            return known
        if answer.status != 200:
            raise SpecError(f"{repository.registry} has no repository {repository.path}")
        document = documents.read(answer.body, str(question))
        after = self._after(repository, path, answer.headers.get("Link", ""))
        page = _Page(answer.headers.get("ETag", ""), documents.tags_of(document), after)
        if len(self._pages) >= _MOST_KEPT:
            self._pages.clear()
        if page.etag:
            self._pages[repository, path, login] = page
        return page

    def _after(self, repository: Repository, path: str, link: str) -> str:
        """The path of the next page, which has to be of the same repository."""
        target, _, relation = link.partition(">")
        if not target.startswith("<") or 'rel="next"' not in relation.replace("=next", '="next"'):
            return ""
        own = self._asking.address(repository)
        url = urlsplit(urljoin(own + path, target[1:]))
        if url.path != urlsplit(f"{own}tags/list").path:
            raise Unavailable(f"the tags of {repository} go on at another address: {target[1:100]}")
        return f"tags/list?{url.query}"

    async def _described(
        self, repository: Repository, tag: str, platform: Platform, login: Login | None
    ) -> Built | None:
        """What a tag points to, from the cache if it ever was asked for; ``None`` where it points to nothing."""
        try:
            digest = await self.digest(repository, tag, login)
        except SpecError:
            return None  # it was deleted since it was listed
        key = f"image:{repository}@{digest}:{platform}"
        # Who asks may see it: the registry has just told the digest.
        if kept := await self._cache.get(key):
            return msgspec.json.decode(kept, type=Built | None)
        found = await self._read(repository, digest, platform, login)
        await self._cache.put(key, orjson.dumps(found))
        return found

    async def _read(
        self, repository: Repository, digest: str, platform: Platform, login: Login | None
    ) -> Built | None:
        manifest = (await self._document(repository, f"manifests/{digest}", login))[1]
        if documents.is_index(manifest):
            if not (inner := documents.chosen(manifest, platform)):
                return None
            manifest = (await self._document(repository, f"manifests/{inner}", login))[1]
        config = documents.config_of(manifest)
        if not config:
            return Built(digest, None)
        described = (await self._document(repository, f"blobs/{config}", login))[1]
        if platform.architecture and not platform.runs(documents.platform_of(described)):
            return None
        return Built(digest, documents.created_of(described))

    async def _document(
        self, repository: Repository, path: str, login: Login | None
    ) -> tuple[bytes, dict[str, object]]:
        """A document by its tag or digest; what is named by a digest has to be it."""
        accept = documents.ACCEPTED if path.startswith("manifests/") else "*/*"
        question = Question(repository, path, login, accept=accept, most=self._settings.document_bytes)
        answer = await self._asking.ask(question)
        if answer.status != 200:
            raise Unavailable(f"{question}: it is not there")
        named = path.partition("/")[2]
        if documents.is_digest(named) and not documents.is_content(answer.body, named):
            raise Unavailable(f"{question}: what comes is not what the digest names")
        return answer.body, documents.read(answer.body, str(question))
