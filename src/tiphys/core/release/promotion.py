"""
A promotion: which images of one file another one is to have, and whether what runs permits that.

Only tags and digests go over. An image goes to the place that it has in the other file too, or to the only one there
that names the same repository.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tiphys.core.release.document import File
from tiphys.core.release.images import Spot, Wish, spots
from tiphys.core.release.references import Reference, reference
from tiphys.model.api import Application
from tiphys.model.errors import Refused, SpecError

_MOST_TOLD = 8


@dataclass(frozen=True, slots=True)
class Promotion:
    """What the other file is to have."""

    wishes: Sequence[Wish]
    images: Sequence[Reference]
    """What goes over."""
    notes: Sequence[str] = ()
    """What a user should know."""


@dataclass(frozen=True, slots=True)
class Running:
    """What runs, as an Application tells."""

    name: str
    images: Sequence[Reference]


def running(application: Application) -> Running:
    """The images that an Application runs."""
    named = f"{application.metadata.namespace}/{application.metadata.name}".lstrip("/")
    return Running(named, [reference(image) for image in application.status.summary.images])


def unfit(application: Application) -> str:
    """Why what an Application runs is not to be promoted; empty if it may be."""
    status = application.status
    if status.operation_state and status.operation_state.phase in ("Running", "Terminating"):
        return "a sync of it is under way"
    if not status.sync.status:
        return "no engine has looked at it yet"
    if status.sync.status != "Synced":
        return f"it is {status.sync.status}"
    if status.health.status != "Healthy":
        why = f": {status.health.message}" if status.health.message else ""
        return f"it is {status.health.status or 'of unknown health'}{why}"
    return ""


def promotion(source: File, target: File, names: Sequence[str], runs: Sequence[Running]) -> Promotion:
    """
    The images of the source that the target is to have: those that run, or, where nothing is known to run, as written.

    Without ``names`` it is every image that both files name. Raises ``SpecError`` where there is none, ``Refused``
    where something else runs.
    """
    wishes: list[Wish] = []
    images: list[Reference] = []
    notes: list[str] = []
    for spot in _chosen(source, names):
        there = _counterpart(spot, source, target)
        if not there:
            notes.append(f"{target.name} names no image like {spot} ({spot.held}) of {source.name}: left out")
            continue
        image = _seen(spot, runs)
        if image != spot.held:
            notes.append(f"{source.name} says {spot.held} already; {image} runs, and is promoted")
        if there.held.repository and spot.held.repository not in ("", there.held.repository):
            notes.append(f"{target.name} takes it from {there.held.repository}")
        wishes.append(Wish(image.tag, image.digest, pin=bool(image.digest), path=str(there)))
        images.append(image)
    if not wishes:
        raise SpecError(f"{source.name} and {target.name} have no image in common{_both(source, target)}")
    _expect_pins(target, wishes)
    return Promotion(wishes, images, notes)


def _chosen(file: File, names: Sequence[str]) -> Sequence[Spot]:
    there = [spot for spot in spots(file) if spot.held.tag or spot.held.digest]
    chosen = [spot for spot in there if not names or any(spot.named(name) for name in names)]
    for name in names:
        if not any(spot.named(name) for spot in there):
            raise SpecError(f"{file.name} names no image {name}; there are: {_told(there)}")
    if not chosen:
        raise SpecError(f"{file.name} names no image with a tag or a digest")
    return chosen


def _counterpart(spot: Spot, source: File, target: File) -> Spot | None:
    """The same place of the other file, if it is about an image of that name; else the only one of its repository."""
    there = spots(target)
    for other in there:
        if other.at == spot.at and _alike(spot.held, other.held):
            return other
    if not spot.held.repository or spot.alias:
        return _only([other for other in there if spot.alias and other.alias == spot.alias])
    same = [other for other in there if other.held.repository == spot.held.repository]
    here = [other for other in spots(source) if other.held.repository == spot.held.repository]
    return _only(same) if len(here) == 1 else None


def _only(there: Sequence[Spot]) -> Spot | None:
    return there[0] if len(there) == 1 else None


def _alike(one: Reference, other: Reference) -> bool:
    """Whether two images may be the same one, of registries of their own perhaps."""
    names = [r.repository.rpartition("/")[2] for r in (one, other)]
    return not all(names) or names[0] == names[1]


def _seen(spot: Spot, runs: Sequence[Running]) -> Reference:
    """The image of a spot as it runs everywhere. Raises ``Refused`` where that cannot be said."""
    found = {_of(spot, each) for each in runs}
    if len(found) > 1:
        told = ", ".join(sorted(map(str, found)))
        raise Refused(f"{spot.held} runs in different versions: {told}; wait until they are one, or --force")
    return found.pop() if found else spot.held


def _of(spot: Spot, each: Running) -> Reference:
    held = spot.held
    same = (
        [r for r in each.images if r.repository == held.repository] if held.repository else list(each.images)
    )
    fitting = [r for r in same if r.tag == held.tag and held.digest in ("", r.digest)]
    if fitting:
        return held
    if held.repository and len(same) == 1:
        return same[0]
    told = ", ".join(map(str, each.images[:_MOST_TOLD])) or "nothing"
    what = held if held.repository else f"anything of tag {held.tag}"
    raise Refused(
        f"{each.name} does not run {what}; it runs {told}: wait for its next look, or take what the file says with "
        "--force"
    )


def _expect_pins(target: File, wishes: Sequence[Wish]) -> None:
    """Raises ``SpecError`` where a digest of the target would outrank a tag that comes without one."""
    held = {str(spot): spot.held for spot in spots(target)}
    for wish in wishes:
        if (pin := held[wish.path].digest) and not wish.digest:
            raise SpecError(
                f"{target.name}: {wish.path} is pinned to {pin}, and what is promoted has no digest: pin that too "
                "(tiphys image set --digest), or take the digest away"
            )


def _told(there: Sequence[Spot]) -> str:
    return ", ".join(f"{spot} ({spot.held})" for spot in there[:_MOST_TOLD]) or "none"


def _both(source: File, target: File) -> str:
    return f"; the first has {_told(spots(source))}; the second has {_told(spots(target))}"
