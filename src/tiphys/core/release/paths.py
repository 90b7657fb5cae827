"""Paths into a YAML file as people write them: ``deployment.image.tag``, ``containers[0].image``, ``a\\.b.c``."""

import re
from dataclasses import dataclass

from tiphys.model.errors import SpecError

Path = tuple[str | int, ...]
"""Keys of mappings and indexes of lists."""

_SEGMENT = re.compile(r"(?P<dot>\.?)(?P<key>(?:\\.|[^\\.\[\]])+)|\[(?P<index>\d+)\]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is in a file."""

    document: int
    """Counted from 0: a file may hold several."""
    path: Path

    def __str__(self) -> str:
        return shown(self.path) + (f" (document {self.document + 1})" if self.document else "")


def parsed(text: str) -> Path:
    """The path that a text names, as with ``helm --set``: a backslash takes the next character as it is."""
    found: list[str | int] = []
    at = 0
    while at < len(text):
        match = _SEGMENT.match(text, at)
        if not match or (match["key"] and bool(match["dot"]) != bool(found)):
            break
        found.append(int(match["index"]) if match["index"] else re.sub(r"\\(.)", r"\1", match["key"]))
        at = match.end()
    if not found or at < len(text):
        raise SpecError(f"{text!r} is not a path: write it like deployment.image.tag or containers[0].image")
    return tuple(found)


def shown(path: Path) -> str:
    """The path as ``parsed`` reads it."""
    return "".join(
        f"[{part}]" if isinstance(part, int) else "." * bool(at) + re.sub(r"([\\.\[\]])", r"\\\1", part)
        for at, part in enumerate(path)
    )
