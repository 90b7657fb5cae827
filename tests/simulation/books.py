"""
A Git repository, a renderer and a cache in memory, behind the ports of the stories.

A chart is a folder with a ``Chart.yaml``, a ``values.json`` and templates that are JSON with ``$name`` for values.
"""

import asyncio
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha1
from pathlib import Path, PurePosixPath
from string import Template
from typing import Any

from tiphys.model.errors import SpecError, Unavailable
from tiphys.model.objects import Body
from tiphys.model.rendering import (
    ChartPin,
    ChartRender,
    CommitMeta,
    Entry,
    Rendered,
    RenderedObject,
    Tip,
)

REPO = "https://git.example.org/charts.git"
Files = Mapping[str, str]


class Books:
    """The repository as everybody shares it: commits by their id, and a branch."""

    def __init__(self) -> None:
        self.commits: dict[str, dict[str, str]] = {}
        self.tip = ""
        self.order: list[str] = []
        self.cloned: set[str] = set()
        """The commits that were fetched once, which stay on disk."""

    @property
    def files(self) -> dict[str, str]:
        """What the branch holds."""
        return self.commits.get(self.tip, {})

    def push(self, files: Files) -> str:
        """Commit exactly these files."""
        self.tip = _oid(f"{len(self.order)} {self.tip} {sorted(files.items())}")
        self.commits[self.tip] = dict(files)
        self.order.append(self.tip)
        return self.tip


class Reader:
    """One engine's way to the repository and its renderer; goes when the engine goes."""

    def __init__(
        self,
        books: Books,
        *,
        latency: Callable[[], float] = lambda: 0.0,
        down: Callable[[], bool] = lambda: False,
    ) -> None:
        self._books = books
        self._latency = latency
        self._down = down
        self._laid: dict[str, Files] = {}
        self.renders = 0

    def of(self, project: str) -> "Reader":  # noqa: ARG002
        """The same for every project."""
        return self

    def scope(self, repo: str, project: str) -> str:  # noqa: ARG002
        """No project has credentials of its own."""
        return ""

    async def resolve(self, repo: str, revision: str) -> Tip:
        """Where the branch, or a commit, points to."""
        await self._outside(f"ask {repo}")
        if revision in self._books.commits:
            return Tip(revision)
        return Tip(self._books.tip, "refs/heads/main")

    async def entries(self, repo: str, sha: str, paths: Collection[str]) -> Mapping[str, Entry | None]:
        """What lies at each path."""
        await self._fetched(repo, sha)
        files = self._books.commits[sha]
        return {path: _entry(files, path) for path in paths}

    async def files(self, repo: str, sha: str, folder: str) -> Sequence[str]:
        """Every file below a folder."""
        await self._fetched(repo, sha)
        return sorted(_below(self._books.commits[sha], folder))

    async def read(self, repo: str, sha: str, path: str) -> bytes:
        """The content of a file."""
        await self._fetched(repo, sha)
        return self._books.commits[sha][path].encode()

    async def lay(self, repo: str, sha: str, paths: Collection[str], into: Path) -> None:  # noqa: ARG002
        """Remember what would lie in a folder."""
        await self._fetched(repo, sha)
        self._laid[str(into)] = self._books.commits[sha]

    async def commit(self, repo: str, sha: str) -> CommitMeta:
        """Nobody asks."""
        raise NotImplementedError

    async def between(
        self, repo: str, older: str, newer: str, paths: Collection[str]
    ) -> Sequence[CommitMeta]:
        """The commits that changed one of the paths, newest first."""
        await self._fetched(repo, newer)
        order, commits = self._books.order, self._books.commits
        begin = order.index(older) + 1 if older in order else 0
        end = order.index(newer) + 1
        changed = []
        for number in range(begin, end):
            was, now = commits[order[number - 1]] if number else {}, commits[order[number]]
            if any(_entry(was, path) != _entry(now, path) for path in paths):
                changed.append(CommitMeta("Ada", "", "a change", order[number], "2026-01-01T00:00:00Z"))
        return changed[::-1] if begin else changed[-1:]

    async def is_ancestor(self, repo: str, older: str, newer: str) -> bool:
        """Nobody asks."""
        raise NotImplementedError

    async def versions(self, repository: str, name: str) -> Sequence[str]:
        """Nobody asks: there are no chart repositories here."""
        raise NotImplementedError

    async def fetch(self, pin: ChartPin) -> Path:
        """Nobody asks."""
        raise NotImplementedError

    async def best_version(self, constraint: str, versions: Sequence[str]) -> str | None:
        """Nobody asks."""
        raise NotImplementedError

    async def render_chart(self, chart: ChartRender) -> Rendered:
        """The objects of a chart."""
        await asyncio.sleep(self._latency())
        self.renders += 1
        folder = PurePosixPath(chart.chart).relative_to(chart.root)
        return Rendered(tuple(rendered(self._laid[chart.root], str(folder))))

    async def decode_files(self, files: Sequence[Path], root: Path) -> Sequence[RenderedObject]:
        """Nobody asks: there are charts alone."""
        raise NotImplementedError

    async def decode_text(self, text: str, name: str) -> Sequence[Body]:  # noqa: ARG002
        """A document, which is JSON here."""
        return [json.loads(text)]

    @contextmanager
    def workspace(self) -> Iterator[str]:
        """The name of a folder that nobody makes."""
        root = f"/memory/{len(self._laid)}"
        self._laid[root] = {}
        yield root
        self._laid[root] = {}

    async def _fetched(self, repo: str, sha: str) -> None:
        """What is here already, nobody is asked for."""
        if sha not in self._books.cloned:
            await self._outside(f"fetch {repo}")
            self._books.cloned.add(sha)

    async def _outside(self, doing: str) -> None:
        await asyncio.sleep(self._latency())
        if self._down():
            raise Unavailable(f"{doing}: connection refused")


class Kept:
    """A render cache that outlives its engine."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    async def get(self, key: str) -> bytes | None:
        """What was kept."""
        return self.values.get(key)

    async def put(self, key: str, value: bytes) -> None:
        """Keep it."""
        self.values[key] = value


def rendered(files: Files, folder: str) -> Iterator[RenderedObject]:
    """The objects of a chart; raises ``SpecError`` for a template that is broken."""
    values = json.loads(files.get(f"{folder}/values.json", "{}"))
    for name in sorted(_below(files, f"{folder}/templates")):
        file = f"{folder}/templates/{name}"
        try:
            body: dict[str, Any] = json.loads(Template(files[file]).substitute(values))
        except (KeyError, ValueError) as error:
            raise SpecError(f"{file}: {error}") from error
        yield RenderedObject(file, body)


def _entry(files: Files, path: str) -> Entry | None:
    if path in files:
        return Entry(PurePosixPath(path), _oid(files[path]), "blob")
    below = _below(files, path)
    if not below:
        return None
    inside = sorted((name, files[f"{path}/{name}" if path else name]) for name in below)
    return Entry(PurePosixPath(path), _oid(repr(inside)), "tree")


def _below(files: Files, folder: str) -> list[str]:
    return [path.removeprefix(f"{folder}/") for path in files if not folder or path.startswith(f"{folder}/")]


def _oid(text: str) -> str:
    return sha1(text.encode()).hexdigest()  # noqa: S324 - a name, as Git has it
