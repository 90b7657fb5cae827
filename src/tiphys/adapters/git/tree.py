"""
The tree of a commit, read as a folder. Its symlinks lead anywhere in the repository, but never out of it.

Nothing is written here; ``laying`` does that.
"""

import itertools
import posixpath
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple, NoReturn, Protocol

from tiphys.adapters.git.objects import Node
from tiphys.model.errors import SpecError
from tiphys.model.rendering import Entry

_MOST_HOPS = 40
_DEEPEST = 100
_MOST_LINKS = 20_000
_MOST_REMEMBERED = 100_000
_MOST_LINES = 20_000
_MOST_ROOTS = 1000
_LONGEST_LINK = 4096
_UNSAFE = frozenset({"", ".", "..", ".git"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: the true path, after every symlink on the way, and what lies there."""

    parts: tuple[str, ...]
    node: Node | None

    @property
    def path(self) -> str:
        """The true path, ``.`` being the root."""
        return "/".join(self.parts) or "."

    @property
    def entry(self) -> Entry | None:
        """What lies there, in the words of the model."""
        return self.node and Entry(PurePosixPath(self.path), self.node.oid, self.node.kind)


class _Step(NamedTuple):
    """Something to visit on a walk."""

    parts: tuple[str, ...]
    """Its true path."""
    at: tuple[str, ...]
    """Its path relative to where the walk began, as someone sees it who follows symlinks."""
    node: Node | None
    above: tuple[tuple[str, ...], ...]
    """The true paths of the folders that led to it."""


class UnreadError(Exception):
    """What was asked for would have to be read from disk."""


class Unread:
    """Stands for objects while nothing is to be read: only what is ``Known`` can be told."""

    def _unread(self, _: str) -> NoReturn:
        raise UnreadError

    root = tree = size = blob = _unread


class Readable(Protocol):
    """What a tree needs of objects."""

    def root(self, sha: str, /) -> str:
        """The id of a commit's tree."""

    def tree(self, oid: str, /) -> dict[str, Node]:
        """The lines of a tree by name."""

    def size(self, oid: str, /) -> int:
        """The bytes of a file's content."""

    def blob(self, oid: str, /) -> bytes:
        """The content of a file."""


class Known:
    """What was read of trees, by their ids: found once, known for every commit that has the same tree."""

    def __init__(self) -> None:
        self._roots: dict[str, str] = {}
        self._lines: dict[str, dict[str, Node]] = {}
        self._count = 0
        self._links: dict[bytes, tuple[str, ...]] = {}

    def root(self, sha: str, objects: Readable) -> str:
        """The id of a commit's tree."""
        if sha not in self._roots:
            if len(self._roots) >= _MOST_ROOTS:
                self._roots.clear()
            self._roots[sha] = objects.root(sha)
        return self._roots[sha]

    def lines(self, oid: str, objects: Readable) -> dict[str, Node]:
        """The lines of a tree on somebody's way; many paths lead through the same ones."""
        if (known := self._lines.get(oid)) is not None:
            return known
        found = objects.tree(oid)
        self._count += len(found)
        if self._count > _MOST_LINES:
            self._lines, self._count = {}, len(found)
        return self._lines.setdefault(oid, found)

    def links(self, oid: str, objects: Readable, depth: int = 0) -> tuple[str, ...]:
        """The paths of the symlinks in a tree and the trees below it, relative to it."""
        key = bytes.fromhex(oid)
        if (known := self._links.get(key)) is not None:
            return known
        if depth > _DEEPEST:
            raise SpecError(f"folders are nested more than {_DEEPEST} deep")
        found: list[str] = []
        for node in objects.tree(oid).values():
            if node.kind == "link":
                found.append(node.name)
            elif node.kind == "tree":
                found += (f"{node.name}/{path}" for path in self.links(node.oid, objects, depth + 1))
        if len(self._links) >= _MOST_REMEMBERED:
            self._links.clear()
        return self._links.setdefault(key, tuple(found))


class Tree:
    """One commit's tree; ``name`` is how messages call the commit."""

    def __init__(self, objects: Readable, known: Known, sha: str, name: str) -> None:
        self.objects = objects
        self.name = name
        self._known = known
        self._root = Node("", known.root(sha, objects), 0o040000)

    def find(self, path: str | Iterable[str]) -> Place:
        """
        Where a path leads, symlinks on the way and at its end followed.

        Raises ``SpecError`` where the path, or a symlink on it, leads out of the repository or in circles.
        """
        if isinstance(path, str) and posixpath.normpath(path).startswith("../"):
            raise self._outside(path, "")
        todo = _steps(path, self.name)
        folders = [self._root]
        link = ""
        hops = 0
        while todo:
            step = todo.pop()
            if step == "..":
                if len(folders) == 1:
                    raise self._outside(path, link)
                folders.pop()
                continue
            node = (
                self._known.lines(folders[-1].oid, self.objects).get(step)
                if folders[-1].kind == "tree"
                else None
            )
            at = (*(f.name for f in folders[1:]), step)
            if node is None:
                return Place(self._rest(at, todo, path, link), None)
            if node.kind != "link":
                folders.append(node)
                continue
            hops += 1
            target = self._target(node)
            link = f"{'/'.join(at)} -> {target}"
            if hops > _MOST_HOPS:
                raise SpecError(f"{self.name}: the symlink {link} leads in circles")
            if target.startswith("/"):
                raise self._outside(path, link)
            todo += _steps(target, self.name)
        return Place(tuple(f.name for f in folders[1:]), folders[-1])

    def entries(self, paths: Collection[str]) -> dict[str, Entry | None]:
        """
        What lies at each path, symlinks followed, by the path as it was asked for.

        What the symlinks below the paths lead to is answered too, by its own true path.
        """
        answer: dict[str, Entry | None] = {}
        places = [self.find(path) for path in paths]
        for path, place in zip(paths, places, strict=True):
            answer[path] = place.entry
        links = 0
        seen: set[tuple[str, ...]] = set()
        while places:
            place = places.pop()
            if place.parts in seen or place.node is None or place.node.kind != "tree":
                continue
            seen.add(place.parts)
            below = self._known.links(place.node.oid, self.objects)
            links += len(below)
            if links > _MOST_LINKS:
                raise SpecError(f"{self.name}: more than {_MOST_LINKS} symlinks below {', '.join(paths)}")
            for target in [self.find((*place.parts, *link.split("/"))) for link in below]:
                answer.setdefault(target.path, target.entry)
                places.append(target)
        return answer

    def walk(self, path: str, most: int) -> Iterator[tuple[tuple[str, ...], Node]]:
        """
        Everything at and below a path, symlinks followed, folders before what is in them.

        Each with its path relative to the path asked for. A symlink that leads nowhere is passed over, as
        Argo CD does. Raises ``SpecError`` past ``most`` of them, and for a folder that is linked into itself.
        """
        left = itertools.count(most, -1)
        place = self.find(path)
        todo: list[_Step] = [_Step(place.parts, (), place.node, ())]
        while todo:
            step = todo.pop()
            if next(left) <= 0:
                raise SpecError(f"{self.name}: {path or '.'} holds more than {most} files and folders")
            if step.node is None:
                continue
            if step.node.kind == "link":
                target = self.find(step.parts)
                todo.append(step._replace(parts=target.parts, node=target.node))
                continue
            yield step.at, step.node
            if step.node.kind == "tree":
                todo += self._below(step, step.node.oid)

    def _below(self, step: _Step, oid: str) -> list[_Step]:
        if step.parts in step.above:
            raise SpecError(
                f"{self.name}: the symlink {'/'.join(step.at)} leads to {'/'.join(step.parts) or '.'}, "
                "which it lies in: a folder without end"
            )
        if len(step.above) > _DEEPEST:
            raise SpecError(f"{self.name}: folders are nested more than {_DEEPEST} deep")
        steps = []
        above = (*step.above, step.parts)
        for node in self.objects.tree(oid).values():
            if node.name.lower() in _UNSAFE or "/" in node.name:
                raise SpecError(
                    f"{self.name}: {'/'.join(step.parts) or '.'} holds a file named {node.name!r}"
                )
            steps.append(_Step((*step.parts, node.name), (*step.at, node.name), node, above))
        return steps[::-1]

    def _target(self, node: Node) -> str:
        if self.objects.size(node.oid) > _LONGEST_LINK:
            raise SpecError(
                f"{self.name}: the symlink {node.name} has a target of more than {_LONGEST_LINK} bytes"
            )
        return self.objects.blob(node.oid).decode("utf-8", "surrogateescape")

    def _outside(self, path: str | Iterable[str], link: str) -> SpecError:
        if link:
            return SpecError(f"{self.name}: the symlink {link} leads out of the repository")
        said = path if isinstance(path, str) else "/".join(path)
        return SpecError(f"{self.name}: the path {said!r} leads out of the repository")

    def _rest(
        self, at: tuple[str, ...], todo: list[str], path: str | Iterable[str], link: str
    ) -> tuple[str, ...]:
        """The path that would have to exist, where a step of it does not."""
        rest = posixpath.normpath("/".join([*at, *reversed(todo)]))
        if rest == ".." or rest.startswith("../"):
            raise self._outside(path, link)
        return tuple(rest.split("/"))


def _steps(path: str | Iterable[str], name: str) -> list[str]:
    """The steps of a path, the first one last."""
    if isinstance(path, str):
        if path.startswith("/"):
            raise SpecError(f"{name}: the path {path!r} is absolute; paths start at the repository's root")
        if "\0" in path or len(path) > _LONGEST_LINK:
            raise SpecError(f"{name}: the path {path[:80]!r} is not a path")
        path = path.split("/")
    return [step for step in reversed(list(path)) if step not in ("", ".")]
