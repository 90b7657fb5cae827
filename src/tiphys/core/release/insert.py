"""
A key that a mapping lacks, written behind one that it has: in its style, at its indent, with its line end.

Whether the file then says that and nothing else, ``edit`` finds out by reading it.
"""

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tiphys.core.release.document import File
from tiphys.core.release.nodes import Mapping, Scalar
from tiphys.core.release.paths import Place

REPOSITORIES = ("repository", "newName", "name")
"""What an image's repository is called, in the order in which they count."""
_QUOTES = ("'", '"')


@dataclass(frozen=True, slots=True)
class Gap:
    """Where a mapping has room for keys: behind one of its own."""

    key: Scalar
    """That one."""
    flow: bool
    """Whether the mapping stands between braces."""
    names: Dict[Place, str]
    """The keys that are missing, by the places that they will be."""

    @property
    def event(self) -> int:
        """The parse event behind which theirs come: the value of the key, which takes a single one."""
        return self.key.event + 1

    def written(self, file: File, values: Dict[Place, str]) -> tuple[int, str]:
        """At which character of the text what is to be put in, given the values as they are to stand there."""
        end, text = _end(file.events[self.event]), file.text
        quote = self.key.style if self.key.style in _QUOTES else ""
        pairs = [f"{quote}{name}{quote}: {values[place]}" for place, name in self.names.items()]
        if self.flow:
            return end, "".join(f", {pair}" for pair in pairs)
        line = text.rfind("\n", 0, self.key.span[0]) + 1
        # A dash or a question mark before the key is room too.
        indent = "".join(c if c == "\t" else " " for c in text[line : self.key.span[0]])
        newline = "\r\n" if "\r\n" in text else "\n"
        end = text.find("\n", end) + 1
        if not end:
            return len(text), "".join(f"{newline}{indent}{pair}" for pair in pairs)
        return end, "".join(f"{indent}{pair}{newline}" for pair in pairs)

    def quotes(self, file: File) -> str:
        """Those that the value of the key has, which suit the new ones too."""
        style = getattr(file.events[self.event], "style", None) or ""
        return style if style in _QUOTES else ""


def gaps(file: File, missing: Sequence[Place]) -> Sequence[Gap]:
    """Room for these places; none where a mapping is not there or holds no plain value to write behind."""
    above: dict[Place, dict[Place, str]] = {}
    for place in missing:
        above.setdefault(Place(place.document, place.path[:-1]), {})[place] = str(place.path[-1])
    found = []
    for parent, names in above.items():
        mapping = file.mappings.get(parent)
        if mapping and (key := _last(file, mapping)):
            found.append(Gap(key, mapping.flow, names))
    return found


def _last(file: File, mapping: Mapping) -> Scalar | None:
    """The last key that says of which repository an image is, if its value is on its line."""
    keys = [key for key, _ in mapping.pairs if isinstance(key, Scalar) and _on_one_line(file, key)]
    return next((key for key in reversed(keys) if key.value in REPOSITORIES), None)


def _on_one_line(file: File, key: Scalar) -> bool:
    value = file.events[key.event + 1]
    if not isinstance(value, yaml.ScalarEvent | yaml.AliasEvent) or getattr(value, "style", "") in ("|", ">"):
        return False
    return "\n" not in file.text[key.span[0] : _end(value)]


def _end(event: yaml.Event) -> int:
    mark: Any = event.end_mark
    index: int = mark.index
    return index
