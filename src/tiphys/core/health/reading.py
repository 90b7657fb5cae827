"""
Parts of live objects, read for judges.

What is absent reads as Go reads it, as 0, empty or false; what has another type than it should is
``MalformedError``, which makes the health unknown and never an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tiphys.model.objects import Body


class MalformedError(ValueError):
    """A part of a live object has another type than its kind says."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One of an object's conditions."""

    type: str
    status: str
    reason: str
    message: str
    observed_generation: int

    @property
    def true(self) -> bool:
        """Whether it holds."""
        return self.status == "True"

    @property
    def false(self) -> bool:
        """Whether it does not hold; it may also be unknown."""
        return self.status == "False"


def mapping(body: Body, *path: str) -> Body:
    """The mapping at a path."""
    found = _at(body, path)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise MalformedError(f"{'.'.join(path)} is not a mapping")
    return found


def items(body: Body, *path: str) -> Sequence[Body]:
    """The list of mappings at a path."""
    found = _at(body, path)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise MalformedError(f"{'.'.join(path)} is not a list of mappings")
    return found


def text(body: Body, *path: str) -> str:
    """The text at a path."""
    found = _at(body, path)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise MalformedError(f"{'.'.join(path)} is not a string")
    return found


def number(body: Body, *path: str) -> int:
    """The whole number at a path."""
    return given_number(body, *path) or 0


def given_number(body: Body, *path: str) -> int | None:
    """The whole number at a path, ``None`` where there is none."""
    found = _at(body, path)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or found != int(found):
        raise MalformedError(f"{'.'.join(path)} is not a whole number")
    return int(found)


def flag(body: Body, *path: str) -> bool:
    """The truth value at a path."""
    found = _at(body, path)
    if found is None:
        return False
    if not isinstance(found, bool):
        raise MalformedError(f"{'.'.join(path)} is not true or false")
    return found


def flag_of(annotation: str | None) -> bool:
    """Whether an annotation says true."""
    return annotation is not None and annotation.strip().lower() == "true"


def conditions(body: Body) -> tuple[Condition, ...]:
    """``status.conditions``."""
    return tuple(
        Condition(
            type=text(each, "type"),
            status=text(each, "status"),
            reason=text(each, "reason"),
            message=text(each, "message"),
            observed_generation=number(each, "observedGeneration"),
        )
        for each in items(body, "status", "conditions")
    )


def condition(body: Body, kind: str) -> Condition | None:
    """The condition of a type."""
    return next((each for each in conditions(body) if each.type == kind), None)


def outdated(body: Body) -> bool:
    """Whether the controller has not yet seen the newest spec."""
    return number(body, "status", "observedGeneration") < number(body, "metadata", "generation")


def _at(body: Body, path: Sequence[str]) -> object:
    found: object = body
    for depth, step in enumerate(path):
        if found is None:
            return None
        if not isinstance(found, Mapping):
            raise MalformedError(f"{'.'.join(path[:depth])} is not a mapping")
        found = found.get(step)
    return found
