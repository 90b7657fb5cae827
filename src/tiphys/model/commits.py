"""A commit that is to be made: what it changes, what it says, and who makes it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """As Git names people."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit before there is one."""

    files: Mapping[str, bytes]
    """The new content of files that are there, by their paths."""
    message: str
    author: Person
    committer: Person
