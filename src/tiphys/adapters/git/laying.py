"""
Laying files of a commit into a folder: plain files and folders only, symlinks as copies of what they lead to.

Nothing is ever written outside the folder, and no more than the limits allow.
"""

import os
import posixpath
from collections.abc import Collection
from pathlib import Path

from tiphys.adapters.git.objects import Node
from tiphys.adapters.git.settings import MIB, Settings
from tiphys.adapters.git.tree import Tree
from tiphys.model.errors import SpecError


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
        self._made: set[Path] = set()

    def put(self, path: str) -> None:
        """Lay a path of the commit; nothing where nothing lies."""
        here = self._into / posixpath.normpath(path)
        for at, node in self._tree.walk(path, self._settings.laid_files - len(self._made)):
            target = here.joinpath(*at)
            if target in self._made:
                continue
            self._made.add(target)
            match node.kind:
                case "tree":
                    target.mkdir(parents=True, exist_ok=True)
                case "blob":
                    self._write(node, target)
                case _:
                    place = target.relative_to(self._into)
                    raise SpecError(
                        f"{self._tree.name}: {place} is a Git submodule, which is not supported yet; keep "
                        "its files in the repository, or point the source at the submodule's repository"
                    )

    def _write(self, node: Node, target: Path) -> None:
        size = self._tree.objects.size(node.oid)
        self._bytes += size
        place = target.relative_to(self._into)
        self._bound(size, self._settings.file_bytes, f"the file {place} is too large")
        self._bound(self._bytes, self._settings.laid_bytes, f"the source is too large, at {place}")
        target.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(target, flags, 0o755 if node.executable else 0o644), "wb") as file:
            file.write(self._tree.objects.blob(node.oid))

    def _bound(self, size: int, most: int, what: str) -> None:
        if size > most:
            raise SpecError(f"{self._tree.name}: {what}; at most {most // MIB} MiB are read")
