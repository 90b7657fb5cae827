"""The story of images that an examination asks their registries for: whether what would run can be pulled."""

from collections.abc import Callable, Collection

from tiphys.core.images.names import named
from tiphys.core.lint.finding import Finding, Place
from tiphys.model.errors import Refused, SpecError, Unavailable
from tiphys.model.images import Login, Repository
from tiphys.reconcile.newest_image import Registry
from tiphys.reconcile.together import together

_USUAL = "latest"


async def missing_images(
    images: Collection[tuple[str, Place]], registry: Registry, login_of: Callable[[Repository], Login | None]
) -> Collection[Finding]:
    """What is found of images, each with a place that names it."""
    asked = (_asked(image, place, registry, login_of) for image, place in images)
    return [finding for finding in await together(asked) if finding]


async def _asked(
    image: str, place: Place, registry: Registry, login_of: Callable[[Repository], Login | None]
) -> Finding | None:
    try:
        wanted = named(image)
        await registry.digest(
            wanted.repository, wanted.digest or wanted.tag or _USUAL, login_of(wanted.repository)
        )
    except SpecError as error:
        return Finding("image-missing", place, f"{image}: {error}", "push it, or name one that is there")
    except Refused as error:
        return Finding("repository-unreachable", place, str(error), "sign in with docker login")
    except Unavailable as error:
        return Finding("repository-unreachable", place, str(error), "see that the registry answers")
    return None
