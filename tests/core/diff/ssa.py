"""
Server-side apply on a kind of our own, small enough to be read: the oracle of the properties.

``Cluster`` holds one object and its ``managedFields`` as the API server would. Names of members tell how values are
merged: ``atomic…`` is replaced whole, ``set…`` is a set, ``items…`` a list keyed by ``name`` and ``port``, of which
``port`` defaults to 80; any other mapping is merged. That the real API server does the same is tested beside this.
"""

import json
from copy import deepcopy
from typing import Any

from tiphys.model.objects import Key, Live, Manifest
from tiphys.model.tracking import FIELD_MANAGER

KEY = Key("example.com", "Widget", "shop", "web")
DEFAULTS = {"replicas": 1}

Path = tuple[str, ...]


class Cluster:
    """One object, and who owns what of it."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = _defaulted(deepcopy(spec))
        self.owned: dict[tuple[str, str], set[Path]] = {}
        self.version = 1

    def live(self) -> Live:
        managed = [
            {
                "manager": manager,
                "operation": operation,
                "apiVersion": "example.com/v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": _tree(paths)} if paths else {},
            }
            for (manager, operation), paths in self.owned.items()
        ]
        body = _object(self.spec)
        return Live(
            KEY, {**body, "metadata": {**body["metadata"], "managedFields": managed} | self._version()}
        )

    def _version(self) -> dict[str, str]:
        return {"resourceVersion": str(self.version)}

    def apply(self, spec: dict[str, Any], manager: str = FIELD_MANAGER) -> None:
        """Apply by force."""
        me, wanted = (manager, "Apply"), _paths(spec)
        before = self.owned.get(me, set())
        merged = _merged(self.spec, deepcopy(spec))
        others = set().union(*(paths for who, paths in self.owned.items() if who != me))
        for path in sorted(before - wanted - others, key=len):
            # What tells an item from another stays as long as the item does.
            is_key = path[-1] in ("f:name", "f:port") and len(path) > 2
            if not is_key and not any(kept[: len(path)] == path for kept in wanted | others):
                merged = _pruned(merged, path)
        self._become(merged, me, wanted)

    def update(self, spec: dict[str, Any], manager: str) -> None:
        """Write the object whole."""
        me = (manager, "Update")
        changed = {path for path in _paths(spec) if _at(self.spec, path) != _at(spec, path)}
        if changed or spec != self.spec:
            self._become(deepcopy(spec), me, self.owned.get(me, set()) | changed)

    def _become(self, spec: dict[str, Any], me: tuple[str, str], mine: set[Path]) -> None:
        spec = _defaulted(spec)
        for who, paths in self.owned.items():
            if who != me:
                self.owned[who] = {path for path in paths if _at(self.spec, path) == _at(spec, path)}
        self.owned[me] = {path for path in mine if _at(spec, path) is not _GONE}
        self.spec, self.version = spec, self.version + 1


def manifest(spec: dict[str, Any]) -> Manifest:
    return Manifest(KEY, _object(spec))


def _object(spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": KEY.name, "namespace": KEY.namespace}
    return {"apiVersion": "example.com/v1", "kind": KEY.kind, "metadata": metadata, "spec": spec}


_GONE = object()


def _merges(name: str) -> str:
    """How what stands under a name of FieldsV1 is merged."""
    plain = name.removeprefix("f:")
    if plain in ("", "labels") or name.startswith("k:"):
        return "map"
    return next((kind for kind in ("set", "items") if plain.startswith(kind)), "atomic")


def _step(name: str, item: Any) -> str:
    if name == "items":
        key = {"name": item["name"], "port": item.get("port", 80)}
        return "k:" + json.dumps(key, separators=(",", ":"))
    return "v:" + json.dumps(item)


def _paths(value: Any, at: Path = ("f:",)) -> set[Path]:
    """The fields that somebody who says this owns, in the names of FieldsV1."""
    merges, here = _merges(at[-1]), at[1:]
    if merges == "atomic" or not value:
        return {here} - {()}
    found = set[Path]()
    if merges == "map":
        for name, inner in value.items():
            found |= _paths(inner, (*at, f"f:{name}"))
        return found
    for item in value:
        step = _step(merges, item)
        found |= {(*here, step)} | (_paths(item, (*at, step)) if merges == "items" else set())
    return found


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if step.startswith("f:"):
            value = value.get(step[2:], _GONE) if isinstance(value, dict) else _GONE
        else:
            kind = "items" if step.startswith("k:") else "set"
            value = next((each for each in value if _step(kind, each) == step), _GONE) if value else _GONE
        if value is _GONE:
            return _GONE
    # An item of a keyed list is owned as a member of the list; its fields are owned by themselves.
    return True if path and path[-1].startswith("k:") else value


def _merged(live: Any, wanted: Any, name: str = "f:") -> Any:
    merges = _merges(name)
    if merges == "map":
        return {**(live or {}), **{k: _merged((live or {}).get(k), v, f"f:{k}") for k, v in wanted.items()}}
    if merges == "set" and live:
        return _in_order(live, wanted)
    if merges == "items" and live:
        old, new = ({_step("items", each): each for each in side} for side in (live, wanted))
        return [_merged(old.get(s), new.get(s, old.get(s)), s) for s in _in_order([*old], [*new])]
    return wanted


def _in_order(live: list[Any], wanted: list[Any]) -> list[Any]:
    """What is wanted in its order, with what else is live in between, as close to its place as that allows."""
    merged, rest = list[Any](), list(wanted)
    for each in live:
        if each not in wanted:
            merged.append(each)
        elif each in rest:
            upto = rest.index(each) + 1
            merged, rest = merged + rest[:upto], rest[upto:]
    return merged + rest


def _pruned(value: Any, path: Path) -> Any:
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        if step[2:] not in value:
            return value
        inner = _pruned(value[step[2:]], rest) if rest else _GONE
        others = {k: v for k, v in value.items() if k != step[2:]}
        return others if inner is _GONE or (inner in ([], {}) and rest) else {**value, step[2:]: inner}
    kind = "items" if step.startswith("k:") else "set"
    pruned = [
        (_pruned(each, rest) if rest else _GONE) if _step(kind, each) == step else each for each in value
    ]
    return [each for each in pruned if each is not _GONE]


def _defaulted(spec: dict[str, Any]) -> dict[str, Any]:
    full = {**DEFAULTS, **spec}
    return {k: _with_ports(v) if k.startswith("items") else v for k, v in full.items()}


def _with_ports(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"port": 80, **item} for item in items]


def _tree(paths: set[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in paths:
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        if path[-1].startswith("k:"):
            node["."] = {}
    return tree
