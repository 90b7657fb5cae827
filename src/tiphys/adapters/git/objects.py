"""
Reading objects of a clone: commits, trees, blobs.

An object that should be there and cannot be read means that the clone is ``DamagedError``.
"""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pygit2
from pygit2.enums import ObjectType, RepositoryOpenFlag

from tiphys.adapters.git.history import about, changes
from tiphys.adapters.git.settings import MIB
from tiphys.adapters.git.troubles import DamagedError
from tiphys.model.errors import SpecError
from tiphys.model.rendering import CommitMeta

_KINDS = {0o040000: "tree", 0o120000: "link", 0o160000: "commit"}

# The clones are our own, whoever owns the volume; no user's or machine's configuration plays a part.
pygit2.option(pygit2.enums.Option.SET_OWNER_VALIDATION, False)
for _level in (
    pygit2.enums.ConfigLevel.SYSTEM,
    pygit2.enums.ConfigLevel.GLOBAL,
    pygit2.enums.ConfigLevel.XDG,
):
    pygit2.settings.search_path[_level] = ""
pygit2.settings.cache_max_size(16 * MIB)


class Node(NamedTuple):
    """A line of a tree."""

    name: str
    oid: str
    mode: int

    @property
    def kind(self) -> str:
        """``tree``, ``blob``, ``link`` or ``commit``, as ``Entry`` has it."""
        return _KINDS.get(self.mode, "blob")

    @property
    def executable(self) -> bool:
        """Whether it is a file that may be run."""
        return bool(self.mode & 0o100)


class Objects:
    """The objects of one clone, as it lies on disk when this is made."""

    def __init__(self, folder: Path) -> None:
        try:
            flags = RepositoryOpenFlag.NO_SEARCH | RepositoryOpenFlag.BARE
            self.repository = pygit2.Repository(str(folder), flags)
            self._odb = self.repository.odb
        except pygit2.GitError as error:
            raise DamagedError(f"open {folder}: {error}") from error

    def tree(self, oid: str) -> dict[str, Node]:
        """The lines of a tree by name."""
        data = self._read(oid, ObjectType.TREE)
        nodes = {}
        at = 0
        while at < len(data):
            space, end = data.index(b" ", at), data.index(b"\0", at)
            name = data[space + 1 : end].decode("utf-8", "surrogateescape")
            nodes[name] = Node(name, data[end + 1 : end + 21].hex(), int(data[at:space], 8))
            at = end + 21
        return nodes

    def blob(self, oid: str) -> bytes:
        """The content of a file."""
        return self._read(oid, ObjectType.BLOB)

    def size(self, oid: str) -> int:
        """The bytes of a file's content, found out without reading it."""
        try:
            return self._odb.read_header(oid)[1]
        except (pygit2.GitError, KeyError) as error:
            raise DamagedError(f"object {oid} cannot be read: {error}") from error

    def root(self, sha: str) -> str:
        """The id of a commit's tree."""
        return str(self._commit(sha).tree_id)

    def about(self, sha: str) -> CommitMeta:
        """Author, date and message of a commit."""
        return about(self._commit(sha))

    def descends(self, newer: str, older: str) -> bool:
        """Whether ``older`` is in the history of ``newer``, which is whole in this clone."""
        try:
            new, old = (self._commit_of(sha) for sha in (newer, older))
            return bool(new and old) and (new == old or self.repository.descendant_of(new, old))
        except pygit2.GitError as error:
            raise DamagedError(f"the history of {newer} cannot be read: {error}") from error

    def between(self, older: str, newer: str, paths: Collection[str]) -> list[CommitMeta]:
        """Those that changed one of the paths; what there is to know of a history is in ``history``."""
        try:
            known = self._commit_of(older) if older else ""
            return [about(commit) for commit in changes(self.repository, known, newer, paths)]
        except (pygit2.GitError, KeyError) as error:
            raise DamagedError(f"the history of {newer} cannot be read: {error}") from error

    def has(self, oid: str) -> bool:
        """Whether there is such an object; what it needs may be missing."""
        return oid in self._odb

    def refs(self, prefix: str) -> dict[str, str]:
        """What the refs below a prefix point to."""
        try:
            refs = self.repository.references
            return {name: str(refs[name].target) for name in refs if name.startswith(prefix)}
        except (pygit2.GitError, KeyError) as error:
            raise DamagedError(f"refs cannot be read: {error}") from error

    def full(self, short: str) -> str | None:
        """The one commit whose SHA starts so, if there is one; ``SpecError`` if there are several."""
        try:
            found = self.repository.expand_id(short)
        except KeyError:
            return None
        except ValueError as error:
            raise SpecError(
                f"targetRevision {short!r} is the start of several SHAs; write more of its digits"
            ) from error
        return str(self._commit(str(found)).id)

    def _commit_of(self, sha: str) -> str:
        """The commit that an id stands for, if it is one and here; else empty."""
        try:
            return str(self.repository[sha].peel(pygit2.Commit).id)
        except (KeyError, pygit2.InvalidSpecError):
            return ""

    def _commit(self, sha: str) -> pygit2.Commit:
        try:
            return self.repository[sha].peel(pygit2.Commit)
        except pygit2.InvalidSpecError as error:
            raise SpecError(f"{sha} is not a commit") from error
        except (pygit2.GitError, KeyError) as error:
            raise DamagedError(f"commit {sha} cannot be read: {error}") from error

    def _read(self, oid: str, kind: ObjectType) -> bytes:
        try:
            found, data = self._odb.read(oid)
        except (pygit2.GitError, KeyError) as error:
            raise DamagedError(f"object {oid} cannot be read: {error}") from error
        if found != kind:
            raise DamagedError(f"object {oid} is not what its tree says")
        return data
