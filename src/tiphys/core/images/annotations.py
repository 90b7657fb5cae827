"""
The annotation by which an Application has its images watched: ``tiphys.dev/images``, an image a line.

    ghcr.io/example/homepage semver:1.x ignore:*-rc*
    ghcr.io/example/api regexp:^main-(\\d+)$ path:api.image.tag
    ghcr.io/example/proxy:latest digest

A line that cannot be read is told, and the others count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from tiphys.core.images.names import named
from tiphys.core.images.policies import Order, Policy
from tiphys.core.languages.globs import matches
from tiphys.model.errors import SpecError
from tiphys.model.images import Platform, Repository

IMAGES = "tiphys.dev/images"
MOST_IMAGES = 50
"""Of one Application: an annotation comes from users, and each image is asked for again and again."""
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Watched:
    """An image that is watched, and where its tag is kept."""

    repository: Repository
    policy: Policy = Policy()  # noqa: RUF009 - it is frozen
    place: str = ""
    """In the file, like ``deployment.image.tag``; empty for wherever the file names the repository."""
    file: str = ""
    """The file, as seen from the Application's folder; empty for the value files that its chart is rendered with."""
    secret: str = ""
    """The Secret, beside the Application, with the credentials for the registry."""
    namespace: str = ""
    """Where that Secret is said to be, if it was said."""


@dataclass(frozen=True, slots=True)
class Watching:
    """What the annotations of an Application ask for."""

    images: Sequence[Watched] = ()
    problems: Sequence[str] = ()
    """What of it cannot be read, each in a sentence."""
    branch: str = ""
    """The branch that is committed to; empty for the one that the Application follows."""


def watching(annotations: Mapping[str, str]) -> Watching:
    """What the annotation asks for; nothing where there is none."""
    images, problems = list[Watched](), list[str]()
    for number, line in enumerate(annotations.get(IMAGES, "").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            images.append(line_of(words))
        except SpecError as error:
            problems.append(f"{IMAGES}, line {number}: {error}")
    if len(images) > MOST_IMAGES:
        problems.append(f"{IMAGES}: at most {MOST_IMAGES} images are watched; the others are left out")
    return Watching(images[:MOST_IMAGES], problems)


def line_of(words: Sequence[str]) -> Watched:
    """The image that a line asks to watch. Raises ``SpecError`` that says which word is wrong."""
    image, *rest = words
    name = named(image)
    if name.digest:
        raise SpecError(f"{image} is one image for ever: leave the digest away")
    found = Watched(name.repository, Policy(tag=name.tag))
    for word in rest:
        found = _with(found, word)
    return replace(found, policy=checked(found.policy, image))


def checked(policy: Policy, image: str) -> Policy:
    """The policy, if it can choose. Raises ``SpecError`` otherwise."""
    if policy.order is Order.DIGEST and not policy.tag:
        return replace(policy, tag="latest")
    if policy.order is not Order.DIGEST and policy.tag:
        raise SpecError(
            f"{image}: a tag is followed by digest alone: write {image} digest, or "
            f"{image.rpartition(':')[0]} semver:{policy.tag}"
        )
    if policy.order is Order.REGEXP and not policy.allow:
        raise SpecError(f"{image}: regexp needs an expression: write regexp:^main-(\\d+)$")
    for glob in policy.ignore:
        try:
            matches(glob, "")
        except ValueError as error:
            raise SpecError(f"{image}: {error}") from error
    return policy


def _with(watched: Watched, word: str) -> Watched:
    """What is watched, with one more word said of it."""
    key, _, value = word.partition(":")
    if len(word) > _LONGEST:
        raise SpecError(f"a word is longer than {_LONGEST} letters: {word[:40]}…")
    if key in ORDERS:
        return replace(watched, policy=ordered(watched.policy, key, value))
    if key not in _WORDS:
        near = get_close_matches(key, [*ORDERS, *_WORDS], 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"a policy is one of {', '.join(ORDERS)}"
        raise SpecError(f"{key!r} is neither a policy nor a word that is known; {hint}")
    if not value:
        raise SpecError(f"{key} needs something after its colon")
    return _WORDS[key](watched, value)


def ordered(policy: Policy, order: str, detail: str = "") -> Policy:
    """The policy with this order; the detail is a constraint of versions or an expression."""
    match Order(order):
        case Order.SEMVER:
            return replace(policy, order=Order.SEMVER, constraint=detail)
        case Order.REGEXP:
            return replace(policy, order=Order.REGEXP, allow=detail)
        case other if not detail:
            return replace(policy, order=other)
    raise SpecError(f"{order} takes nothing after it; filter tags with allow:EXPRESSION")


def platform_of(text: str) -> Platform:
    """The platform that ``linux/arm64/v8`` is. Raises ``SpecError`` for anything else."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise SpecError(f"{text!r} is no platform: write it like linux/arm64")
    return Platform(*parts)


def globs_of(text: str) -> tuple[str, ...]:
    """The globs of a list with commas."""
    return tuple(glob.strip() for glob in text.split(",") if glob.strip())


ORDERS = tuple(Order)
_WORDS: Mapping[str, Callable[[Watched, str], Watched]] = {
    "allow": lambda w, text: replace(w, policy=replace(w.policy, allow=text)),
    "ignore": lambda w, text: replace(w, policy=replace(w.policy, ignore=globs_of(text))),
    "platform": lambda w, text: replace(w, policy=replace(w.policy, platform=platform_of(text))),
    "path": lambda w, text: replace(w, place=text),
    "file": lambda w, text: replace(w, file=text),
    "secret": lambda w, text: replace(w, secret=text),
}
