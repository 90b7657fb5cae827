"""
The tree of a commit, read as a folder. Its symlinks lead anywhere in the repository, but never out of it.

Nothing is written here; ``laying`` does that.
"""

import posixpath
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from tiphys.adapters.git.objects import Node, Objects
from tiphys.model.errors import SpecError
from tiphys.model.rendering import Entry

_MOST_HOPS = 40
_DEEPEST = 100
_MOST_LINKS = 20_000
_MOST_REMEMBERED = 100_000
_LONGEST_LINK = 4096


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


class Links:
    """Which folders hold symlinks at any depth: found once, known for every commit with the same tree."""

    def __init__(self) -> None:
        self._below: dict[bytes, tuple[str, ...]] = {}

    def below(self, oid: str, objects: Objects, depth: int = 0) -> tuple[str, ...]:
        """The paths of the symlinks in a tree and the trees below it, relative to it."""
        key = bytes.fromhex(oid)
        if (known := self._below.get(key)) is not None:
            return known
        if depth > _DEEPEST:
            raise SpecError(f"folders are nested more than {_DEEPEST} deep")
        found: list[str] = []
        for node in objects.tree(oid).values():
            if node.kind == "link":
                found.append(node.name)
            elif node.kind == "tree":
                found += (f"{node.name}/{path}" for path in self.below(node.oid, objects, depth + 1))
        if len(self._below) >= _MOST_REMEMBERED:
            self._below.clear()
        return self._below.setdefault(key, tuple(found))


class Tree:
    """One commit's tree; ``name`` is how messages call the commit."""

    def __init__(self, objects: Objects, links: Links, sha: str, name: str) -> None:
        self.objects = objects
        self.name = name
        self._links = links
        self._root = Node("", objects.root(sha), 0o040000)

    def find(self, path: str | Iterable[str], follow: bool = True) -> Place:
        """
        Where a path leads, symlinks on the way followed; a symlink at its end only if ``follow`` says so.

        Raises ``SpecError`` where the path, or a symlink on it, leads out of the repository or in circles.
        """
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
            node = self.objects.tree(folders[-1].oid).get(step) if folders[-1].kind == "tree" else None
            at = (*(f.name for f in folders[1:]), step)
            if node is None:
                return Place(self._rest(at, todo, path, link), None)
            if node.kind != "link" or not (todo or follow):
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
        """What lies at each path, and what the symlinks at and below the paths lead to, by its own path."""
        answer: dict[str, Entry | None] = {}
        todo: list[Place] = []
        for path in paths:
            place = self.find(path, follow=False)
            answer[path] = place.entry
            todo.append(place)
        seen: set[tuple[str, ...]] = set()
        while todo:
            place = todo.pop()
            if place.parts in seen:
                continue
            seen.add(place.parts)
            if len(seen) > _MOST_LINKS:
                raise SpecError(f"{self.name}: more than {_MOST_LINKS} symlinks are in {', '.join(paths)}")
            if place.node and place.node.kind == "link":
                target = self.find(place.parts)
                answer.setdefault(target.path, target.entry)
                todo.append(target)
            elif place.node and place.node.kind == "tree":
                below = self._links.below(place.node.oid, self.objects)
                todo += (self.find((*place.parts, *link.split("/")), follow=False) for link in below)
        return answer

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
