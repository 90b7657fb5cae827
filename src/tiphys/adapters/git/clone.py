"""
One repository's clone on disk: bare, whole in history, and good to be killed at any moment.

Fetching is done by git, one fetch at a time; reading needs no lock. A commit counts as here when a ref of
ours holds it, for git sets a ref only after all that the commit needs has arrived.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from tiphys.adapters.git import disk
from tiphys.adapters.git.objects import Objects
from tiphys.adapters.git.process import Git, Output
from tiphys.adapters.git.remote import Remote
from tiphys.adapters.git.settings import Settings
from tiphys.adapters.git.tree import Known, Readable, Tree, Unread, UnreadError
from tiphys.adapters.git.troubles import DamagedError, UnadvertisedError, clearly, trouble
from tiphys.adapters.git.visiting import Visitor
from tiphys.model.errors import SpecError, Unavailable

_KEPT = "refs/kept/"
_ALL = ("+refs/heads/*:refs/remote/heads/*", "+refs/tags/*:refs/remote/tags/*")
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
_MANY_PACKS = 20
_TOO_MANY_PACKS = 200
"""Then a fetch tidies up itself, in a fraction of a second, whether or not anybody ever maintains the clone."""

T = TypeVar("T")


class Clone:
    """The clone of a remote; what is older than ``born`` was left by an earlier process."""

    def __init__(self, remote: Remote, root: Path, git: Git, settings: Settings, born: float) -> None:
        self.remote = remote
        self._known = Known()
        self._home = root / remote.folder
        self._folder = self._home
        self._git = git
        self._settings = settings
        self._born = born
        self._lock = asyncio.Lock()
        self._objects: Objects | None = None
        self._whole: set[str] = set()

    async def read(self, sha: str, look: Callable[[Objects], T]) -> T:
        """What ``look`` answers, in a thread, given a clone that has the commit and is sound."""
        for last in (False, True):
            objects = await self.having(sha)
            try:
                return await asyncio.to_thread(look, objects)
            except DamagedError as error:
                await self._drop(objects)
                if last:
                    raise Unavailable(
                        f"read {self.remote.shown}: its clone is damaged, even made anew: {error}"
                    ) from error
        raise AssertionError("unreachable")

    def remembered(self, sha: str, look: Callable[[Tree], T]) -> T:
        """What ``look`` answers from what was read before; raises ``UnreadError`` where that is not enough."""
        if sha not in self._whole:
            raise UnreadError
        return look(self.tree(Unread(), sha))

    def tree(self, objects: Readable, sha: str) -> Tree:
        """The tree of a commit, for ``look``."""
        return Tree(objects, self._known, sha, f"{self.remote.shown} at {sha[:12]}")

    async def having(self, sha: str) -> Objects:
        """The objects, with the commit and its history among them."""
        if sha in self._whole and self._objects:
            return self._objects
        return await self._alone(lambda: self._fetched(sha))

    async def full(self, short: str) -> str | None:
        """The commit whose SHA starts so, among all branches and tags of the remote."""
        return await self._alone(lambda: self._full(short))

    async def maintain(self) -> None:
        """Put the packs that many fetches brought into one. Reading goes on meanwhile, fetching waits."""
        await self._alone(lambda: self._repack(_MANY_PACKS))

    async def _alone(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what changes the clone, nobody else doing so meanwhile; made anew if it proves damaged."""
        async with self._lock:
            for last in (False, True):
                try:
                    return await work()
                except DamagedError as error:
                    await self._remove()
                    if last:
                        raise Unavailable(f"the clone of {self.remote.shown} is damaged: {error}") from error
        raise AssertionError("unreachable")

    async def _full(self, short: str) -> str | None:
        objects = await self._opened()
        if found := await asyncio.to_thread(objects.full, short):
            return found
        await self._fetch_all()
        return await asyncio.to_thread((await self._reopened()).full, short)

    async def _repack(self, many: int) -> None:
        """Put small packs into larger ones, if there are many; the large ones are left as they are."""
        await self._opened()
        if await asyncio.to_thread(disk.packs, self._folder) >= many:
            doing = f"pack the clone of {self.remote.shown}"
            await self._run("repack", "--quiet", "-d", "--geometric=2", doing=doing)
            await self._reopened()

    async def _fetched(self, sha: str) -> Objects:
        objects = await self._opened()
        if not await asyncio.to_thread(self._holds, objects, sha):
            await self._fetch(sha)
            objects = await self._reopened()
            await asyncio.to_thread(self._let_go, objects, sha)
            await self._repack(_TOO_MANY_PACKS)
        self._whole.add(sha)
        return objects

    async def _fetch(self, sha: str) -> None:
        doing = f"fetch of {sha[:12]} from {self.remote.shown}"
        wanted = f"+{sha}:{_KEPT}{sha}"
        try:
            await self._visit(*_FETCH, "--end-of-options", self.remote.bare, wanted, doing=doing)
        except UnadvertisedError:
            await self._fetch_around(sha, doing)

    async def _fetch_around(self, sha: str, doing: str) -> None:
        """Some servers give only what a branch or a tag points to; the commit may lie behind one of them."""
        await self._fetch_all()
        output = await self._git(
            "update-ref", f"{_KEPT}{sha}", sha, seconds=self._settings.ask_seconds, folder=self._folder
        )
        if output.code:
            raise SpecError(
                f"{doing}: the repository has no such commit; was its branch deleted, or its history "
                "rewritten?"
            )

    async def _fetch_all(self) -> None:
        doing = f"fetch of all branches from {self.remote.shown}"
        try:
            await self._visit(*_FETCH, "--prune", "--end-of-options", self.remote.bare, *_ALL, doing=doing)
        except UnadvertisedError as error:
            raise SpecError(f"{doing}: {error}") from error

    async def _visit(self, *arguments: str, doing: str) -> None:
        remote, seconds = self.remote, self._settings.fetch_seconds
        asked = self._git.visit(
            Visitor(remote), remote.bare, *arguments, seconds=seconds, folder=self._folder
        )
        await self._ended(asked, doing)

    async def _run(self, *arguments: str, doing: str) -> None:
        seconds = self._settings.fetch_seconds
        await self._ended(self._git(*arguments, seconds=seconds, folder=self._folder), doing)

    async def _ended(self, running: Awaitable[Output], doing: str) -> None:
        """Wait for git to end. Raises what it complains of."""
        try:
            output = await running
        except FileNotFoundError as error:
            raise DamagedError(f"{doing}: {self._folder} is gone") from error
        if output.code:
            await asyncio.to_thread(disk.sweep_clone, self._folder)
            raise trouble(doing, self._settings.fetch_seconds, output, self.remote)

    def _holds(self, objects: Objects, sha: str) -> bool:
        """Whether the commit and all it needs are here: a ref of ours is it, or has it in its history."""
        if not objects.has(sha):
            return False
        kept = objects.refs(_KEPT)
        return f"{_KEPT}{sha}" in kept or any(objects.descends(tip, sha) for tip in kept.values())

    def _let_go(self, objects: Objects, sha: str) -> None:
        """Drop the refs to commits that are in the history of this one: its own ref holds them."""
        for name, tip in objects.refs(_KEPT).items():
            if tip != sha and name != f"{_KEPT}{sha}" and objects.descends(sha, tip):
                objects.repository.references.delete(name)

    async def _opened(self) -> Objects:
        if self._objects is None:
            try:
                self._folder = await self._found()
            except OSError as error:
                raise clearly(error, f"open the clone of {self.remote.shown} in {self._home}") from error
            return await self._reopened()
        return self._objects

    async def _reopened(self) -> Objects:
        self._objects = await asyncio.to_thread(Objects, self._folder)
        return self._objects

    async def _found(self) -> Path:
        if there := await asyncio.to_thread(disk.newest, self._home):
            await asyncio.to_thread(disk.sweep_clone, there, self._born)
            return there
        fresh = await asyncio.to_thread(disk.begun, self._home)
        seconds = self._settings.ask_seconds
        output = await self._git("init", "--quiet", "--bare", "--template=", str(fresh), seconds=seconds)
        if output.code:
            raise trouble(f"make a clone of {self.remote.shown} in {self._home}", seconds, output)
        return await asyncio.to_thread(disk.settled, fresh)

    async def _drop(self, damaged: Objects) -> None:
        """Remove the clone, unless somebody already made it anew."""
        async with self._lock:
            if self._objects is damaged:
                await self._remove()

    async def _remove(self) -> None:
        self._objects = None
        self._whole.clear()
        await asyncio.to_thread(disk.discard, self._folder)
