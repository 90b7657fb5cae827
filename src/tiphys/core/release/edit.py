"""
The edit: some values of a YAML file are other ones, and every other byte is what it was.

A value keeps its quotes, and gets them where it would read as something else than text without them. An edit
changes exactly the places that were asked for: where an alias would carry a change further, it is refused until
that place is asked for too. Whether all this came true is found out by reading the result.
"""

import re
from collections.abc import Collection, Mapping

import yaml

from tiphys.core.languages.plain_scalars import reads_as_text
from tiphys.core.release.document import File
from tiphys.core.release.nodes import Scalar
from tiphys.core.release.paths import Place
from tiphys.model.errors import SpecError

_PLAIN = re.compile(r"[A-Za-z0-9_/](?:[A-Za-z0-9_./@+-]|:(?=[A-Za-z0-9_/]))*")
_BLOCKS = ("|", ">")


def edited(file: File, values: Mapping[Place, str]) -> File:
    """
    The file with these texts at these places; the very same where all of them are there already.

    Raises ``SpecError`` where that cannot be done without touching anything else.
    """
    wanted = {
        scalar: values[place]
        for place, scalar in _named(file, values).items()
        if not (scalar.is_text and scalar.value == values[place])
    }
    _expect_nothing_else(file, values, wanted)
    text = file.text
    for scalar, value in sorted(wanted.items(), key=lambda item: item[0].span, reverse=True):
        start, end = scalar.span
        # A value that was left out stands right behind its colon or dash.
        text = text[:start] + " " * (start == end) + _written(file, scalar, value) + text[end:]
    after = File(file.name, text, file.marked)
    _expect_exactly(file, after, wanted)
    return after


def _named(file: File, places: Collection[Place]) -> dict[Place, Scalar]:
    missing = [place for place in places if place not in file.scalars]
    if missing:
        raise SpecError(f"{file.name} has no value {missing[0]}")
    for place in places:
        if key := file.written_twice(place):
            raise SpecError(
                f"{file.name}, line {key.line}: {key.value!r} stands there twice; remove one of the two"
            )
    return {place: file.scalars[place] for place in places}


def _expect_nothing_else(file: File, values: Mapping[Place, str], wanted: Mapping[Scalar, str]) -> None:
    """Raises ``SpecError`` if a value that is to change is met elsewhere too, and that was not asked for."""
    for place, scalar in file.scalars.items():
        if scalar in wanted and values.get(place) != wanted[scalar]:
            asked = next(p for p in values if file.scalars[p] is scalar)
            raise SpecError(
                f"{file.name}: {asked} and {place} are one value (line {scalar.line}), by an anchor; set both to the "
                f"same with --path {asked} --path {place}, or write them apart"
            )


def _written(file: File, scalar: Scalar, value: str) -> str:
    """The value as it stands in the file, quoted as the one before it was if that will do."""
    if scalar.style in _BLOCKS:
        raise SpecError(
            f"{file.name}, line {scalar.line}: the value is a block of text; write it on one line first"
        )
    if not value.isprintable():
        raise SpecError(f"{value!r} cannot be written into {file.name}: it has control characters")
    if scalar.style == "'":
        return "'" + value.replace("'", "''") + "'"
    risky = scalar.flow and ":" in value
    if not scalar.style and _PLAIN.fullmatch(value) and reads_as_text(value) and not risky:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _expect_exactly(before: File, after: File, wanted: Mapping[Scalar, str]) -> None:
    """Raises ``SpecError`` unless a parser finds the new values, and all else as it was."""
    expected = [_facts(event) for event in before.events]
    for scalar, value in wanted.items():
        expected[scalar.event] = (*expected[scalar.event][:-1], value)
    if _understood(after) != expected or not _texts(after) >= {scalar.event for scalar in wanted}:
        lines = sorted({scalar.line for scalar in wanted})
        raise SpecError(
            f"{before.name}, line {', '.join(map(str, lines))}: the value cannot be changed without changing "
            "something else; write it as plain text in quotes first"
        )


def _understood(file: File) -> list[tuple[object, ...]]:
    try:
        return [_facts(event) for event in file.events]
    except SpecError:
        return []


def _texts(file: File) -> set[int]:
    """The scalars that are text to everybody."""
    return {scalar.event for scalar in file.scalars.values() if scalar.is_text}


def _facts(event: yaml.Event) -> tuple[object, ...]:
    """What an event says of the document's meaning, its value last; where it stands does not count."""
    anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
    return type(event), anchor, tag, getattr(event, "flow_style", None), getattr(event, "value", None)
