"""
Which fields of which objects do not count: ``spec.ignoreDifferences``.

Argo CD's page on diff customisation defines the matching; globs are allowed in every part of it. Where the fields are
in an object is told by ``places``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tiphys.core.diff.pointers import Pointer, Pointers, parse_pointer
from tiphys.core.languages import globs
from tiphys.model.api import IgnoreDifference
from tiphys.model.objects import Key


@dataclass(frozen=True, slots=True)
class Rules:
    """What does not count of one object."""

    pointers: Pointers = ()
    expressions: tuple[str, ...] = ()
    """jq path expressions."""
    managers: tuple[str, ...] = ()
    """Field managers: what they own of the live object."""

    def __bool__(self) -> bool:
        return bool(self.pointers or self.expressions or self.managers)


def rules_for(key: Key, ignore_differences: Iterable[IgnoreDifference]) -> Rules:
    """
    The fields that do not count of an object. Malformed pointers are left out; ``malformed`` tells them.
    """
    chosen = [rule for rule in ignore_differences if _matches(rule, key)]
    return Rules(
        tuple(dict.fromkeys(p for rule in chosen for text in rule.json_pointers if (p := _parsed(text)))),
        tuple(dict.fromkeys(text for rule in chosen for text in rule.jq_path_expressions)),
        tuple(dict.fromkeys(name for rule in chosen for name in rule.managed_fields_managers)),
    )


def malformed(ignore_differences: Sequence[IgnoreDifference]) -> tuple[str, ...]:
    """What of the rules is not used because it cannot be read, in sentences for a condition."""
    return tuple(
        f"spec.ignoreDifferences[{number}] ({rule.group or 'core'}/{rule.kind}): {trouble}"
        for number, rule in enumerate(ignore_differences)
        for trouble in _troubles(rule)
    )


def _troubles(rule: IgnoreDifference) -> Iterator[str]:
    for text in rule.json_pointers:
        try:
            parse_pointer(text)
        except ValueError as error:
            yield f"{text!r} is not a JSON pointer: {error}; it is not used"
    for name, globbed in _globs(rule, Key("", "", "", "")):
        try:
            globs.matches(name, globbed)
        except ValueError as error:
            yield f"{error}; the rule matches nothing"


def _matches(rule: IgnoreDifference, key: Key) -> bool:
    try:
        return all(globs.matches(pattern, text) for pattern, text in _globs(rule, key))
    except ValueError:
        return False


def _globs(rule: IgnoreDifference, key: Key) -> Iterator[tuple[str, str]]:
    """Each pattern of the rule with what it must match. No name or namespace means any."""
    yield rule.group, key.group
    yield rule.kind, key.kind
    yield rule.name or "*", key.name
    yield rule.namespace or "*", key.namespace


def _parsed(text: str) -> Pointer | None:
    try:
        return parse_pointer(text)
    except ValueError:
        return None
