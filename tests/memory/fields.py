"""
Sets of fields, as ``managedFields`` has them: which parts of an object are merged, and what a value consists of.

A path is a tuple of FieldsV1 names (``f:spec``, ``k:{"name":"web"}``, ``v:"x"``). The rules are those of
structured-merge-diff, with a table of lists in place of the schemas.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]
Paths = frozenset[Path]

_LISTS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
    "hostAliases": ("ip",),
}
_SETS = frozenset({"finalizers"})
_ATOMIC = frozenset(
    {"selector", "nodeSelector", "configMapKeyRef", "secretKeyRef", "fieldRef", "podSelector"}
)
FREE = frozenset(
    {"labels", "annotations", "data", "binaryData", "stringData", "limits", "requests", "matchLabels"}
)
UNOWNED: Paths = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",)}
    | {
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "generation",
            "managedFields",
            "resourceVersion",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        )
    }
)


@dataclass(frozen=True)
class Shape:
    """How the parts of a kind are merged. Custom resources here have atomic lists."""

    custom: bool = False

    def keys(self, place: Path) -> tuple[str, ...] | None:
        """The key fields of the items of a list; empty for a set, ``None`` for an atomic list."""
        name = place[-1][2:] if place else ""
        if name in _SETS or (self.custom and name == "ownerReferences"):
            return _LISTS.get(name, ())
        if self.custom and place[:1] != ("f:metadata",):
            return None
        if name == "ports":
            if "f:containers" in place or "f:initContainers" in place:
                return ("containerPort", "protocol")
            return ("port", "protocol") if place == ("f:spec", "f:ports") else None
        return _LISTS.get(name)

    def merges(self, value: Any, place: Path) -> bool:
        """Whether what lies at a place is merged with what is live, rather than replaced whole."""
        if isinstance(value, Mapping):
            return not place or self.custom or place[-1][2:] not in _ATOMIC
        return isinstance(value, list) and self.keys(place) is not None

    def children(self, value: Any, place: Path) -> Iterator[tuple[str, Any]]:
        """The parts of a merged value, by name."""
        if isinstance(value, Mapping):
            yield from ((f"f:{name}", part) for name, part in value.items())
        else:
            yield from ((self.item_name(item, place), item) for item in value)

    def item_name(self, item: Any, place: Path) -> str:
        """The name of an item of a merged list."""
        keys = self.keys(place)
        if not keys:
            return f"v:{_json(item)}"
        # The one default among the keys that the schemas have.
        return f"k:{_json({k: item.get(k, 'TCP' if k == 'protocol' else None) for k in keys})}"

    def nodes(self, value: Any, place: Path = ()) -> Iterator[tuple[Path, Any]]:
        """Every part of a value, from outside to inside."""
        if self.merges(value, place):
            for name, part in self.children(value, place):
                here = (*place, name)
                yield here, part
                yield from self.nodes(part, here)

    def below(self, value: Any, place: Path) -> Iterator[Path]:
        """A place and everything in it."""
        yield place
        yield from (path for path, _ in self.nodes(value, place))

    def applied(self, value: Any) -> Paths:
        """What applying a value makes one own: leaves, items of lists, members of free-form maps."""
        found = frozenset(path for path, part in self.nodes(value) if self._counts(path, part))
        return found - UNOWNED

    def leaf(self, path: Path, part: Any) -> bool:
        """Whether a part has no parts of its own that could be owned."""
        return not self.merges(part, path) or (isinstance(part, Mapping) and not part)

    def _counts(self, path: Path, part: Any) -> bool:
        free = len(path) > 1 and path[-2][2:] in FREE
        return self.leaf(path, part) or free or not path[-1].startswith("f:")


def with_parents(paths: Iterable[Path]) -> Paths:
    """The paths and every named field that they lie in."""
    return frozenset(path[:n] for path in paths for n in range(1, len(path) + 1)) - UNOWNED


def encoded(paths: Iterable[Path]) -> dict[str, Any]:
    """As FieldsV1."""
    tree: dict[str, Any] = {}
    members = set(paths)
    for path in sorted(members):
        below = tree
        for depth, name in enumerate(path, start=1):
            below = below.setdefault(name, {})
            if depth < len(path) and path[:depth] in members:
                below.setdefault(".", {})
    return tree


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
