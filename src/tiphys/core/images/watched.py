"""Everything that an Application's annotations ask to watch, be they ours or argocd-image-updater's."""

from collections.abc import Mapping

from tiphys.core.images.annotations import IMAGES, Watching
from tiphys.core.images.annotations import watching as ours
from tiphys.core.images.image_updater import meant, theirs


def asks(annotations: Mapping[str, str]) -> bool:
    """Whether any image is to be watched."""
    return IMAGES in annotations or meant(annotations)


def watching(annotations: Mapping[str, str]) -> Watching:
    """What is asked for; where both are there, ours alone counts."""
    return ours(annotations) if IMAGES in annotations else theirs(annotations)
