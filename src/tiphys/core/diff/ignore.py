"""
Which fields of which objects do not count: ``spec.ignoreDifferences``, as far as it works by JSON pointers.

Argo CD's page on diff customisation defines the matching; globs are allowed in every part of it.
"""

from collections.abc import Iterable, Iterator, Sequence

from tiphys.core.diff.pointers import Pointer, Pointers, parse_pointer
from tiphys.core.languages import globs
from tiphys.model.api import IgnoreDifference
from tiphys.model.objects import Key


def rules_for(key: Key, ignore_differences: Iterable[IgnoreDifference]) -> Pointers:
    """
    The fields that do not count of an object. Malformed pointers are left out; ``unsupported`` tells them.
    """
    chosen = [rule for rule in ignore_differences if _matches(rule, key)]
    return tuple(dict.fromkeys(p for rule in chosen for text in rule.json_pointers if (p := _parsed(text))))


def unsupported(ignore_differences: Sequence[IgnoreDifference]) -> tuple[str, ...]:
    """What is asked for and not acted on, in sentences for a condition."""
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
    if rule.jq_path_expressions:
        yield "jqPathExpressions are not supported yet: say it with jsonPointers"
    if rule.managed_fields_managers:
        yield "managedFieldsManagers are not supported yet: say it with jsonPointers"


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
