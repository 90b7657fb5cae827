"""
What an examination finds, and the table of all that it can find.

A finding says what is wrong with which object or file, and what to do about it. The table says of each rule how bad
that is, and what it is about.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


class Level(IntEnum):
    """How bad a finding is; the worse, the greater."""

    NOTE = 1
    """Worth knowing."""
    WARNING = 2
    """Something does not do what it says, or will not for ever."""
    ERROR = 3
    """Something does not work."""


class Rule(NamedTuple):
    """One thing that can be found."""

    level: Level
    about: str
    """What is wrong, in general."""


RULES = {
    "render-fails": Rule(Level.ERROR, "An Application or a chart cannot be rendered."),
    "application-invalid": Rule(Level.ERROR, "An Application cannot be read, or asks for what there is not."),
    "duplicate-application": Rule(Level.ERROR, "Two Applications have the same name and namespace."),
    "duplicate-object": Rule(Level.ERROR, "Two Applications want the same object, and take it from each other."),
    "repository-unreachable": Rule(Level.ERROR, "A repository does not answer, or lacks what is asked of it."),
    "image-missing": Rule(Level.ERROR, "An image is not in its registry."),
    "permission-missing": Rule(Level.ERROR, "The engine may not do what an Application needs."),
    "definition-missing": Rule(Level.ERROR, "The cluster lacks a definition that the engine needs."),
    "other-engine": Rule(Level.ERROR, "Another engine works on the same Applications."),
    "engine-silent": Rule(Level.ERROR, "No engine has looked at the Applications lately."),
    "condition": Rule(Level.WARNING, "The engine has written a condition into an Application's status."),
    "misspelt-word": Rule(Level.WARNING, "Nobody knows a finalizer, an option, a hook, a wave or an annotation."),
    "ignored-not-respected": Rule(
        Level.WARNING, "A field is ignored when comparing, and set back by each sync all the same."
    ),
    "ignores-nothing": Rule(Level.NOTE, "A rule of ignoreDifferences fits no object that is rendered."),
    "autoscaled-replicas": Rule(
        Level.NOTE, "Git names a number of replicas of a workload that an autoscaler scales."
    ),
    "wave-without-effect": Rule(Level.WARNING, "A sync wave stands where it orders nothing."),
    "helm-hooks-ignored": Rule(Level.WARNING, "One hook of Argo CD's kind makes all of Helm's hooks be ignored."),
    "nondeterministic-template": Rule(Level.WARNING, "A template makes something else at each render."),
    "version-unpinned": Rule(Level.WARNING, "A dependency's version is a range and nothing pins it."),
    "lock-missing": Rule(Level.NOTE, "A chart depends on others' charts and has no Chart.lock."),
    "image-unpinned": Rule(Level.WARNING, "An image has no tag, or one that moves."),
    "plain-http": Rule(Level.WARNING, "Something is fetched without encryption."),
    "clock-skew": Rule(Level.WARNING, "Clocks differ."),
}  # fmt: skip
"""Every rule by its id, in the order of the page ``docs/reference/doctor.md``."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found."""

    file: str = ""
    """From the root of the checkout; empty for what lies in no file."""
    line: int = 0
    """From 1; 0 if it is the whole file."""
    subject: str = ""
    """The Application, object, or chart."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where} ({self.subject})" if where and self.subject else where or self.subject


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    rule: str
    place: Place
    said: str
    """What is wrong, with the names of what it is about."""
    remedy: str
    """What to do."""

    @property
    def level(self) -> Level:
        """How bad it is."""
        return RULES[self.rule].level


def sorted_findings(found: Iterable[Finding]) -> Sequence[Finding]:
    """The worst first, then by place; what was found twice is there once."""
    return sorted(dict.fromkeys(found), key=lambda f: (-f.level, str(f.place), f.rule, f.said))
