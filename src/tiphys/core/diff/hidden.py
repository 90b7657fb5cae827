"""
Where in the bodies of a pair the fields are that do not count.

Each body has its own places: a rule may mean items of lists by what they say, and the lists differ. What jq says is
asked elsewhere and understood here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tiphys.core.diff.pointers import Json, Pointer, Pointers, index_in
from tiphys.model.objects import Body

MOST_PATHS = 10_000
"""So many fields of an object a jq expression may name."""

_ROLE = "ClusterRole"


@dataclass(frozen=True, slots=True)
class Hidden:
    """What is not looked at, in each body of a comparison."""

    target: Pointers = ()
    live: Pointers = ()
    after: Pointers = ()
    """In what the API server predicts."""
    status: bool = True
    """Whether ``status`` is not looked at either."""

    def __bool__(self) -> bool:
        return bool(self.target or self.live or self.after)


def pointers_of(paths: Sequence[Json], body: Body) -> Pointers:
    """The pointers of paths as jq writes them: places from a list's end and slices among them."""
    return tuple(dict.fromkeys(p for path in paths for p in _expanded(path, body) if p))


def _expanded(path: Sequence[Json], body: Json) -> Iterator[Pointer]:
    if not path:
        yield ()
        return
    for token in _tokens(path[0], body):
        for rest in _expanded(path[1:], _step(body, token)):
            yield (token, *rest)


def _tokens(token: Json, body: Json) -> Iterator[str]:
    match token:
        case str():
            yield token
        case int() | float() if isinstance(body, list):
            place = int(token)
            yield str(place if place >= 0 else place + len(body))
        case Mapping() if isinstance(body, list):
            yield from map(str, range(len(body))[slice(token.get("start"), token.get("end"))])


def _step(body: Json, token: str) -> Json:
    if isinstance(body, Mapping):
        return body.get(token)
    place = index_in(body, token) if isinstance(body, list) else None
    return None if place is None else body[place]


def aggregated(*bodies: Body | None) -> bool:
    """Whether it is a ClusterRole whose rules a controller gathers from others."""
    return any(body and body.get("kind") == _ROLE and body.get("aggregationRule") for body in bodies)
