"""Releases of Helm, as an install makes them: the chart's objects and hooks, and what is recorded of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from tiphys.model.objects import Body
from tiphys.model.rendering import RenderedObject

FIELD_MANAGER = "helm"
"""The field manager of everything that Helm writes, and of everything that we write in its place."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """An object of the cluster that a template looks for; all of the kind where ``name`` is empty."""

    api_version: str
    kind: str
    namespace: str
    name: str


Found = Mapping[Lookup, Body]
"""What lookups found: the object, a list, or nothing (an empty mapping)."""


@dataclass(frozen=True, slots=True)
class Hook:
    """An object that runs at points of an install, an upgrade or an uninstall."""

    file: str
    body: Body
    events: tuple[str, ...]
    """``pre-install``, ``post-upgrade`` …"""
    weight: int = 0
    policies: tuple[str, ...] = ()
    """``before-hook-creation``, ``hook-succeeded``, ``hook-failed``; none means the first."""
    place: int = 0
    """Which of the release's hooks it is."""


@dataclass(frozen=True)
class MadeRelease:
    """A chart rendered for an install or an upgrade."""

    objects: tuple[RenderedObject, ...]
    """In the order in which they are to be applied, without what ``crds/`` holds."""
    hooks: tuple[Hook, ...]
    body: Body
    """The release as Helm serialises it, without status, times, and what became of the hooks."""
    warnings: tuple[str, ...] = ()
