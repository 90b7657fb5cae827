"""JSON merge patches (RFC 7386): the smallest change from one JSON value to another."""

from collections.abc import Mapping
from typing import Any


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The patch that turns ``old`` into ``new``; empty if they are equal. Lists are replaced whole."""
    patch: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    for name, value in new.items():
        was = old.get(name)
        if isinstance(value, Mapping) and isinstance(was, Mapping):
            inner = merge_patch(was, value)
            if inner:
                patch[name] = inner
        elif was != value or name not in old:
            patch[name] = value
    return patch
