"""
The edit: some values of a YAML file are other ones, and every other byte is what it was.

A value keeps its quotes, and gets them where it would read as something else than text without them. An edit
changes exactly the places that were asked for: where an alias would carry a change further, it is refused until
that place is asked for too. Whether all this came true is found out by reading the result.
"""

import re
from collections.abc import Collection, Mapping, Sequence

import yaml

from tiphys.core.languages.plain_scalars import reads_as_text
from tiphys.core.release.document import File
from tiphys.core.release.insert import Gap, gaps
from tiphys.core.release.nodes import Scalar
from tiphys.core.release.paths import Place
from tiphys.model.errors import SpecError

_PLAIN = re.compile(r"[A-Za-z0-9_/](?:[A-Za-z0-9_./@+-]|:(?=[A-Za-z0-9_/]))*")
_BLOCKS = ("|", ">")


def edited(file: File, values: Mapping[Place, str]) -> File:
    """
    The file with these texts at these places; the very same where all of them are there already.

    A place whose mapping lacks it is made. Raises ``SpecError`` where that cannot be done without touching anything
    else.
    """
    there = {place: value for place, value in values.items() if place in file.scalars}
    added = _added(file, [place for place in values if place not in there])
    wanted = {
        scalar: values[place]
        for place, scalar in _named(file, there).items()
        if not (scalar.is_text and scalar.value == values[place])
    }
    _expect_nothing_else(file, there, wanted)
    pieces = [(scalar.span, _put(file, scalar, value)) for scalar, value in wanted.items()]
    for gap in added:
        written = {
            place: _written(file, values[place], gap.quotes(file), flow=gap.flow) for place in gap.names
        }
        at, piece = gap.written(file, written)
        pieces.append(((at, at), piece))
    text = file.text
    # A line that is put in where a value ends comes behind that value.
    for (start, end), piece in sorted(pieces, key=lambda each: (each[0][0], each[0][1]), reverse=True):
        text = text[:start] + piece + text[end:]
    after = File(file.name, text, file.marked)
    _expect_exactly(file, after, wanted, [(gap, values) for gap in added])
    return after


def _added(file: File, missing: Sequence[Place]) -> Sequence[Gap]:
    """Room for what is missing. Raises ``SpecError`` where there is none."""
    found = gaps(file, missing)
    known = {place for gap in found for place in gap.names}
    if without := [place for place in missing if place not in known]:
        raise SpecError(f"{file.name} has no value {without[0]}")
    return found


def _named(file: File, places: Collection[Place]) -> dict[Place, Scalar]:
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


def _put(file: File, scalar: Scalar, value: str) -> str:
    """What stands in a scalar's stead: with its quotes, if these will do."""
    if scalar.style in _BLOCKS:
        raise SpecError(
            f"{file.name}, line {scalar.line}: the value is a block of text; write it on one line first"
        )
    start, end = scalar.span
    # A value that was left out stands right behind its colon or dash.
    return " " * (start == end) + _written(file, value, scalar.style, flow=scalar.flow)


def _written(file: File, value: str, style: str, *, flow: bool) -> str:
    """A value as it stands in the file, in quotes of this style or in those that it needs."""
    if not value.isprintable():
        raise SpecError(f"{value!r} cannot be written into {file.name}: it has control characters")
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    risky = flow and ":" in value
    if not style and _PLAIN.fullmatch(value) and reads_as_text(value) and not risky:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _expect_exactly(
    before: File, after: File, wanted: Mapping[Scalar, str], added: Sequence[tuple[Gap, Mapping[Place, str]]]
) -> None:
    """Raises ``SpecError`` unless a parser finds the new values, and all else as it was."""
    expected = [_facts(event) for event in before.events]
    texts = {scalar.event for scalar in wanted}
    for scalar, value in wanted.items():
        expected[scalar.event] = (*expected[scalar.event][:-1], value)
    for gap, values in sorted(added, key=lambda each: each[0].event, reverse=True):
        pairs = [text for place, name in gap.names.items() for text in (name, values[place])]
        expected[gap.event + 1 : gap.event + 1] = [
            (yaml.ScalarEvent, None, None, None, text) for text in pairs
        ]
        texts = {event + len(pairs) * (event > gap.event) for event in texts}
        texts |= set(range(gap.event + 2, gap.event + 2 + len(pairs), 2))
    new = {place for gap, _ in added for place in gap.names}
    # Where an alias or a merge leads to the mapping, a new key is met there too.
    if (
        _understood(after) != expected
        or not _texts(after) >= texts
        or after.scalars.keys() - before.scalars.keys() != new
    ):
        lines = sorted({*(scalar.line for scalar in wanted), *(gap.key.line for gap, _ in added)})
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
