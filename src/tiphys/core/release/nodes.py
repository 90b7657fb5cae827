"""
The tree of a YAML file, made of its parse events: aliases lead to the very node that they name.

A scalar knows the characters that it takes. A walk follows aliases and merge keys as those do who read the file,
so a value that is met in several places is found in all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from tiphys.core.languages.plain_scalars import reads_as_text
from tiphys.core.release.paths import Path

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it: twenty times faster, with marks that count characters just the same."""
_TEXT = "tag:yaml.org,2002:str"
DEEPEST = 100


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A scalar as it is written; two that are written alike are still two."""

    event: int
    """Its number among the file's parse events."""
    value: str
    span: tuple[int, int]
    """The characters that it takes, quotes included, anchor and tag not; empty for a value left out."""
    style: str
    """``'``, ``"``, ``|``, ``>``, or empty for one without quotes."""
    tag: str
    """A tag that is written before it."""
    line: int
    """Counted from 1."""
    flow: bool
    """Whether it stands between braces or brackets."""

    @property
    def is_text(self) -> bool:
        """Whether everybody reads it as text, and not as a number, say."""
        if self.tag:
            return self.tag in (_TEXT, "!")
        return bool(self.style) or reads_as_text(self.value)


@dataclass(slots=True, eq=False)
class Mapping:
    """Pairs in their order, keys that stand twice among them."""

    flow: bool
    pairs: "list[tuple[Node, Node]]" = field(default_factory=list)
    waiting: "Node | None" = None
    """A key whose value has not come yet."""

    def take(self, node: "Node") -> None:
        """The next key or value."""
        if self.waiting is None:
            self.waiting = node
        else:
            self.pairs.append((self.waiting, node))
            self.waiting = None


@dataclass(slots=True, eq=False)
class List:
    """A sequence."""

    flow: bool
    items: "list[Node]" = field(default_factory=list)

    def take(self, node: "Node") -> None:
        """The next item."""
        self.items.append(node)


Node = Scalar | Mapping | List
Spans = dict[int, tuple[int, int]]
"""Where scalars start and end, by their end: a parse event's start counts anchor and tag in."""


def roots(text: str, events: Sequence[yaml.Event]) -> Iterator[Node]:
    """The root of each document. Raises ``yaml.YAMLError`` for an alias of nothing."""
    spans = _spans(text)
    named: dict[str, Node] = {}
    around: list[Mapping | List] = []
    for number, event in enumerate(events):
        match event:
            case yaml.DocumentStartEvent():
                named = {}
                continue
            case yaml.ScalarEvent():
                node: Node = _scalar(number, event, spans, flow=bool(around) and around[-1].flow)
            case yaml.AliasEvent() if event.anchor in named:
                node = named[event.anchor]
            case yaml.AliasEvent():
                raise yaml.YAMLError(f"line {_line(event)} names *{event.anchor}, which is not there")
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                flow = bool(event.flow_style)
                node = Mapping(flow) if isinstance(event, yaml.MappingStartEvent) else List(flow)
            case yaml.CollectionEndEvent():
                around.pop()
                continue
            case _:
                continue
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.anchor:
            named[event.anchor] = node
        if around:
            around[-1].take(node)
        else:
            yield node  # its pairs and items follow; who wants them all asks for the next root first
        if isinstance(event, yaml.CollectionStartEvent) and isinstance(node, Mapping | List):
            around.append(node)


def walk(root: Node) -> Iterator[tuple[Path, Node]]:
    """
    Every node by each path that leads to it, in the file's order.

    May be long without end where aliases lead into each other; deeper than ``DEEPEST`` nothing is found.
    """
    stack: list[tuple[Path, Node]] = [((), root)]
    while stack:
        path, node = stack.pop()
        yield path, node
        if len(path) < DEEPEST:
            stack += [((*path, key), value) for key, value in reversed(_children(node))]


def written_twice(root: Node, path: Path) -> Scalar | None:
    """The second of two equal keys in one mapping on the way that a path takes; readers differ in which counts."""
    for at in range(len(path)):
        node = dict(_children(root)).get(path[at])
        same = [k for k in _keys(root) if k.value == path[at]]
        if len(same) > 1 or node is None:
            return same[1] if len(same) > 1 else None
        root = node
    return None


def _children(node: Node) -> list[tuple[str | int, Node]]:
    match node:
        case Mapping():
            return list(_effective(node, []).items())
        case List(items=items):
            return list(enumerate(items))
    return []


def _effective(mapping: Mapping, merged: list[Mapping]) -> dict[str | int, Node]:
    """What a mapping has by its keys: what it merges in counts where it has no such key itself."""
    merged.append(mapping)
    found: dict[str | int, Node] = {
        k.value: v for k, v in mapping.pairs if isinstance(k, Scalar) and not _merges(k)
    }
    for key, value in mapping.pairs:
        if _merges(key):
            for each in value.items if isinstance(value, List) else [value]:
                if isinstance(each, Mapping) and not any(each is other for other in merged):
                    found = _effective(each, merged) | found
    return found


def _keys(node: Node) -> list[Scalar]:
    pairs = node.pairs if isinstance(node, Mapping) else []
    return [key for key, _ in pairs if isinstance(key, Scalar) and not _merges(key)]


def _merges(key: Node) -> bool:
    return isinstance(key, Scalar) and key.value == "<<" and not key.style


def _scalar(number: int, event: yaml.ScalarEvent, spans: Spans, *, flow: bool) -> Scalar:
    end = _index(event.end_mark)
    style = event.style or ""
    # One that was left out has no token of its own.
    span = spans.get(end, (end, end)) if event.value or style else (end, end)
    return Scalar(number, event.value, span, style, event.tag or "", _line(event), flow)


def _spans(text: str) -> Spans:
    tokens = yaml.scan(text, Loader=LOADER)
    return {
        _index(token.end_mark): (_index(token.start_mark), _index(token.end_mark))
        for token in tokens
        if isinstance(token, yaml.ScalarToken)
    }


def _index(mark: Any) -> int:
    """In characters."""
    index: int = mark.index
    return index


def _line(event: yaml.Event) -> int:
    mark: Any = event.start_mark
    line: int = mark.line
    return line + 1
