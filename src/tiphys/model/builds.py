"""An image that is to be built, and one that was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Build:
    """What to build from what, and what to call it."""

    image: str
    """With its tag: ``ghcr.io/example/homepage:1f3a2b4``."""
    context: str = "."
    """The folder that the Dockerfile sees."""
    file: str = ""
    """The Dockerfile; empty for the one of the context."""
    platforms: Sequence[str] = ()
    """Such as ``linux/arm64``; empty for that of the machine."""
    arguments: Sequence[str] = ()
    """``NAME=VALUE``, for ``ARG``."""
    secrets: Sequence[str] = ()
    """``id=…,src=…``, for ``RUN --mount=type=secret``."""
    target: str = ""
    """The stage to build; empty for the last."""
    cache: str = ""
    """A repository of the registry where layers are kept between builds; podman and buildah: without platforms only."""
    labels: Sequence[str] = ()
    """``NAME=VALUE``."""


@dataclass(frozen=True, slots=True)
class Made:
    """An image that a registry has now."""

    digest: str
    built: datetime
    """When it was there; by a builder that builds and pushes in one, the time of its push."""
    pushed: datetime
