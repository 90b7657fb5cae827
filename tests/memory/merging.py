"""
Server-side apply and other writes, as far as bodies and the ownership of their fields are concerned.

Pure: a body and its owners go in, a body and its owners come out. The steps are those of structured-merge-diff:
merge, prune what the applier gave up, then settle who owns what changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memory.fields import UNOWNED, Path, Paths, Shape, with_parents


@dataclass(frozen=True, order=True)
class Writer:
    """Who writes. An applier is one, whatever version it speaks."""

    operation: str
    manager: str
    version: str = field(default="", compare=False)
    subresource: str = ""

    @property
    def applies(self) -> bool:
        """Whether it writes by server-side apply."""
        return self.operation == "Apply"


Owners = Mapping[Writer, Paths]


def apply(
    live: Mapping[str, Any], owners: Owners, config: Mapping[str, Any], who: Writer, shape: Shape
) -> tuple[dict[str, Any], Owners]:
    """What a forced apply makes of an object."""
    mine = shape.applied(config)
    merged = merge(live, config, shape)
    owned = {**_without(owners, who), who: mine}
    given_up = with_parents(owners.get(who, frozenset())) - _held(owned)
    pruned = _prune(merged, given_up, shape)
    return pruned, _settled(owned, who, *compare(live, pruned, shape))


def update(
    live: Mapping[str, Any], owners: Owners, body: Mapping[str, Any], who: Writer, shape: Shape
) -> Owners:
    """Who owns what after somebody wrote a body over what was live."""
    changed, removed = compare(live, body, shape)
    mine = (owners.get(who, frozenset()) - removed) | changed
    return _settled({**_without(owners, who), who: mine}, who, changed, removed)


def compare(old: Mapping[str, Any], new: Mapping[str, Any], shape: Shape) -> tuple[Paths, Paths]:
    """What is new or has another value, and what is gone."""
    changed: set[Path] = set()
    removed: set[Path] = set()
    _compare(old, new, shape, (), (changed, removed))
    return frozenset(changed) - UNOWNED, frozenset(removed) - UNOWNED


def _compare(old: Any, new: Any, shape: Shape, place: Path, found: tuple[set[Path], set[Path]]) -> None:
    if old == new:
        return
    changed, removed = found
    if shape.merges(old, place) and shape.merges(new, place) and type(old) is type(new):
        before, after = dict(shape.children(old, place)), dict(shape.children(new, place))
        for name in before.keys() & after.keys():
            _compare(before[name], after[name], shape, (*place, name), found)
        for name in after.keys() - before.keys():
            changed.update(shape.below(after[name], (*place, name)))
        for name in before.keys() - after.keys():
            removed.update(shape.below(before[name], (*place, name)))
    else:
        changed.add(place)


def merge(live: Any, config: Any, shape: Shape, place: Path = ()) -> Any:
    """The config over what is live."""
    if isinstance(live, Mapping) and isinstance(config, Mapping) and shape.merges(config, place):
        merged = dict(live)
        for name, value in config.items():
            merged[name] = merge(live.get(name), value, shape, (*place, f"f:{name}"))
        return merged
    if isinstance(live, list) and isinstance(config, list) and shape.merges(config, place):
        return _merge_lists(live, config, shape, place)
    return config


def _merge_lists(live: list[Any], config: list[Any], shape: Shape, place: Path) -> list[Any]:
    """Items meet by name; the config's order holds among those that both have, and others keep their place."""
    old = [(shape.item_name(item, place), item) for item in live]
    new = {shape.item_name(item, place): item for item in config}
    known = dict(old)
    coming = list(new)
    merged = []
    for name, item in old:
        if name not in new:
            merged.append(item)
            continue
        while coming:
            next_name = coming.pop(0)
            merged.append(merge(known.get(next_name), new[next_name], shape, (*place, next_name)))
            if next_name in known:
                break
    merged += [merge(known.get(name), new[name], shape, (*place, name)) for name in coming]
    return merged


def _held(owners: Owners) -> Paths:
    """Everything that somebody owns, or that somebody owns a part of."""
    return with_parents(path for paths in owners.values() for path in paths)


def _prune(value: Any, gone: Paths, shape: Shape, place: Path = ()) -> Any:
    if not shape.merges(value, place):
        return value
    left = [
        (name, _prune(part, gone, shape, (*place, name)))
        for name, part in shape.children(value, place)
        if (*place, name) not in gone
    ]
    if isinstance(value, list):
        return [part for _, part in left]
    kept = {name[2:]: part for name, part in left}
    return {name: part for name, part in kept.items() if part != {} or value[name] == {}}


def _settled(owners: Owners, who: Writer, changed: Paths, removed: Paths) -> Owners:
    """Others lose what was given another value, and what is gone."""
    lost = changed | removed
    kept = {writer: paths if writer == who else paths - lost for writer, paths in owners.items()}
    return {writer: paths for writer, paths in kept.items() if paths}


def _without(owners: Owners, who: Writer) -> dict[Writer, Paths]:
    return {writer: paths for writer, paths in owners.items() if writer != who}
