"""
The working tree of one repository, read as it lies there.

Symlinks are followed inside the checkout and never out of it. Ids of what lies there hold for as long as nobody
writes to it, which is long enough for one render.
"""

import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from tiphys.model.errors import SpecError
from tiphys.model.rendering import CommitMeta, Entry, Tip

WORKING_TREE = "working tree"
"""Stands where a commit's SHA stands in a repository."""


class Checkout:
    """Fulfils ``Repositories`` for every URL by one folder; ``extras`` are files of elsewhere, by their path in it."""

    def __init__(self, root: Path, extras: Mapping[str, Path] | None = None) -> None:
        self._root = root.resolve()
        self._extras = dict(extras or {})

    def of(self, project: str) -> "Checkout":
        """The same for every project."""
        del project
        return self

    def scope(self, repo: str, project: str) -> str:
        """No project needs credentials of its own."""
        del repo, project
        return ""

    async def resolve(self, repo: str, revision: str) -> Tip:
        """The working tree, whatever is asked for."""
        del repo, revision
        return Tip(WORKING_TREE)

    async def entries(self, repo: str, sha: str, paths: Collection[str]) -> Mapping[str, Entry | None]:
        """What lies at each path."""
        del repo, sha
        return {path: self._entry(path) for path in paths}

    async def files(self, repo: str, sha: str, folder: str) -> Sequence[str]:
        """Every file below a folder, relative to it, sorted."""
        del repo, sha
        found = self._at(folder)
        return sorted(name for name, _ in self._walk(found, "")) if found.is_dir() else []

    async def read(self, repo: str, sha: str, path: str) -> bytes:
        """The content of a file."""
        del repo, sha
        return self._read(self._at(path), path)

    async def lay(self, repo: str, sha: str, paths: Collection[str], into: Path) -> None:
        """Copy what lies at and below the paths to the same places under ``into``."""
        del repo, sha
        for path in paths:
            found = self._at(path)
            if found.is_dir():
                for name, file in self._walk(found, ""):
                    _copy(file, into / path / name)
            elif found.exists():
                _copy(found, into / path)

    async def commit(self, repo: str, sha: str) -> CommitMeta:
        """Of a working tree there is nothing to tell."""
        del repo, sha
        return CommitMeta("", "", "")

    async def between(
        self, repo: str, older: str, newer: str, paths: Collection[str]
    ) -> Sequence[CommitMeta]:
        """A working tree has no history."""
        del repo, older, newer, paths
        return ()

    async def is_ancestor(self, repo: str, older: str, newer: str) -> bool:
        """A working tree follows only itself."""
        del repo
        return older == newer

    def _entry(self, path: str) -> Entry | None:
        found = self._at(path)
        if found.is_dir():
            return Entry(PurePosixPath(path or "."), path, "tree")
        if not found.exists():
            return None
        oid = blake2b(self._read(found, path), digest_size=20).hexdigest()
        return Entry(PurePosixPath(path), oid, "blob")

    def _at(self, path: str) -> Path:
        """Where a path really is. Raises ``SpecError`` if that is outside of the checkout."""
        if path in self._extras:
            return self._extras[path]
        found = (self._root / path).resolve()
        if not found.is_relative_to(self._root):
            raise SpecError(
                f"{path} leads out of {self._root} to {found}: name the folder that holds both with --repo"
            )
        return found

    def _walk(self, folder: Path, below: str, above: tuple[Path, ...] = ()) -> Iterator[tuple[str, Path]]:
        """Each file below a folder by its relative name, symlinks followed; what Git keeps is left out."""
        if folder in above:
            raise SpecError(
                f"{folder} is reached again from inside itself: a symlink makes a loop; remove it"
            )
        with os.scandir(folder) as found:
            for item in found:
                if item.name == ".git":
                    continue
                name = f"{below}/{item.name}" if below else item.name
                real = (
                    self._at(os.path.relpath(item.path, self._root)) if item.is_symlink() else Path(item.path)
                )
                if real.is_dir():
                    yield from self._walk(real, name, (*above, folder))
                elif real.exists():
                    yield name, real

    def _read(self, file: Path, path: str) -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            raise SpecError(f"cannot read {path} in {self._root}: {error.strerror}") from error


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)
