"""
JSON pointers (RFC 6901): read, followed, and cut out of bodies.

A pointer is kept as its reference tokens, unescaped. A body is never changed: cutting makes another one that
shares what the cut does not touch.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from tiphys.model.objects import Body

Json = Any
"""A JSON value, of a body or a part of one."""

Pointer = tuple[str, ...]
"""The tokens of one pointer: ``("spec", "replicas")``."""

Pointers = tuple[Pointer, ...]


_DIGITS = 10
"""No list has so many items that a place in it takes as many."""


class Absent:
    """The type of ``ABSENT``."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""Nothing at all, unlike ``None``, which is JSON's null."""


def parse_pointer(text: str) -> Pointer:
    """Read a pointer. Raises ``ValueError`` saying what is wrong with it."""
    if not text.startswith("/"):
        raise ValueError("it does not begin with a slash")
    tokens = text[1:].split("/")
    for token in tokens:
        if "~" in token.replace("~0", "").replace("~1", ""):
            raise ValueError("a ~ must be written ~0, and a / in a name ~1")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens)


def write_pointer(tokens: Iterable[str]) -> str:
    """The text of a pointer."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def index_in(items: list[Json], token: str) -> int | None:
    """The place in a list that a token names, if the list has it."""
    fits = token.isascii() and token.isdigit() and len(token) < _DIGITS and str(int(token)) == token
    return int(token) if fits and int(token) < len(items) else None


def value_at(body: Json, pointer: Pointer) -> Json:
    """What a pointer points to, ``ABSENT`` where there is nothing."""
    for token in pointer:
        if isinstance(body, Mapping):
            body = body.get(token, ABSENT)
        elif isinstance(body, list) and (place := index_in(body, token)) is not None:
            body = body[place]
        else:
            return ABSENT
    return body


def without(body: Body, pointers: Pointers) -> Body:
    """
    The body without what the pointers point to; a pointer to nothing is fine.

    Places in lists are those of the whole body, however many of its items go.
    """
    cut: Body = _without(body, _tree(pointers)) if pointers else body
    return cut


class _Cut(dict[str, "_Cut"]):
    """What goes, by token; ``whole`` where the thing itself does."""

    whole = False


@lru_cache(maxsize=64)
def _tree(pointers: Pointers) -> _Cut:
    """The pointers as a tree, which nobody changes: the same few are cut out of every object."""
    tree = _Cut()
    for pointer in pointers:
        here = tree
        for token in pointer:
            here = here.setdefault(token, _Cut())
        here.whole = True
    return tree


def _without(value: Json, tree: _Cut) -> Json:
    if isinstance(value, Mapping) and not tree.keys().isdisjoint(value.keys()):
        return {k: _without(v, tree[k]) if k in tree else v for k, v in value.items() if not _goes(tree, k)}
    if isinstance(value, list) and any(index_in(value, token) is not None for token in tree):
        places = {str(n): each for n, each in enumerate(value)}
        return [_without(v, tree[n]) if n in tree else v for n, v in places.items() if not _goes(tree, n)]
    return value


def _goes(tree: _Cut, token: str) -> bool:
    return token in tree and tree[token].whole
