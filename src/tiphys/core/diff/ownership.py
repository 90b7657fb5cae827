"""
Who owns which field of a live object, as ``metadata.managedFields`` tells it (``FieldsV1``).

A tree whose names tell what they step into: ``f:spec`` a member of a mapping, ``k:{"name":"web"}`` the item
of a list with these key fields, ``v:"x"`` the item of a list that is a set; ``.`` the thing itself. A tree
without names owns a value whole: a scalar, an atomic list or mapping, or one that was applied empty.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, reduce
from typing import Any

import orjson

from tiphys.core.diff.pointers import Json, Pointer, Pointers, index_in
from tiphys.model.objects import Live
from tiphys.model.tracking import FIELD_MANAGER

Fields = Mapping[str, Any]
"""A tree of owned fields, or a part of one."""

NOTHING: Fields = {}


@dataclass(frozen=True, slots=True)
class Entry:
    """What one manager owns by one kind of operation."""

    manager: str
    operation: str
    api_version: str
    subresource: str
    fields: Fields

    @property
    def ours(self) -> bool:
        """Whether our server-side applies write this entry."""
        return (self.manager, self.operation, self.subresource) == (FIELD_MANAGER, "Apply", "")


class Grip(Enum):
    """How an entry holds what a pointer points to."""

    NONE = "none"
    HELD = "held"
    """It, or something in it."""
    WITHIN = "within"
    """As a part of something owned whole: leaving it out of an apply takes it away."""


def entries_of(live: Live) -> tuple[Entry, ...]:
    """The entries of an object; what is not as the API server writes it is left out."""
    found = live.metadata.get("managedFields")
    return tuple(_entries(found)) if isinstance(found, list) else ()


def _entries(found: list[Json]) -> Iterator[Entry]:
    for each in found:
        if isinstance(each, Mapping) and isinstance(each.get("fieldsV1"), Mapping):
            yield Entry(
                manager=str(each.get("manager") or ""),
                operation=str(each.get("operation") or ""),
                api_version=str(each.get("apiVersion") or ""),
                subresource=str(each.get("subresource") or ""),
                fields=each["fieldsV1"],
            )


@lru_cache(maxsize=8192)
def item_key(name: str) -> Json:
    """The key fields of ``k:{…}`` or the value of ``v:…``. Raises ``ValueError`` for another name."""
    if not name.startswith(("k:", "v:")):
        raise ValueError(f"{name} names no item of a list")
    return orjson.loads(name[2:])


def names_item(name: str, item: Json) -> bool:
    """Whether a name of the tree names an item of a live list, whose key fields are all there."""
    try:
        key = item_key(name)
    except ValueError:
        return False
    if name.startswith("v:"):
        return not isinstance(item, Mapping | list) and equal(key, item)
    return isinstance(item, Mapping) and all(f in item and equal(item[f], v) for f, v in key.items())


def may_name(name: str, item: Json) -> bool:
    """The same for an item of a target, which may leave key fields to be defaulted."""
    if not name.startswith("k:") or not isinstance(item, Mapping):
        return names_item(name, item)
    return all(field not in item or equal(item[field], value) for field, value in item_key(name).items())


def grip(fields: Fields, body: Json, pointer: Pointer) -> Grip:
    """How a tree holds what a pointer points to in a live body."""
    return reach(fields, body, pointer)[0]


def reach(fields: Fields, body: Json, pointer: Pointer) -> tuple[Grip, Fields]:
    """How a tree holds what a pointer points to in a live body, and the part of the tree that is there."""
    for depth, token in enumerate(pointer):
        if not fields:
            return (Grip.WITHIN if depth else Grip.NONE), NOTHING
        step = _step(fields, body, token)
        if step is None:
            return Grip.NONE, NOTHING
        name, body = step
        fields = fields[name]
    return Grip.HELD, fields


def together(one: Fields, other: Fields) -> Fields:
    """
    What two trees own together.

    What one of them owns in parts is merged in parts, even where the other's tree ends.
    """
    shared = one.keys() & other.keys()
    return {**one, **other, **{name: together(one[name], other[name]) for name in shared}}


def fields_without(fields: Fields, body: Json, pointers: Pointers) -> Fields:
    """The tree without what the pointers point to in a live body."""
    for pointer in pointers:
        fields = _cut(fields, body, pointer)
    return fields


def _cut(fields: Fields, body: Json, pointer: Pointer) -> Fields:
    step = _step(fields, body, pointer[0])
    if step is None:
        return fields
    name, inner = step
    if len(pointer) > 1:
        return {**fields, name: _cut(fields[name], inner, pointer[1:])}
    return {k: v for k, v in fields.items() if k != name}


def _step(fields: Fields, body: Json, token: str) -> tuple[str, Any] | None:
    """The name in the tree, and the part of the body, that a pointer's token leads to."""
    if isinstance(body, list):
        place = index_in(body, token)
        name = item_name(fields, body[place]) if place is not None else None
        return (name, body[place]) if name is not None and place is not None else None
    if f"f:{token}" not in fields:
        return None
    return f"f:{token}", body.get(token) if isinstance(body, Mapping) else None


def item_name(fields: Fields, item: Json) -> str | None:
    """The name under which a tree owns an item of a live list."""
    return next((name for name in fields if names_item(name, item)), None)


def held_by(live: Live, managers: Collection[str]) -> Fields:
    """What these managers own of a live object, by whatever operation."""
    return reduce(
        together, (entry.fields for entry in entries_of(live) if entry.manager in managers), NOTHING
    )


def places_of(fields: Fields, body: Json, wanted: Json) -> Iterator[Pointer]:
    """
    Where in a body the fields of a tree are, be it the live body or another one.

    An item of a list counts as a whole only where what is ``wanted`` has no such item; what tells it from others never
    counts alone.
    """
    if isinstance(body, Mapping):
        for name, inner in fields.items():
            if name.startswith("f:") and (token := name[2:]) in body:
                also = wanted.get(token) if isinstance(wanted, Mapping) else None
                yield from _below(token, places_of(inner, body[token], also)) if inner else iter([(token,)])
    elif isinstance(body, list):
        for place, item in enumerate(body):
            if name := next((each for each in fields if may_name(each, item)), ""):
                yield from _below(str(place), _item_places(name, fields[name], item, wanted))


def _item_places(name: str, fields: Fields, item: Json, wanted: Json) -> Iterator[Pointer]:
    also = next((w for w in wanted if may_name(name, w)), None) if isinstance(wanted, list) else None
    if name.startswith("v:") or (also is None and (not fields or "." in fields)):
        yield ()
        return
    yield from places_of({k: v for k, v in fields.items() if k[2:] not in item_key(name)}, item, also)


def _below(token: str, inner: Iterable[Pointer]) -> Iterator[Pointer]:
    return ((token, *pointer) for pointer in inner)


def project(value: Json, fields: Fields) -> Json:
    """
    What of a live value a tree owns.

    Applying this again changes nothing and gives up nothing. Items of a list keep their key fields, without
    which they could not be told apart.
    """
    if not fields:
        return value
    if isinstance(value, Mapping):
        return {k: project(v, fields[f"f:{k}"]) for k, v in value.items() if f"f:{k}" in fields}
    if isinstance(value, list):
        return [_item(each, name, fields) for each in value if (name := item_name(fields, each)) is not None]
    return value


def _item(item: Json, name: str, fields: Fields) -> Json:
    own = project(item, fields[name])
    return {**item_key(name), **own} if isinstance(own, Mapping) else own


def equal(one: Json, other: Json) -> bool:
    """Whether two values are the same JSON: 1 is 1.0, and true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(equal(v, other[k]) for k, v in one.items())
    if _is_list(one) and _is_list(other):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def _is_list(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
