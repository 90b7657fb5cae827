"""
Globs as Argo CD reads them: ``*``, ``**``, ``?``, ``[a-z]``, ``[!a-z]``, ``{a,b}``, and ``\\`` to take a
character as it is.

With a separator, ``*`` and ``?`` stop at it and ``**`` does not. Matching takes time in proportion to the
pattern times the text, whatever the pattern: patterns come from users.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise

_MOST_ALTERNATIVES = 256

Single = Callable[[str], bool]
"""Whether one character fits."""


class _Star:
    """Any number of characters, separators among them if ``crosses``."""

    def __init__(self, *, crosses: bool) -> None:
        self.crosses = crosses


def matches(pattern: str, text: str, separator: str = "") -> bool:
    """Whether the whole text fits the pattern. Raises ``ValueError`` for a pattern that is not a glob."""
    return pattern == text or any(_fits(tokens, text, separator) for tokens in _parsed(pattern, separator))


@lru_cache(maxsize=1024)
def _parsed(pattern: str, separator: str) -> tuple[tuple[Single | _Star, ...], ...]:
    alternatives = list(_alternatives(pattern))
    if len(alternatives) > _MOST_ALTERNATIVES:
        raise ValueError(f"the glob {pattern!r} has more than {_MOST_ALTERNATIVES} alternatives")
    return tuple(tuple(_tokens(each, separator)) for each in alternatives)


def _alternatives(pattern: str) -> Iterator[str]:
    """The patterns without braces that a pattern with braces stands for."""
    todo, made = [pattern], 0
    while todo:
        current = todo.pop()
        braces = _first_braces(current)
        if braces is None:
            made += 1
            yield current
            continue
        start, commas, end = braces
        edges = [start, *commas, end]
        inner = [current[a + 1 : b] for a, b in pairwise(edges)]
        todo.extend(current[:start] + each + current[end + 1 :] for each in reversed(inner))
        if made + len(todo) > _MOST_ALTERNATIVES:
            raise ValueError(f"the glob {pattern!r} has more than {_MOST_ALTERNATIVES} alternatives")


def _first_braces(pattern: str) -> tuple[int, list[int], int] | None:
    """Where the first outermost braces open, divide and close."""
    start, commas, depth = -1, list[int](), 0
    for place, char in _unescaped(pattern):
        if char == "{":
            depth += 1
            start = place if depth == 1 else start
        elif char == "," and depth == 1:
            commas.append(place)
        elif char == "}" and depth:
            depth -= 1
            if not depth:
                return start, commas, place
    if depth:
        raise ValueError(f"the glob {pattern!r} opens a brace and does not close it")
    return None


def _unescaped(pattern: str) -> Iterator[tuple[int, str]]:
    """Places and characters outside of brackets that no backslash takes as they are."""
    escaped = bracket = False
    for place, char in enumerate(pattern):
        if escaped or bracket:
            bracket = bracket and (escaped or char != "]")
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == "[":
            bracket = True
        else:
            yield place, char


def _tokens(pattern: str, separator: str) -> Iterator[Single | _Star]:
    place = 0
    while place < len(pattern):
        char = pattern[place]
        if char == "*":
            crosses = pattern.startswith("**", place) or not separator
            place += 2 if pattern.startswith("**", place) else 1
            yield _Star(crosses=crosses)
        elif char == "?":
            place += 1
            yield lambda c: c != separator
        elif char == "[":
            end = pattern.find("]", place + 2)
            if end < 0:
                raise ValueError(f"the glob {pattern!r} opens a bracket and does not close it")
            yield _class(pattern[place + 1 : end])
            place = end + 1
        else:
            place += 1
            if char == "\\":
                if place == len(pattern):
                    raise ValueError(f"the glob {pattern!r} ends in a backslash")
                char, place = pattern[place], place + 1
            yield char.__eq__


def _class(inner: str) -> Single:
    """A character class: ``a-z``, ``abc``, each denied by a leading ``!``."""
    denied = inner.startswith("!")
    inner = inner[1:] if denied else inner
    allowed = set[str]()
    place = 0
    while place < len(inner):
        if inner[place + 1 : place + 2] == "-" and place + 2 < len(inner):
            allowed.update(map(chr, range(ord(inner[place]), min(ord(inner[place + 2]), 0xFFFF) + 1)))
            place += 3
        else:
            allowed.add(inner[place])
            place += 1
    return lambda c: (c in allowed) != denied


def _fits(tokens: tuple[Single | _Star, ...], text: str, separator: str) -> bool:
    """Keep the set of token positions that the text so far can have reached."""
    reached = _past_stars({0}, tokens)
    for char in text:
        after = set[int]()
        for place in reached:
            if place == len(tokens):
                continue
            token = tokens[place]
            if isinstance(token, _Star):
                if token.crosses or char != separator:
                    after.add(place)
            elif token(char):
                after.add(place + 1)
        reached = _past_stars(after, tokens)
        if not reached:
            return False
    return len(tokens) in reached


def _past_stars(places: set[int], tokens: tuple[Single | _Star, ...]) -> set[int]:
    """The places, and those behind stars that match nothing."""
    found = set(places)
    for start in places:
        place = start
        while place < len(tokens) and isinstance(tokens[place], _Star):
            place += 1
            found.add(place)
    return found
