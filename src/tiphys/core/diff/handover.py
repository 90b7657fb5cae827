"""
Fields that belong to somebody else leave the target without ever changing their value.

Two facts of the API server: a write that changes a field takes it from those who owned it by applying another
value, and an apply without a field leaves it alone if others own it, but takes it away (so that it is
defaulted) if only the applier does. So what we alone own is applied with its live value, and only to the very
version that was read: who changes it meanwhile makes the apply end in a conflict, and we look again. The rest
is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tiphys.core.diff.ownership import (
    NOTHING,
    Fields,
    Grip,
    entries_of,
    grip,
    item_key,
    item_name,
    may_name,
    names_item,
    project,
    reach,
    together,
)
from tiphys.core.diff.pointers import ABSENT, Json, Pointer, Pointers, index_in, value_at, without
from tiphys.model.objects import Body, Live, Manifest, part
from tiphys.model.tracking import TRACKING_ID


@dataclass(frozen=True, slots=True)
class Handover:
    """A target that changes nothing of what is somebody else's."""

    target: Manifest
    resource_version: str = ""
    """The live version that an apply must name; empty where any will do."""


def handed_over(target: Manifest, live: Live | None, pointers: Pointers, named: Pointers = ()) -> Handover:
    """
    The target with the fields at ``pointers`` of the live body left to others, and those at ``named`` of its own.

    Where nothing is live the target stays as it is: what it says is where the others start from.
    """
    if live is None or not (pointers or named):
        return Handover(target)
    own, others = _trees(live)
    anyone = together(own, others)
    known = {pointer: counterpart(target.body, live.body, pointer, anyone) for pointer in named}
    body, pinned = without(target.body, tuple(p for p, there in known.items() if there is None)), False
    for pointer in dict.fromkeys((*pointers, *(there for there in known.values() if there))):
        body, carries = _handed_over(body, live.body, pointer, (own, others))
        pinned = pinned or carries
    body = _still_tracked(body, target.body)
    return Handover(replace(target, body=body), live.resource_version if pinned else "")


def counterpart(target: Json, live: Json, pointer: Pointer, tree: Fields) -> Pointer | None:
    """
    Where in a live body the thing is that a pointer points to in a target; ``None`` where it is not live.

    Nowhere, which is no pointer at all, if it is a part of an item that is not live: that starts as the target says.
    The tree of all owned fields tells which items of lists are one another's; where it does not, their places do.
    """
    found: list[str] = []
    for token in pointer:
        name = f"f:{token}"
        if isinstance(target, list) and isinstance(live, list):
            place = index_in(target, token)
            there, name = (None, "") if place is None else _met(target[place], place, live, tree)
            if place is None or there is None:
                return () if len(found) + 1 < len(pointer) else None
            found.append(str(there))
            target, live = target[place], live[there]
        elif isinstance(target, Mapping) and isinstance(live, Mapping) and token in target and token in live:
            found.append(token)
            target, live = target[token], live[token]
        else:
            return None
        tree = tree.get(name, NOTHING)
    return tuple(found)


def _met(item: Json, place: int, live: list[Json], tree: Fields) -> tuple[int | None, str]:
    """The place of a target's item in a live list, and the name under which the tree has it."""
    if not any(name.startswith(("k:", "v:")) for name in tree):
        return (place if place < len(live) else None), ""
    exact = next((each for each in tree if names_item(each, item)), "")
    name = exact or next((each for each in tree if may_name(each, item)), "")
    return next((n for n, each in enumerate(live) if name and names_item(name, each)), None), name


def _named(name: str, items: list[Json]) -> int | None:
    """The place of a name's item in a target's list: one that says all key fields goes before one that may be it."""
    exact = next((n for n, each in enumerate(items) if names_item(name, each)), None)
    return (
        exact
        if exact is not None
        else next((n for n, each in enumerate(items) if may_name(name, each)), None)
    )


def _trees(live: Live) -> tuple[Fields, Fields]:
    """What we own, and what all others own."""
    own, others = NOTHING, NOTHING
    for entry in entries_of(live):
        if entry.ours:
            own = together(own, entry.fields)
        else:
            others = together(others, entry.fields)
    return own, others


def _handed_over(
    target: Body, live: Body, pointer: Pointer, trees: tuple[Fields, Fields]
) -> tuple[Body, bool]:
    """The target's body, and whether it now carries something live."""
    own, others = trees
    anyone = together(own, others)
    value = value_at(live, pointer)
    if grip(anyone, live, pointer) is Grip.WITHIN:
        # What is replaced whole keeps its part only if the target says it.
        return _put(target, live, pointer, anyone, value), True
    ours, held = reach(own, live, pointer)
    shared = grip(others, live, pointer) is Grip.HELD and not isinstance(value, Mapping | list)
    if value is ABSENT or ours is not Grip.HELD or shared:
        return _put(target, live, pointer, anyone, ABSENT), False
    return _put(target, live, pointer, anyone, project(value, held)), True


def _put(target: Json, live: Json, pointer: Pointer, tree: Fields | None, value: Json) -> Json:
    """
    The target with ``value`` at the place that the pointer has in ``live``; with ``ABSENT``, nothing there.

    The tree of all owned fields tells which items of lists are one another's; it is ``None`` inside of what is
    replaced whole, where nothing is made that the target lacks.
    """
    token, rest = pointer[0], pointer[1:]
    if isinstance(live, list):
        return _put_item(target, live, pointer, tree, value)
    members = target if isinstance(target, Mapping) else {}
    if token not in members and (value is ABSENT or (tree is None and rest)):
        return target
    made = value
    if rest:
        inner = live.get(token, ABSENT) if isinstance(live, Mapping) else ABSENT
        made = _put(members.get(token, ABSENT), inner, rest, _below(tree, f"f:{token}"), value)
    others = {k: v for k, v in members.items() if k != token}
    return others if made is ABSENT else {**members, token: made}


def _put_item(target: Json, live: list[Json], pointer: Pointer, tree: Fields | None, value: Json) -> Json:
    """
    The same for an item of a list.

    An item that is not live starts as the target says, and one that the target no longer has goes with all its parts.
    """
    place = index_in(live, pointer[0])
    if place is None or not (target is ABSENT or isinstance(target, list)):
        return target
    items: list[Json] = target if isinstance(target, list) else []
    name = item_name(tree or NOTHING, live[place])
    there = place if name is None else _named(name, items)
    if name and len(pointer) == 1 and isinstance(value, Mapping):
        # With all that tells it from others, even what was defaulted and so is not owned.
        value = {**item_key(name), **value}
    if there is None or there >= len(items):
        return [*items, value] if name and len(pointer) == 1 and value is not ABSENT else target
    inner = value
    if len(pointer) > 1:
        inner = _put(items[there], live[place], pointer[1:], _below(tree, name or ""), value)
    return [*items[:there], *([] if inner is ABSENT else [inner]), *items[there + 1 :]]


def _below(tree: Fields | None, name: str) -> Fields | None:
    """The tree one step further down; ``None`` where that is inside of what is owned whole."""
    return tree.get(name, {".": {}}) or None if tree else None


def _still_tracked(body: Body, before: Body) -> Body:
    """The body with the tracking id that it had: whatever belongs to others, the object stays ours."""
    tracking = part(before, "metadata", "annotations").get(TRACKING_ID)
    if tracking is None or part(body, "metadata", "annotations").get(TRACKING_ID) == tracking:
        return body
    metadata = part(body, "metadata")
    return {
        **body,
        "metadata": {**metadata, "annotations": {**part(metadata, "annotations"), TRACKING_ID: tracking}},
    }
