"""Reading a payload that a stranger wrote: whatever it holds, what is asked for is there in its type, or is empty."""

from collections.abc import Iterable
from typing import Any

Payload = Any
"""JSON of any shape."""
_NOTHING = frozenset("0")
_LONGEST = 4096
"""Of a text; no address, ref or name of a file comes near."""


def at(payload: Payload, *path: str) -> Payload:
    """What lies at a path of keys, ``None`` where nothing does."""
    for key in path:
        if not isinstance(payload, dict):
            return None
        payload = payload.get(key)
    return payload


def text(payload: Payload, *path: str) -> str:
    """The text at a path, empty where there is none."""
    found = at(payload, *path)
    return found if isinstance(found, str) and len(found) <= _LONGEST else ""


def items(payload: Payload, *path: str) -> list[Payload]:
    """The list at a path, empty where there is none."""
    found = at(payload, *path)
    return found if isinstance(found, list) else []


def number(payload: Payload, *path: str) -> int:
    """The whole number at a path, 0 where there is none."""
    found = at(payload, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def texts(payload: Payload, *paths: tuple[str, ...]) -> tuple[str, ...]:
    """The texts at several paths, without those that are not there."""
    found: Iterable[str] = (text(payload, *path) for path in paths)
    return tuple(dict.fromkeys(filter(None, found)))


def commit(payload: Payload, *path: str) -> str:
    """The commit at a path; empty where there is none, or only zeros, as Git writes that there is none."""
    found = text(payload, *path)
    return "" if set(found) == _NOTHING else found
