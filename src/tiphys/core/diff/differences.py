"""
The fields in which two bodies differ, as JSON pointers with before and after.

Items of lists meet by name where all have one, so that an inserted container is one difference and not a row
of changed ones.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tiphys.core.diff.ownership import equal
from tiphys.core.diff.pointers import ABSENT, Json, Pointer, write_pointer
from tiphys.model.flow import Difference


class Place(NamedTuple):
    """Where one thing is in each of the two bodies: items of lists may have moved."""

    before: Pointer = ()
    after: Pointer = ()

    def member(self, name: str) -> "Place":
        """The place of a member of a mapping."""
        return Place((*self.before, name), (*self.after, name))

    def item(self, before: int, after: int) -> "Place":
        """The place of an item of a list."""
        return Place((*self.before, str(before)), (*self.after, str(after)))


HERE = Place()
"""The two bodies themselves."""


class Change(NamedTuple):
    """One thing that differs; ``ABSENT`` where there is nothing."""

    place: Place
    before: Json
    after: Json


def changes(before: Json, after: Json, place: Place = HERE) -> Iterator[Change]:
    """What must change to make ``after`` of ``before``, in the smallest parts."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted(before.keys() | after.keys()):
            yield from changes(before.get(name, ABSENT), after.get(name, ABSENT), place.member(name))
    elif isinstance(before, list) and isinstance(after, list):
        for old, new in _met(before, after):
            yield from changes(_item(before, old), _item(after, new), place.item(old, new))
    elif not _same(before, after):
        yield Change(place, before, after)


def shortfalls(live: Json, target: Json, place: Place = HERE) -> Iterator[Change]:
    """What of a target the live body lacks or has otherwise; what else is live counts for nothing."""
    if isinstance(target, Mapping) and isinstance(live, Mapping):
        for name in sorted(target):
            yield from shortfalls(live.get(name, ABSENT), target[name], place.member(name))
    elif isinstance(target, list) and isinstance(live, list):
        for old, new in _met(live, target):
            if new < len(target):
                yield from shortfalls(_item(live, old), target[new], place.item(old, new))
    elif target is not None and not _same(live, target):
        yield Change(place, live, target)


def told(found: Iterable[Change]) -> tuple[Difference, ...]:
    """Changes as differences for people: at the place after the change, or before it for what goes."""
    return tuple(
        Difference(
            write_pointer(change.place.before if change.after is ABSENT else change.place.after),
            None if change.before is ABSENT else change.before,
            None if change.after is ABSENT else change.after,
        )
        for change in found
    )


def _same(one: Json, other: Json) -> bool:
    return one is other if one is ABSENT or other is ABSENT else equal(one, other)


def _item(items: list[Json], place: int) -> Json:
    return items[place] if place < len(items) else ABSENT


def _met(before: list[Json], after: list[Json]) -> Iterator[tuple[int, int]]:
    """The places of items that are one another's; a place past the end where there is no such item."""
    old, new = _by_name(before), _by_name(after)
    if old is None or new is None or [n for n in old if n in new] != [n for n in new if n in old]:
        # Without names, or where the order is the change, items meet by place.
        old, new = {str(n): n for n in range(len(before))}, {str(n): n for n in range(len(after))}
    yield from ((place, new.get(name, len(after))) for name, place in old.items())
    yield from ((len(before), place) for name, place in new.items() if name not in old)


def _by_name(items: list[Json]) -> dict[str, int] | None:
    """The places of items by their ``name``, if each has one of its own."""
    named = {
        item["name"]: place
        for place, item in enumerate(items)
        if isinstance(item, Mapping) and isinstance(item.get("name"), str)
    }
    return named if len(named) == len(items) else None
