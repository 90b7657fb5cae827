"""
Asking a remote for refs by ``git ls-remote``: over SSH, and of what speaks no newer protocol.

Each costs a process and a sign-in, so whoever asks while one is under way is answered, together with all the others
who do, by the next one. No answer is older than its question.
"""

import asyncio
from collections.abc import Collection

from tiphys.adapters.git import refs as named
from tiphys.adapters.git.process import Git
from tiphys.adapters.git.remote import Remote
from tiphys.adapters.git.troubles import asking, trouble
from tiphys.adapters.git.visiting import Visitor
from tiphys.model.errors import TiphysError


class Questions:
    """The questions about one remote."""

    def __init__(self, git: Git, seconds: float) -> None:
        self._git = git
        self._seconds = seconds
        self._asking = asyncio.Lock()
        self._waiting: _Round | None = None

    async def ask(self, remote: Remote, prefixes: Collection[str]) -> named.Refs:
        """The refs that have one of these names or begin with them, and perhaps others."""
        if not self._waiting or self._waiting.remote != remote:
            self._waiting = _Round(remote)
        mine = self._waiting
        mine.prefixes.update(prefixes)
        async with self._asking:
            if mine is self._waiting:
                self._waiting = None
            # Where who asked for all was called off, the next one does.
            if mine.answer is None:
                mine.answer = await self._answer(remote, mine.prefixes)
        if isinstance(mine.answer, TiphysError):
            raise mine.answer
        return mine.answer

    async def _answer(self, remote: Remote, prefixes: Collection[str]) -> named.Refs | TiphysError:
        try:
            return await self._refs(remote, sorted(prefixes))
        except TiphysError as error:
            return error

    async def _refs(self, remote: Remote, prefixes: Collection[str]) -> named.Refs:
        patterns = [f"{prefix}*" if prefix.endswith("/") else prefix for prefix in prefixes]
        # An annotated tag's commit comes under a name of its own.
        patterns += [f"{prefix}^{{}}" for prefix in prefixes if not prefix.endswith("/")]
        words = ("ls-remote", "--symref", "--end-of-options", remote.bare, *patterns)
        output = await self._git.visit(Visitor(remote), remote.bare, *words, seconds=self._seconds)
        if output.code:
            raise trouble(asking(remote), self._seconds, output, remote)
        return named.from_ls_remote(output.text)


class _Round:
    """One run of git, and what it is asked."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.prefixes: set[str] = set()
        self.answer: named.Refs | TiphysError | None = None
