"""What a render is asked, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from tiphys.model.objects import Body


@dataclass(frozen=True)
class ChartRender:
    """
    A Helm chart to render, laid out on disk with its dependencies under ``charts/``.

    Outranking rises in the order of the fields from ``value_files`` to ``set_file``, as Argo CD has it
    (``parameters > valuesObject > values > valueFiles``).
    """

    root: str
    """The folder that the render may read; nothing outside is ever followed."""
    chart: str
    """The chart's folder, absolute, under ``root``."""
    release_name: str
    namespace: str
    value_files: tuple[str, ...] = ()
    """Absolute, under ``root``, the last outranking the others."""
    values: str = ""
    values_object: Mapping[str, Any] | None = None
    set_values: tuple[str, ...] = ()
    """``path=value`` as Helm's ``--set`` reads it."""
    set_strings: tuple[str, ...] = ()
    set_files: tuple[str, ...] = ()
    kube_version: str = ""
    api_versions: Sequence[str] = ()
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False
    brought: tuple[tuple[str, str], ...] = ()
    """
    Folders and archives to copy before the render, and where to: dependencies that do not lie under their chart's
    ``charts/`` yet. In this order, so that a dependency has its own before it is copied.
    """


@dataclass(frozen=True, slots=True)
class RenderedObject:
    """One object of a render, and the file it came from (``chart/templates/x.yaml``)."""

    file: str
    body: Body


@dataclass(frozen=True)
class Rendered:
    """What a render made, in the engine's own order."""

    objects: tuple[RenderedObject, ...]
    uses_capabilities: bool = False
    """Whether a template looks at ``.Capabilities``, so that the answer depends on the cluster's API list."""
    nondeterministic: tuple[str, ...] = field(default=())
    """Functions used whose answer differs from render to render: ``randAlphaNum``, ``now`` …"""


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a revision points to: a commit of a repository, by its full SHA."""

    sha: str
    ref: str = ""
    """The ref that it was found by (``refs/heads/main``); empty for a SHA that was given."""


@dataclass(frozen=True, slots=True)
class CommitMeta:
    """What people want to know of a commit."""

    author: str
    date: str
    """When it was written, in RFC 3339."""
    message: str
    sha: str = ""
    committed: str = ""
    """When it was made what it is, after the last rebase or amendment."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder in a Git tree: its content's id, and what it is."""

    path: PurePosixPath
    oid: str
    kind: str
    """``tree``, ``blob``, ``link`` (a symlink) or ``commit`` (a submodule)."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """A line under ``dependencies`` of a Chart.yaml."""

    name: str
    version: str
    repository: str
    alias: str = ""


@dataclass(frozen=True, slots=True)
class ChartPin:
    """An exact chart of a chart repository."""

    repository: str
    name: str
    version: str
