"""
The recipe of a render: what it reads and how it is asked. Its key is the name of its result.

Keyed by content and not by commit: a commit that touches nothing that the render reads has the same key.
"""

from dataclasses import dataclass, field
from hashlib import blake2b

import orjson

from tiphys.core.sources.tools import Tool
from tiphys.model.rendering import ChartPin, Dependency

FORMAT = 1
"""Raised when the same recipe gives another result: a new Helm, another cache format."""


@dataclass(frozen=True)
class ChartFolder:
    """A chart in the repository, with the charts that have to be laid under its ``charts/``."""

    path: str
    local: tuple[tuple[Dependency, "ChartFolder"], ...] = ()
    remote: tuple[ChartPin, ...] = ()

    def folders(self) -> set[str]:
        """Every folder of the repository that it is made of."""
        return {self.path}.union(*(chart.folders() for _, chart in self.local))

    def pins(self) -> set[ChartPin]:
        """Every chart of a chart repository that it is made of."""
        return set(self.remote).union(*(chart.pins() for _, chart in self.local))


@dataclass(frozen=True)
class HelmRequest:
    """How a chart is asked, with paths from the repository's root."""

    release_name: str
    namespace: str
    value_files: tuple[str, ...] = ()
    values: str = ""
    values_object: dict[str, object] | None = None
    set_values: tuple[str, ...] = ()
    set_strings: tuple[str, ...] = ()
    set_files: tuple[tuple[str, str], ...] = ()
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False


@dataclass(frozen=True)
class DirectoryRequest:
    """Which files of a folder are manifests."""

    recurse: bool = False
    include: str = ""
    exclude: str = ""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a render gives, but for the cluster's capabilities."""

    tool: Tool
    folder: str
    reads: tuple[tuple[str, str], ...]
    """Path and Git id of each folder and file that the render can see, sorted."""
    chart: ChartFolder | None = None
    helm: HelmRequest | None = None
    directory: DirectoryRequest | None = None
    toolbox: str = field(default="")
    """The version of the engines that render."""

    def key(self) -> str:
        """The content key: equal for equal results."""
        return _digest(
            [FORMAT, self.tool, self.folder, self.reads, self.chart, self.helm, self.directory, self.toolbox]
        )

    def paths(self) -> tuple[str, ...]:
        """Where what is read lies in the repository."""
        return tuple(path for path, _ in self.reads)

    def content(self) -> str:
        """A digest of the files that are read: another one only where a commit, or where to look, is another."""
        return _digest(self.reads)[:16]


def with_capabilities(key: str, kube_version: str, api_versions: tuple[str, ...]) -> str:
    """The key of a render that looks at ``.Capabilities``."""
    return _digest([key, kube_version, api_versions])


def _digest(parts: object) -> str:
    return blake2b(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS), digest_size=20).hexdigest()
