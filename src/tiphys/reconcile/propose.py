"""
The story of a proposal: a release that goes to a branch of its own, and a pull request that asks for it.

Told again, it ends the same: the branch holds the change on the newest of its base, and one request is open.
"""

from dataclasses import dataclass
from typing import Protocol

from tiphys.core.release.proposals import text_of
from tiphys.model.pullrequests import Opened, PullRequest
from tiphys.reconcile.release import Branch, Order, Outcome, release


class Topic(Branch, Protocol):
    """A branch that is pushed beside the one that is read."""

    head: str
    """The branch that is pushed to."""

    @property
    def base(self) -> str:
        """The branch that is read, once it was."""

    @property
    def pushed(self) -> str:
        """The commit that the branch has since the last push."""

    async def message(self, commit: str) -> str:
        """What a commit says."""


class Forge(Protocol):
    """Where requests are opened."""

    async def ensure(self, wanted: PullRequest) -> Opened:
        """The pull request that is open for these branches, opened now if there is none."""


@dataclass(frozen=True, slots=True)
class Proposal(Outcome):
    """How a proposal ended."""

    head: str = ""
    request: Opened | None = None
    """``None`` if everything is so already, and there was nothing to ask for."""


async def propose(order: Order, topic: Topic, forge: Forge, seconds: float) -> Proposal:
    """Bring the order into a branch of its own, and ask for it."""
    outcome = await release(order, topic, seconds)
    if not outcome.changes:
        return Proposal(outcome.commit, (), outcome.attempts)
    title, text = text_of(await topic.message(topic.pushed))
    request = await forge.ensure(PullRequest(topic.head, topic.base, title, text))
    return Proposal(topic.pushed, outcome.changes, outcome.attempts, topic.head, request)
