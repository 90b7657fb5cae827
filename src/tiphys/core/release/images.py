"""
Where a file names its images, and what stands there once another one is wished.

Charts write an image as ``image: {repository, tag, digest}`` or as ``image: repository:tag``, a Kustomization as
``images: [{name, newName, newTag, digest}]``. How a value gets into the file is for ``edit`` to know.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import product

from tiphys.core.release.document import File
from tiphys.core.release.insert import REPOSITORIES
from tiphys.core.release.nodes import Scalar
from tiphys.core.release.paths import Path, Place, parsed
from tiphys.core.release.references import Reference, expect_digest, expect_tag, reference
from tiphys.model.errors import SpecError

USUAL: tuple[Path, ...] = (("deployment", "image"), ("image",))
"""Where the image of a chart is looked for, the first that is there."""
_TAGS = ("tag", "newTag")
_MOST_TOLD = 8


@dataclass(frozen=True, slots=True)
class Wish:
    """An image that is to be in a file."""

    tag: str = ""
    digest: str = ""
    """Written where one stands already, or if ``pin``."""
    pin: bool = False
    name: str = ""
    """The repository whose image it is, or its last parts; empty for the file's own."""
    path: str = ""
    """Where it is named; empty to look for it."""
    repository: str = ""
    """Its own, if that is known: what the file names so is meant before anything else."""

    def __post_init__(self) -> None:
        """Raises ``SpecError`` for a wish that nobody can fulfil."""
        if not self.tag and not self.digest:
            raise SpecError("name the image that is wished: --tag, --digest or both")
        if self.tag:
            expect_tag(self.tag)
        if self.digest:
            expect_digest(self.digest)


@dataclass(frozen=True, slots=True)
class Spot:
    """A part of a file that names an image: one scalar with all of it, or a tag, a digest, or both."""

    at: Place
    held: Reference
    """What it names now."""
    whole: Place | None = None
    tag: Place | None = None
    digest: Place | None = None
    alias: str = ""
    """By what name a Kustomization knows the image, where it puts another in its stead."""

    def __str__(self) -> str:
        return str(self.whole or self.tag or self.digest)

    def named(self, name: str) -> bool:
        """Whether it is about the image of this name."""
        return self.held.named(name) or (bool(self.alias) and Reference(self.alias).named(name))

    def meant(self, path: Sequence[str]) -> bool:
        """Whether a path leads to it or to one of its scalars."""
        return any(_words(place.path) == path for place in (self.at, *self.places()))

    def places(self) -> Sequence[Place]:
        """Its scalars."""
        return [place for place in (self.whole, self.tag, self.digest) if place]

    def fulfil(self, wish: Wish, name: str) -> dict[Place, str]:
        """What is to stand where, for the wish. Raises ``SpecError`` where the wish would have no effect."""
        pinned = wish.pin or not wish.tag or bool(self.held.digest)
        if pinned and not wish.digest:
            raise SpecError(
                f"{name}: {self} is pinned to {self.held.digest}, which outranks a tag: give --digest too"
            )
        digest = wish.digest if pinned else ""
        if self.whole:
            return {self.whole: str(Reference(self.held.repository, wish.tag, digest))}
        found = {}
        if self.tag and wish.tag:
            found[self.tag] = wish.tag + f"@{digest}" * bool(digest and not self.digest)
        if self.digest and digest:
            found[self.digest] = digest
        if not found:
            lacking = "--tag" if self.tag else "a tag"
            raise SpecError(f"{name}: {self} has no place for that: it lacks {lacking}")
        return found


def spots(file: File) -> Sequence[Spot]:
    """Every spot of the file, in its order."""
    found: dict[Place, Spot] = {}
    for place, scalar in file.scalars.items():
        key, above = place.path[-1:], Place(place.document, place.path[:-1])
        if key == ("image",) and scalar.value:
            found[place] = _whole(place, scalar)
        elif key and key[0] in (*_TAGS, "digest") and above not in found and _is_image(file, above):
            found[above] = _parts(file, above)
    return list(found.values())


def bare(file: File) -> Sequence[Spot]:
    """What names an image without saying which one of it: the key for that is missing, and would be made."""
    found = []
    for at in file.mappings:
        below, in_kustomization = _below(file, at), at.path[-2:-1] == ("images",)
        repository = "name" if in_kustomization else "repository"
        if repository in below and _is_image(file, at) and not below.keys() & {*_TAGS, "digest"}:
            tag = Place(at.document, (*at.path, "newTag" if in_kustomization else "tag"))
            digest = Place(at.document, (*at.path, "digest")) if in_kustomization else None
            found.append(replace(_parts(file, at), tag=tag, digest=digest))
    return found


def values(file: File, wishes: Sequence[Wish]) -> dict[Place, str]:
    """What is to stand where, for these wishes. Raises ``SpecError`` that says what there is instead."""
    return together(file, [spot.fulfil(wish, file.name) for wish in wishes for spot in meant(file, wish)])


def together(file: File, wanted: Iterable[Mapping[Place, str]]) -> dict[Place, str]:
    """All that is to stand where. Raises ``SpecError`` where two of them are not the same."""
    found: dict[Place, str] = {}
    for place, value in (item for each in wanted for item in each.items()):
        if found.setdefault(place, value) != value:
            raise SpecError(f"{file.name}: {place} cannot be {found[place]} and {value} at once")
    return found


def meant(file: File, wish: Wish) -> Sequence[Spot]:
    """The spots that a wish is about, all of one image. Raises ``SpecError`` that says what there is instead."""
    there, without = spots(file), bare(file)
    if wish.path:
        return [_at(file, wish.path, [*there, *without])]
    if wish.name:
        return _named(file, wish.name, there, without)
    for some in (there, without):
        if own := [spot for spot in some if wish.repository and spot.held.repository == wish.repository]:
            return own
    for some, path in product((there, without), USUAL):
        if usual := [spot for spot in some if spot.at.path == path]:
            return _expect_one(file, usual)
    return _expect_one(file, there or without)


def _expect_one(file: File, found: Sequence[Spot]) -> Sequence[Spot]:
    if len(found) != 1:
        which = (
            "several images: say which with --image or --path" if found else "no image: say where with --path"
        )
        raise SpecError(f"{file.name} names {which}{_told(found)}")
    return found


def _named(file: File, name: str, there: Sequence[Spot], without: Sequence[Spot]) -> Sequence[Spot]:
    named = [s for s in there if s.named(name)] or [s for s in without if s.named(name)]
    if not named:
        raise SpecError(f"{file.name} names no image {name}{_told([*there, *without])}")
    if len({spot.held.repository for spot in named}) > 1:
        raise SpecError(f"{file.name}: {name} means several images{_told(named)}")
    return named


def _at(file: File, text: str, there: Sequence[Spot]) -> Spot:
    """What is at a path: a spot, or any scalar or mapping that is made one by being asked for."""
    path = _words(parsed(text))
    found = [spot for spot in there if spot.meant(path)]
    if not found:
        found = [_single(p, s) for p, s in file.scalars.items() if _words(p.path) == path]
    if not found:
        tags = [p for p in file.scalars if _words(p.path[:-1]) == path and p.path[-1] in _TAGS]
        found = [_parts(file, Place(p.document, p.path[:-1])) for p in tags]
    if not found:
        raise SpecError(f"{file.name} has no value {text}{_alike(file, text, there)}")
    if len(found) > 1:
        raise SpecError(f"{file.name}: {text} is in several documents; say which with --image{_told(found)}")
    return found[0]


def _single(place: Place, scalar: Scalar) -> Spot:
    """A scalar: a whole reference if it looks like one or is called so, else a tag."""
    plain = scalar.value.partition("@")[0]
    return _whole(place, scalar) if "/" in plain or ":" in plain else _tag(place, scalar)


def _whole(place: Place, scalar: Scalar) -> Spot:
    return Spot(place, reference(scalar.value), whole=place)


def _tag(place: Place, scalar: Scalar) -> Spot:
    tag, _, digest = scalar.value.partition("@")
    return Spot(place, Reference("", tag, digest), tag=place)


def _is_image(file: File, at: Place) -> bool:
    """Whether a mapping that has a tag or a digest is about an image."""
    in_kustomization = at.path[-2:-1] == ("images",) and "name" in _below(file, at)
    called_so = bool(at.path) and str(at.path[-1]).lower().endswith("image")
    return called_so or in_kustomization or "repository" in _below(file, at)


def _parts(file: File, at: Place) -> Spot:
    below = _below(file, at)
    text = {key: file.scalars[place].value for key, place in below.items()}
    tag = next((below[key] for key in _TAGS if key in below), None)
    written, _, digest = (file.scalars[tag].value if tag else "").partition("@")
    repository = next((text[key] for key in REPOSITORIES if text.get(key)), "")
    if text.get("registry"):
        repository = f"{text['registry']}/{repository}"
    held = Reference(repository, written, text.get("digest") or digest)
    return Spot(at, held, tag=tag, digest=below.get("digest"), alias=text.get("name", ""))


def _below(file: File, at: Place) -> dict[str, Place]:
    """The scalars of an image's mapping that tell of it."""
    keys = (*_TAGS, *REPOSITORIES, "registry", "digest")
    places = {key: Place(at.document, (*at.path, key)) for key in keys}
    return {key: place for key, place in places.items() if place in file.scalars}


def _words(path: Path) -> Sequence[str]:
    """So that ``images.0.newTag`` is ``images[0].newTag``."""
    return [str(part) for part in path]


def _alike(file: File, text: str, there: Sequence[Spot]) -> str:
    """Where there is an image, or else values that are called alike."""
    if there:
        return _told(there)
    names = [str(place) for place in file.scalars]
    near = get_close_matches(text, names, _MOST_TOLD, 0.4) or names[:_MOST_TOLD]
    return f"; there are: {', '.join(near)}" if near else "; it is empty"


def _told(there: Sequence[Spot]) -> str:
    told = [f"{spot} ({spot.held})" if spot.held.repository else str(spot) for spot in there[:_MOST_TOLD]]
    return f"; there are: {', '.join(told)}" if told else ""
