"""
Kubernetes objects as we speak of them: what names one, what a repository wants, what a cluster has.

Bodies are plain JSON mappings and are treated as frozen: whoever wants another body makes a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

Body = Mapping[str, Any]
"""A Kubernetes object, or a part of one, as JSON."""


class Kind(NamedTuple):
    """A kind of object without its version: ``Kind("apps", "Deployment")``; the core group is ``""``."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.group}/{self.kind}" if self.group else self.kind


class Key(NamedTuple):
    """What names one object in one cluster. ``namespace`` is ``""`` for a cluster-scoped object."""

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def of(self) -> Kind:
        """The kind of the object."""
        return Kind(self.group, self.kind)

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.of} {place}"


class AppName(NamedTuple):
    """What names an Application: the namespace it lives in, and its name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """An object as a repository wants it: the *target* of a comparison and of an apply."""

    key: Key
    body: Body
    file: str = ""
    """Where it was rendered from, for people: ``homepage/templates/deployment.yaml``."""

    @property
    def api_version(self) -> str:
        """Group and version, as the body says."""
        return str(self.body.get("apiVersion", ""))

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations wanted, without anything that is not a string."""
        return annotations_of(self.body)


@dataclass(frozen=True)
class Live:
    """An object as a cluster has it."""

    key: Key
    body: Body

    @cached_property
    def metadata(self) -> Body:
        """``metadata``; never missing on a live object."""
        return part(self.body, "metadata")

    @property
    def uid(self) -> str:
        """The identity that a deletion and re-creation under the same name changes."""
        return str(self.metadata.get("uid", ""))

    @property
    def resource_version(self) -> str:
        """The version of this very reading, opaque but for equality."""
        return str(self.metadata.get("resourceVersion", ""))

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations that it has."""
        return annotations_of(self.body)

    @property
    def deleting(self) -> bool:
        """Whether a deletion was asked for and something still holds the object."""
        return bool(self.metadata.get("deletionTimestamp"))


@dataclass(frozen=True, slots=True)
class Resource:
    """How the API server serves a kind: the path's noun, the preferred version, the scope."""

    kind: Kind
    version: str
    plural: str
    namespaced: bool
    versions: tuple[str, ...] = ()
    """Every version served, the preferred one first."""
    verbs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Catalog:
    """What one API server serves: its version and its kinds, as discovery told."""

    version: str
    """As charts see it in ``.Capabilities.KubeVersion``: ``v1.36.3``."""
    resources: Mapping[Kind, Resource] = field(default_factory=dict)
    failed_groups: tuple[str, ...] = ()
    """API groups whose discovery failed (an aggregated API that is down); their kinds are unknown, not absent."""

    @cached_property
    def api_versions(self) -> tuple[str, ...]:
        """As charts see them in ``.Capabilities.APIVersions``: ``apps/v1`` and ``apps/v1/Deployment``, sorted."""
        groups = {_joined(r.kind.group, v) for r in self.resources.values() for v in r.versions}
        kinds = {
            f"{_joined(r.kind.group, v)}/{r.kind.kind}" for r in self.resources.values() for v in r.versions
        }
        return tuple(sorted(groups | kinds))


def key_of(body: Body, namespace: str = "") -> Key:
    """The key of a body, with ``namespace`` where it names none of its own."""
    metadata = part(body, "metadata")
    own = metadata.get("namespace") or namespace
    return Key(
        group_of(str(body.get("apiVersion") or "")),
        str(body.get("kind") or ""),
        str(own),
        str(metadata.get("name") or ""),
    )


def group_of(api_version: str) -> str:
    """The group of an ``apiVersion``: ``apps`` of ``apps/v1``, ``""`` of ``v1``."""
    return api_version.rpartition("/")[0]


def part(body: Body, *path: str) -> Body:
    """The mapping at ``path`` of a body, or an empty one where there is none or something else."""
    found: Any = body
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def annotations_of(body: Body) -> Mapping[str, str]:
    """The annotations of a body, without anything that is not a string."""
    found = part(body, "metadata", "annotations")
    return {k: v for k, v in found.items() if isinstance(v, str)}


def _joined(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version
