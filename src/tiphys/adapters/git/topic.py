"""
A branch of its own for a change that is proposed: made from the newest of another one, and pushed beside it.

The same change proposed again takes the branch anew. What somebody else put there is never overwritten.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import pygit2

from tiphys.adapters.git.push import Branch
from tiphys.adapters.git.settings import Settings
from tiphys.adapters.git.signing_in import Identity
from tiphys.model.errors import Refused

_THERE = "refs/tiphys/topic"


@dataclass(frozen=True, slots=True)
class Tip:
    """What is at a branch's end."""

    commit: str
    tree: str
    parents: tuple[str, ...]
    message: str
    author: str

    @property
    def subject(self) -> str:
        """The first line of its message."""
        return self.message.partition("\n")[0]

    def says_the_same(self, other: "Tip") -> bool:
        """Whether it is the same change of the same commit, whenever it was made."""
        return (self.tree, self.parents, self.message) == (other.tree, other.parents, other.message)


class Topic(Branch):
    """Fulfils ``Topic`` of the story of a proposal: it reads one branch, and pushes to another one."""

    head = ""
    """The branch that is pushed to."""
    _pushed = ""

    @classmethod
    @asynccontextmanager
    async def beside(
        cls, repo: str, base: str, head: str, settings: Settings, who: Identity | None
    ) -> "AsyncIterator[Topic]":
        """The branch ``head`` beside ``base``, which is empty for the repository's default."""
        async with cls.open(repo, base, settings, who) as branch:
            topic = cast("Topic", branch)
            topic.head = head
            yield topic

    @property
    def base(self) -> str:
        """The branch that is read; known once it was fetched."""
        return self._name

    @property
    def pushed(self) -> str:
        """The commit that the branch has since the last push that succeeded."""
        return self._pushed

    async def message(self, commit: str) -> str:
        """What a commit says."""
        return (await self._here(lambda r: _tip(r, commit))).message

    async def push(self, commit: str) -> bool:
        """
        Make it all that the branch has; ``False`` if somebody else's came first.

        Raises ``Refused`` where the branch holds something else than an earlier proposal of the same.
        """
        ref, before = f"refs/heads/{self.head}", await self._before()
        ours = await self._here(lambda r: _tip(r, commit))
        if before and before.subject != ours.subject:
            raise Refused(
                f"the branch {self.head} of {self._remote.shown} has a commit of {before.author} on it "
                f"({before.subject[:100]!r}): merge it, or delete the branch, and try again"
            )
        if before and before.says_the_same(ours):
            self._pushed = before.commit
            return True
        lease = f"--force-with-lease={ref}:{before.commit if before else ''}"
        self._pushed = commit
        return await self._send(self.head, f"{commit}:{ref}", lease)

    async def _before(self) -> Tip | None:
        """What the branch has now, if there is one."""
        if not await self._refs(f"refs/heads/{self.head}"):
            return None
        await self._bring(self.head, _THERE)
        return await self._here(lambda r: _tip(r, str(r.references[_THERE].target)))


def _tip(repository: pygit2.Repository, commit: str) -> Tip:
    found = repository[commit].peel(pygit2.Commit)
    head = found.read_raw().partition(b"\n\n")[0]
    return Tip(
        str(found.id),
        str(found.tree_id),
        # By its bytes: a commit that was fetched without its history is shown without parents.
        tuple(line[7:].decode() for line in head.splitlines() if line.startswith(b"parent ")),
        found.message,
        found.author.name,
    )
