"""
What Argo CD applied in the client becomes ours, so that what leaves Git later leaves the cluster too.

An apply on the client's side is an update to the API server, which says nothing of what an object is wanted to be:
a field that is dropped afterwards would stay for ever. Argo CD remembers by the annotation
``last-applied-configuration``. Here exactly the fields that it names are noted as applied by us. The object itself
stays as it is.
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

import orjson

from tiphys.core.diff.ownership import NOTHING, Fields, may_name, together
from tiphys.core.diff.pointers import Json
from tiphys.model.objects import Body, Live
from tiphys.model.redaction import LAST_APPLIED
from tiphys.model.tracking import FIELD_MANAGER

_APPLIERS = (FIELD_MANAGER, "kubectl-client-side-apply")
"""Who applies in the client: Argo CD, and whoever had the object before it."""
# It goes with our first apply: what it says would be outdated, and whoever applies in the client believes it.
_ANNOTATION: Fields = {"f:metadata": {"f:annotations": {f"f:{LAST_APPLIED}": {}}}}


def adopted(live: Live) -> Body | None:
    """
    The merge patch by which what was applied in the client is ours; ``None`` where there is nothing to adopt.

    It is meant for this very version of the object.
    """
    managed = live.metadata.get("managedFields")
    if not isinstance(managed, list):
        return None
    entries = [each for each in managed if isinstance(each, Mapping) and not each.get("subresource")]
    theirs = [each for each in entries if _is(each, "Update", _APPLIERS)]
    applied = _last_applied(live) if theirs else None
    if applied is None:
        return None
    own = [each for each in entries if _is(each, "Apply", (FIELD_MANAGER,))]
    # Trees of different versions of a kind have different shapes.
    if any(each.get("apiVersion") != live.body.get("apiVersion") for each in (applied, *theirs, *own)):
        return None
    trees = [
        *(_fields(each) for each in own),
        *(named_in(applied, _fields(each)) for each in theirs),
        _ANNOTATION,
    ]
    fields = reduce(together, trees, NOTHING)
    ours = {**(own or theirs)[0], "manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": fields}
    others = [each for each in managed if each not in (*theirs, *own)]
    return {"metadata": {"managedFields": [*others, ours]}}


def named_in(value: Json, fields: Fields) -> Fields:
    """The part of a tree that steps into what a value has."""
    return dict(_named(value, fields))


def _named(value: Json, fields: Fields) -> Iterator[tuple[str, Fields]]:
    for name, inner in fields.items():
        if name == ".":
            yield name, inner
        for part in _found(value, name):
            # An empty tree would own the part whole.
            yield name, named_in(part, inner) or ({".": {}} if inner else {})


def _found(value: Json, name: str) -> list[Json]:
    """What a name of the tree steps into, if the value has it."""
    if isinstance(value, Mapping):
        return [value[name[2:]]] if name.startswith("f:") and name[2:] in value else []
    return [each for each in value if _names(name, each)][:1] if isinstance(value, list) else []


def _names(name: str, item: Json) -> bool:
    try:
        return may_name(name, item)
    except ValueError:  # no name that an API server writes
        return False


def _last_applied(live: Live) -> Mapping[str, Any] | None:
    try:
        found = orjson.loads(live.annotations.get(LAST_APPLIED, ""))
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, Mapping) else None


def _is(entry: Mapping[str, Any], operation: str, managers: tuple[str, ...]) -> bool:
    return entry.get("operation") == operation and entry.get("manager") in managers


def _fields(entry: Mapping[str, Any]) -> Fields:
    found = entry.get("fieldsV1")
    return found if isinstance(found, Mapping) else NOTHING
