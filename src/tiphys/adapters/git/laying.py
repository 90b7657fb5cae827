"""
Laying files of a commit into a folder: plain files and folders only, symlinks as copies of what they lead to.

Nothing is ever written outside the folder, and no more than the limits allow.
"""

import os
from collections.abc import Collection
from pathlib import Path

from tiphys.adapters.git.objects import Node
from tiphys.adapters.git.settings import MIB, Settings
from tiphys.adapters.git.tree import Place, Tree
from tiphys.model.errors import SpecError

_UNSAFE = frozenset({"", ".", "..", ".git"})


def lay(tree: Tree, paths: Collection[str], into: Path, settings: Settings) -> None:
    """Write what lies at and below the paths, to the same places under ``into``."""
    laying = _Laying(tree, into, settings)
    for path in paths:
        laying.put(path)


class _Laying:
    """What was written so far, held against the limits."""

    def __init__(self, tree: Tree, into: Path, settings: Settings) -> None:
        self._tree = tree
        self._into = into
        self._settings = settings
        self._bytes = 0
        self._files = 0
        self._made: set[tuple[str, ...]] = set()

    def put(self, path: str) -> None:
        """Lay what a path of the commit leads to."""
        place = self._tree.find(path)
        named = tuple(step for step in os.path.normpath(path).split("/") if step not in ("", "."))
        self._put(place, named, ())

    def _put(self, place: Place, at: tuple[str, ...], above: tuple[tuple[str, ...], ...]) -> None:
        """Lay a place at a path under ``into``, having come through the folders ``above`` (true paths)."""
        if place.node is None or at in self._made:
            return
        self._count(at)
        match place.node.kind:
            case "tree":
                self._put_folder(place, at, above)
            case "blob":
                self._put_file(place.node, at)
            case "link":
                self._put(self._tree.find(place.parts), at, above)
            case _:
                raise SpecError(
                    f"{self._tree.name}: {place.path} is a Git submodule, which is not supported yet; "
                    "keep its files in the repository, or point the source at the submodule's repository"
                )
        self._made.add(at)

    def _put_folder(self, place: Place, at: tuple[str, ...], above: tuple[tuple[str, ...], ...]) -> None:
        if place.parts in above:
            raise SpecError(
                f"{self._tree.name}: the symlink {'/'.join(at)} leads to {place.path}, which it lies in: "
                "a folder without end"
            )
        if place.node is None:
            return
        self._into.joinpath(*at).mkdir(parents=True, exist_ok=True)
        for node in self._tree.objects.tree(place.node.oid).values():
            if node.name.lower() in _UNSAFE or "/" in node.name:
                raise SpecError(f"{self._tree.name}: {place.path} holds a file named {node.name!r}")
            self._put(Place((*place.parts, node.name), node), (*at, node.name), (*above, place.parts))

    def _put_file(self, node: Node, at: tuple[str, ...]) -> None:
        size = self._tree.objects.size(node.oid)
        self._bytes += size
        if size > self._settings.file_bytes or self._bytes > self._settings.laid_bytes:
            most = (
                self._settings.file_bytes if size > self._settings.file_bytes else self._settings.laid_bytes
            )
            raise SpecError(
                f"{self._tree.name}: {'/'.join(at)} is too large: at most {most // MIB} MiB are read of a "
                f"{'file' if size > self._settings.file_bytes else 'source'}"
            )
        target = self._into.joinpath(*at)
        target.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(target, flags, 0o755 if node.executable else 0o644), "wb") as file:
            file.write(self._tree.objects.blob(node.oid))

    def _count(self, at: tuple[str, ...]) -> None:
        self._files += 1
        if self._files > self._settings.laid_files:
            most = self._settings.laid_files
            raise SpecError(f"{self._tree.name}: more than {most} files and folders, at {'/'.join(at)}")
