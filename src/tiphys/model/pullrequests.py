"""A pull request (GitLab: merge request): what is asked for, and what became of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PullRequest:
    """That a branch be merged into another one of the same repository."""

    head: str
    """The branch that holds the change."""
    base: str
    """The branch that is to have it."""
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A pull request that is open."""

    url: str
    """Where people look at it."""
    number: int
    new: bool
    """Whether it was opened just now; otherwise it was open already."""
