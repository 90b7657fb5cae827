"""
Fields that belong to somebody else leave the target without ever changing their value.

Two facts of the API server: a write that changes a field takes it from those who owned it by applying another
value, and an apply without a field leaves it alone if others own it, but takes it away (so that it is
defaulted) if only the applier does. So what we alone own is applied with its live value, and only to the very
version that was read: who changes it meanwhile makes the apply end in a conflict, and we look again. The rest
is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tiphys.core.diff.ownership import (
    NOTHING,
    Entry,
    Fields,
    Grip,
    entries_of,
    grip,
    item_name,
    may_name,
    project,
    reach,
)
from tiphys.core.diff.pointers import ABSENT, Json, Pointer, Pointers, index_in, value_at
from tiphys.model.objects import Body, Live, Manifest, part
from tiphys.model.tracking import TRACKING_ID


@dataclass(frozen=True, slots=True)
class Handover:
    """A target that changes nothing of what is somebody else's."""

    target: Manifest
    resource_version: str = ""
    """The live version that an apply must name; empty where any will do."""


def handed_over(target: Manifest, live: Live | None, pointers: Pointers) -> Handover:
    """
    The target with the fields at ``pointers`` left to others.

    Where nothing is live the target stays as it is: what it says is where the others start from.
    """
    if live is None or not pointers:
        return Handover(target)
    entries = entries_of(live)
    body, pinned = target.body, False
    for pointer in pointers:
        body, carries = _handed_over(body, live.body, pointer, entries)
        pinned = pinned or carries
    body = _still_tracked(body, target.body)
    return Handover(replace(target, body=body), live.resource_version if pinned else "")


def _handed_over(target: Body, live: Body, pointer: Pointer, entries: Sequence[Entry]) -> tuple[Body, bool]:
    """The target's body, and whether it now carries something live."""
    own = next((entry.fields for entry in entries if entry.ours), NOTHING)
    theirs = [grip(entry.fields, live, pointer) for entry in entries if not entry.ours]
    ours, held = reach(own, live, pointer)
    value = value_at(live, pointer)
    trees = [own, *(entry.fields for entry in entries if not entry.ours)]
    if Grip.WITHIN in (ours, *theirs):
        # What is replaced whole keeps its part only if the target says it.
        return _put(target, live, pointer, trees, value), True
    shared = Grip.HELD in theirs and not isinstance(value, Mapping | list)
    if value is ABSENT or ours is Grip.NONE or shared:
        return _put(target, live, pointer, trees, ABSENT), False
    return _put(target, live, pointer, trees, project(value, held)), True


def _put(target: Json, live: Json, pointer: Pointer, trees: Sequence[Fields] | None, value: Json) -> Json:
    """
    The target with ``value`` at the place that the pointer has in ``live``; with ``ABSENT``, nothing there.

    The trees tell which items of lists are one another's; ``None`` inside of what is replaced whole, where
    nothing is made that the target lacks.
    """
    token, rest = pointer[0], pointer[1:]
    if isinstance(live, list):
        return _put_item(target, live, pointer, trees, value)
    members = target if isinstance(target, Mapping) else {}
    if token not in members and (value is ABSENT or (trees is None and rest)):
        return target
    if not rest:
        others = {k: v for k, v in members.items() if k != token}
        return others if value is ABSENT else {**members, token: value}
    inner = live.get(token, ABSENT) if isinstance(live, Mapping) else ABSENT
    below = _below(trees, f"f:{token}")
    return {**members, token: _put(members.get(token, ABSENT), inner, rest, below, value)}


def _put_item(
    target: Json, live: list[Json], pointer: Pointer, trees: Sequence[Fields] | None, value: Json
) -> Json:
    """The same for an item of a list. An item that is not live starts as the target says."""
    place = index_in(live, pointer[0])
    if place is None or not isinstance(target, list):
        return target
    name = next((n for tree in trees or () if (n := item_name(tree, live[place]))), None)
    there = (
        place if name is None else next((n for n, each in enumerate(target) if may_name(name, each)), None)
    )
    if there is None or there >= len(target):
        return [*target, value] if name and len(pointer) == 1 and value is not ABSENT else target
    inner = value
    if len(pointer) > 1:
        inner = _put(target[there], live[place], pointer[1:], _below(trees, name or ""), value)
    return [*target[:there], *([] if inner is ABSENT else [inner]), *target[there + 1 :]]


def _below(trees: Sequence[Fields] | None, name: str) -> Sequence[Fields] | None:
    """The trees one step further down, ``None`` where the step leads into what some tree owns whole."""
    below = [tree[name] for tree in trees or () if name in tree]
    return None if trees is None or not all(below) else below


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
