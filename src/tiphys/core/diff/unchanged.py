"""
Whether a server-side apply would change nothing, told without asking the API server.

Sound and not complete: *yes* is always right, *no* means that the API server must be asked. Applying changes
an object where the target differs from it, and where we own a field that the target no longer has. The tree
of fields that we own also tells what no body can: which lists and mappings are merged and which are replaced
whole. Where it is silent, only exactly equal values count as unchanged.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from tiphys.core.diff.hidden import Hidden
from tiphys.core.diff.ownership import (
    NOTHING,
    Entry,
    Fields,
    entries_of,
    equal,
    fields_without,
    item_key,
    may_name,
    names_item,
)
from tiphys.core.diff.pointers import Json, without
from tiphys.model.objects import Live, Manifest, part

_T = TypeVar("_T")

# Named by the key, or the API server's own; it takes no notice of them in an apply.
_NOT_APPLIED = {"name", "namespace", "creationTimestamp", "generation", "selfLink"}


def unchanged(target: Manifest, live: Live, hidden: Hidden) -> bool:
    """Whether applying the target would leave the live object as it is, but for what is hidden."""
    own = [entry for entry in entries_of(live) if entry.ours]
    if len(own) > 1 or _speaks_other_versions(target, live, own):
        return False
    fields = fields_without(own[0].fields if own else NOTHING, live.body, hidden.live)
    wanted, found = without(target.body, hidden.target), without(live.body, hidden.live)
    members = {k: v for k, v in wanted.items() if k not in ("apiVersion", "kind", "metadata")}
    return (
        {name for name in fields if name != "f:metadata"} <= {f"f:{k}" for k in members}
        and all(k in found and _covered(v, found[k], _at(fields, k)) for k, v in members.items())
        and _metadata_covered(part(wanted, "metadata"), part(found, "metadata"), _at(fields, "metadata"))
    )


def _speaks_other_versions(target: Manifest, live: Live, own: list[Entry]) -> bool:
    """
    Whether target, live object and owned fields are of different versions of the kind, so of different
    shapes.
    """
    return any(v != target.api_version for v in [live.body.get("apiVersion"), *(e.api_version for e in own)])


def _metadata_covered(target: Mapping[str, Any], live: Mapping[str, Any], fields: Fields) -> bool:
    """Metadata is merged in every kind; so are its labels and annotations, whether we own some or not."""
    wanted = {k: v for k, v in target.items() if k not in _NOT_APPLIED}
    if not {name[2:] for name in fields if name != "."} <= wanted.keys():
        return False
    for name, value in wanted.items():
        owned = _at(fields, name)
        if name in ("labels", "annotations") and isinstance(value, Mapping) and value:
            owned = owned or {".": {}}
        if name not in live or not _covered(value, live[name], owned):
            return False
    return True


def _covered(target: Json, live: Json, fields: Fields) -> bool:
    """Whether merging ``target`` over ``live``, of which we own ``fields``, would change nothing."""
    if isinstance(target, Mapping) and fields:
        return isinstance(live, Mapping) and _mapping_covered(target, live, fields)
    if isinstance(target, list) and fields:
        return isinstance(live, list) and _list_covered(target, live, fields)
    # A scalar, or a value that is replaced whole, or one of which we do not know how it is merged. A null
    # takes away what is live, or is dropped, by the kind's schema: only the API server knows.
    return target is not None and equal(target, live)


def _mapping_covered(target: Mapping[str, Any], live: Mapping[str, Any], fields: Fields) -> bool:
    if not {name for name in fields if name != "."} <= {f"f:{k}" for k in target}:
        return False
    return all(k in live and _covered(v, live[k], _at(fields, k)) for k, v in target.items())


def _list_covered(target: list[Json], live: list[Json], fields: Fields) -> bool:
    """
    A merged list: each item of the target meets the live item of the same key, and we own no other.

    The API server keeps the live order as long as the target's items come in it.
    """
    owned = [name for name in fields if name != "."]
    if len(owned) != len(target):
        return False
    places = []
    for item in target:
        name = _only(_candidates(item, owned, fields))
        place = _only([n for n, each in enumerate(live) if name and names_item(name, each)])
        if name is None or place is None or not _covered(item, live[place], fields[name]):
            return False
        owned.remove(name)
        places.append(place)
    return places == sorted(places)


def _candidates(item: Json, owned: Sequence[str], fields: Fields) -> list[str]:
    """
    The owned items that an item of the target can be.

    A key field that the target leaves out was defaulted by the API server (``protocol`` of a port). The tree has it in
    the item's name then, and not below, since an apply does not own what was defaulted: so it tells an item that said
    ``TCP`` from one that said nothing.
    """
    exact = [name for name in owned if names_item(name, item)]
    near = [name for name in owned if name.startswith("k:") and may_name(name, item)]
    return exact or [
        name for name in near if all((f in item) == (f"f:{f}" in fields[name]) for f in item_key(name))
    ]


def _only(found: list[_T]) -> _T | None:
    return found[0] if len(found) == 1 else None


def _at(fields: Fields, name: str) -> Fields:
    found = fields.get(f"f:{name}")
    return found if isinstance(found, Mapping) else NOTHING
