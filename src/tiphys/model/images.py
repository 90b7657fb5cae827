"""
Images in registries: what names a repository of them, and what a registry tells of one.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

HUB = "docker.io"
"""Docker Hub, as names of images have it."""


class Repository(NamedTuple):
    """A repository of a registry: ``Repository("docker.io", "library/nginx")``."""

    registry: str
    """Host, and port where there is one."""
    path: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"


class Platform(NamedTuple):
    """What an image runs on, in Go's words."""

    os: str = "linux"
    architecture: str = ""
    """Empty for the first that an image has."""
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, self))

    def runs(self, other: "Platform") -> bool:
        """Whether an image for the other platform is meant by this one."""
        return all(not mine or mine == theirs for mine, theirs in zip(self, other, strict=True))


ANY = Platform()


@dataclass(frozen=True, slots=True)
class Built:
    """An image that a registry has under a tag."""

    digest: str
    """Of what the tag names: an index, where there is one for several platforms."""
    created: datetime | None
    """When the image was built, as it says itself; ``None`` where it does not."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are to a registry."""

    user: str
    secret: str = field(repr=False)
