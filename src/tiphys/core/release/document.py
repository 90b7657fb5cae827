"""
A YAML file: its text, and its scalars by the places where they are met.

Nothing is constructed and nothing is lost. What may be changed, and how, others know.
"""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import yaml

from tiphys.core.release.nodes import LOADER, Mapping, Node, Scalar, roots, walk, written_twice
from tiphys.core.release.paths import Place
from tiphys.model.errors import SpecError

MOST_NODES = 100_000
"""A file with more, aliases followed, is an attack or a mistake."""


@dataclass(frozen=True)
class File:
    """A YAML file that was read."""

    name: str
    """As messages tell it."""
    text: str
    """Without a byte order mark."""
    marked: bool = False
    """Whether it began with one."""

    @cached_property
    def events(self) -> Sequence[yaml.Event]:
        """What a parser tells of it. Raises ``SpecError`` if it is no YAML."""
        try:
            return list(yaml.parse(self.text, Loader=LOADER))
        except (yaml.YAMLError, RecursionError) as error:
            raise SpecError(f"{self.name} is not valid YAML: {_in_words(error)}") from error

    @cached_property
    def scalars(self) -> dict[Place, Scalar]:
        """Every scalar by every place where it is met, in the file's order. Raises ``SpecError``."""
        return {place: node for place, node in self._nodes if isinstance(node, Scalar)}

    @cached_property
    def mappings(self) -> dict[Place, Mapping]:
        """Every mapping by every place where it is met, in the file's order. Raises ``SpecError``."""
        return {place: node for place, node in self._nodes if isinstance(node, Mapping)}

    @cached_property
    def _nodes(self) -> Sequence[tuple[Place, Node]]:
        found: list[tuple[Place, Node]] = []
        for document, root in enumerate(self._roots):
            nodes = list(islice(walk(root), MOST_NODES + 1))
            if len(nodes) > MOST_NODES:
                raise SpecError(f"{self.name} holds more than {MOST_NODES} values, aliases followed")
            found += [(Place(document, path), node) for path, node in nodes]
        return found

    def written_twice(self, place: Place) -> Scalar | None:
        """The second of two equal keys in one mapping on the way to a place."""
        return written_twice(self._roots[place.document], place.path)

    @cached_property
    def _roots(self) -> Sequence[Node]:
        try:
            return list(roots(self.text, self.events))
        except yaml.YAMLError as error:
            raise SpecError(f"{self.name} is not valid YAML: {_in_words(error)}") from error

    def encoded(self) -> bytes:
        """Its bytes."""
        return codecs.BOM_UTF8 * self.marked + self.text.encode()


def read(content: bytes, name: str) -> File:
    """The file that has this content. Raises ``SpecError`` if it is not UTF-8."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(f"{name} is not UTF-8 (byte {error.start}): save it as UTF-8") from error
    return File(name, text.removeprefix("\ufeff"), text.startswith("\ufeff"))


def _in_words(error: Exception) -> str:
    match error:
        case yaml.MarkedYAMLError(problem_mark=mark) if mark:
            return f"line {mark.line + 1}: {error.problem or error.context}"
        case yaml.reader.ReaderError():
            return f"a character that YAML does not allow, at {error.position}"
        case RecursionError():
            return "it is nested too deeply"
    return str(error)
