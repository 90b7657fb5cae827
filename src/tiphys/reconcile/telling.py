"""
What a person should know of an application although a look at it worked: its conditions, each a type and a sentence.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from tiphys.core.lint.words import odd_annotations, odd_finalizers, odd_options
from tiphys.core.projects.unsupported import unsupported
from tiphys.core.sources.tools import deferred
from tiphys.core.targets.claim import Claim
from tiphys.model.api import Application, AppProject
from tiphys.model.flow import Pair
from tiphys.model.objects import annotations_of
from tiphys.model.rendering import Rendered
from tiphys.model.tracking import tracked_by
from tiphys.reconcile.application import own_options
from tiphys.reconcile.ignoring import WARNING, Ignoring
from tiphys.reconcile.tips import Reading
from tiphys.reconcile.world import World

SHARED = "SharedResourceWarning"
_MOST_MISSPELT = 10
"""So many misspelt words are told at most: the rest can wait until these are mended."""


@dataclass(frozen=True)
class Seen:
    """What a look saw before it compared."""

    application: Application
    project: AppProject
    reading: Reading | None
    """Where the target revision points to; ``None`` for a look at a named commit."""
    rendered: Rendered
    claim: Claim


def told_by(seen: Seen) -> Iterator[tuple[str, str]]:
    """What source and spec have to tell."""
    for key in seen.claim.repeated:
        yield "RepeatedResourceWarning", f"{key} is rendered more than once; the last one counts"
    if seen.claim.hooks:
        names = ", ".join(str(key) for key in seen.claim.hooks)
        yield "HooksNotRunWarning", f"hooks are not built yet, so these objects are not applied: {names}"
    for wish in (*deferred(seen.application), *unsupported(seen.project)):
        yield "NotBuiltYetWarning", wish
    for sentence in islice(_misspelt(seen.application, seen.claim), _MOST_MISSPELT):
        yield "MisspeltWarning", sentence
    if seen.rendered.nondeterministic:
        words = ", ".join(seen.rendered.nondeterministic)
        yield (
            "NondeterministicRenderWarning",
            f"templates use {words}, whose answer differs from render to render",
        )
    if seen.reading and seen.reading.error:
        yield (
            "RepositoryWarning",
            f"the newest commit is not known since {seen.reading.at:%H:%M:%SZ}: {seen.reading.error}",
        )


def told_of(pairs: Iterable[Pair], ignoring: Ignoring, world: World) -> Iterator[tuple[str, str]]:
    """What the objects, the rules about them, and watched images have to tell."""
    name = world.name_of(ignoring.application)
    for said in world.memory.image_troubles.get(name, ()):
        yield "ImageWatchWarning", said
    for sentence in _shared(pairs, world.instance(name)):
        yield SHARED, sentence
    for sentence in ignoring.troubles:
        yield WARNING, sentence


def _shared(pairs: Iterable[Pair], instance: str) -> Iterator[str]:
    """What is wanted here and marked as another application's: each sync of either takes it from the other."""
    for each in pairs:
        owner = tracked_by(each.live) if each.target and each.live else None
        if owner and owner.application != instance:
            names = " and ".join(name.replace("_", "/") for name in (instance, owner.application))
            yield f"{each.key} is part of applications {names}: let one of the two have it"


def _misspelt(application: Application, claimed: Claim) -> Iterator[str]:
    """Words that nobody knows, of the Application and of what it renders."""
    yield from odd_finalizers(application.metadata.finalizers)
    for sentence in odd_options(own_options(application)):
        yield f"spec.syncPolicy.syncOptions: {sentence}"
    yield from odd_annotations(application.metadata.annotations)
    for target in claimed.targets:
        for sentence in odd_annotations(annotations_of(target.body)):
            yield f"{target.key} ({target.file}): {sentence}"
