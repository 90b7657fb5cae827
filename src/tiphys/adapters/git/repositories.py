"""
Git repositories, each cloned once for all its applications: the door that the stories come in by.

Who may read which repository, and how often a revision is looked up, is decided elsewhere.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tiphys.adapters.git import refs as named
from tiphys.adapters.git.clone import Clone
from tiphys.adapters.git.disk import sweep_homes
from tiphys.adapters.git.laying import lay
from tiphys.adapters.git.process import Git
from tiphys.adapters.git.questions import Questions
from tiphys.adapters.git.remote import Remote, remote
from tiphys.adapters.git.settings import MIB, Settings
from tiphys.adapters.git.smart_http import SmartHttp
from tiphys.adapters.git.tree import Tree, UnreadError
from tiphys.adapters.git.troubles import clearly
from tiphys.model.access import Ways, for_anybody
from tiphys.model.errors import SpecError
from tiphys.model.rendering import CommitMeta, Entry, Tip

T = TypeVar("T")


class GitRepositories:
    """Fulfils ``Repositories``: bare clones under ``root``, which survive restarts."""

    def __init__(self, root: Path, settings: Settings | None = None, ways: Ways = for_anybody) -> None:
        self._root = root
        self._settings = settings or Settings()
        self._ways = ways
        self._project = ""
        self._questions: dict[str, Questions] = {}
        self._git = Git(self._settings)
        self._http = SmartHttp(self._settings)
        self._clones: dict[str, Clone] = {}
        self._remotes: dict[str, Remote] = {}
        self._born = time.time()
        sweep_homes(root, self._born)

    def of(self, project: str) -> "GitRepositories":
        """The same repositories, by the credentials that are for a project, and those that are for all."""
        seen = copy(self)
        seen._project = project  # noqa: SLF001 - its own kind
        return seen

    def scope(self, repo: str, project: str) -> str:
        """The project, if a repository is read by credentials that are for it alone; else empty."""
        return self._ways(repo, project).project

    async def resolve(self, repo: str, revision: str) -> Tip:
        """
        Ask the remote, now, where a branch, tag, SHA or ``HEAD`` points to.

        A full SHA is answered as it is, without asking; a short one that names no ref is looked for in the
        clone.
        """
        source = self._remote(repo)
        wanted = named.checked(revision)
        if named.is_sha(wanted):
            return Tip(wanted)
        if tip := named.chosen(wanted, await self._refs(source, named.candidates(wanted))):
            return tip
        if named.is_short_sha(wanted) and (sha := await self._clone(repo).full(wanted.lower())):
            return Tip(sha)
        raise await self._missing(source, wanted)

    async def entries(self, repo: str, sha: str, paths: Collection[str]) -> Mapping[str, Entry | None]:
        """
        What lies at each path of a commit, by the path as it was asked for; ``""`` and ``.`` are the root.

        Symlinks are followed. What those below the paths lead to is answered too, under its own path.
        """
        try:
            # Many applications ask the same of a commit: what is known already is worth no thread.
            return self._clone(repo).remembered(sha, lambda tree: tree.entries(paths))
        except UnreadError:
            return await self._read(repo, sha, lambda tree: tree.entries(paths))

    async def files(self, repo: str, sha: str, folder: str) -> Sequence[str]:
        """Every file below a folder, relative to it, sorted; those of folders that are linked into it too."""
        return await self._read(repo, sha, lambda tree: self._listed(tree, folder))

    async def read(self, repo: str, sha: str, path: str) -> bytes:
        """The content of a file, symlinks followed; ``SpecError`` if there is none or it is too large."""
        return await self._read(repo, sha, lambda tree: self._content(tree, path))

    async def lay(self, repo: str, sha: str, paths: Collection[str], into: Path) -> None:
        """Write what lies at and below the paths into a folder of the caller's own, symlinks as copies."""
        try:
            await self._read(repo, sha, lambda tree: lay(tree, paths, into, self._settings))
        except OSError as error:
            raise clearly(error, f"write files of {self._remote(repo).shown} to {into}") from error

    async def commit(self, repo: str, sha: str) -> CommitMeta:
        """Author, date (UTC) and message of a commit."""
        return await self._clone(repo).read(sha, lambda objects: objects.about(sha))

    async def between(
        self, repo: str, older: str, newer: str, paths: Collection[str]
    ) -> Sequence[CommitMeta]:
        """
        The commits that led from one to another and changed what lies at one of the paths, newest first.

        Where the older one is not known, or no part of the history at hand, it is the newest such commit alone.
        """
        return await self._clone(repo).read(newer, lambda objects: objects.between(older, newer, paths))

    async def is_ancestor(self, repo: str, older: str, newer: str) -> bool:
        """Whether ``newer`` is ``older`` or has it in its history."""
        return await self._clone(repo).read(newer, lambda objects: objects.descends(newer, older))

    async def maintain(self) -> None:
        """Pack the clones that were fetched into often; a call a day is plenty."""
        for clone in list(self._clones.values()):
            await clone.maintain()

    async def aclose(self) -> None:
        """Close the connections to Git hosts, and the clones."""
        await self._http.aclose()
        self._clones.clear()

    def _remote(self, repo: str) -> Remote:
        if repo not in self._remotes:
            self._remotes[repo] = remote(repo, self._settings.schemes)
        access = self._ways(repo, self._project)
        access.expect_usable(self._remotes[repo].shown)
        return replace(self._remotes[repo], access=access)

    def _clone(self, repo: str) -> Clone:
        source = self._remote(repo)
        if source.folder not in self._clones:
            self._clones[source.folder] = Clone(source, self._root, self._git, self._settings, self._born)
        # The next fetch goes by what is known now.
        self._clones[source.folder].remote = source
        return self._clones[source.folder]

    async def _read(self, repo: str, sha: str, look: Callable[[Tree], T]) -> T:
        clone = self._clone(repo)
        return await clone.read(sha, lambda objects: look(clone.tree(objects, sha)))

    async def _refs(self, source: Remote, prefixes: Collection[str]) -> named.Refs:
        if source.over_http and "?" not in source.url:
            found = await self._http.refs(source, prefixes)
            if found is not None:
                return found
        questions = self._questions.setdefault(
            source.folder, Questions(self._git, self._settings.ask_seconds)
        )
        return await questions.ask(source, prefixes)

    async def _missing(self, source: Remote, revision: str) -> SpecError:
        refs = await self._refs(source, ("HEAD", "refs/heads/", "refs/tags/"))
        there = ", ".join(named.branches_like(revision, refs))
        hint = f"there are: {there}" if there else "it has no branches yet: nothing was pushed"
        if named.is_range(revision):
            hint += f"; {named.RANGES_ARE_NOT_BUILT}"
        return SpecError(f"{source.shown} has no branch, tag or commit {revision!r}; {hint}")

    def _listed(self, tree: Tree, folder: str) -> list[str]:
        walk = tree.walk(folder, self._settings.laid_files)
        return sorted("/".join(at) for at, node in walk if at and node.kind == "blob")

    def _content(self, tree: Tree, path: str) -> bytes:
        node = tree.find(path).node
        if node is None or node.kind != "blob":
            raise SpecError(f"{tree.name}: {path} is {'no file' if node else 'not there'}")
        if tree.objects.size(node.oid) > self._settings.file_bytes:
            most = self._settings.file_bytes // MIB
            raise SpecError(f"{tree.name}: {path} is too large; at most {most} MiB are read of a file")
        return tree.objects.blob(node.oid)
