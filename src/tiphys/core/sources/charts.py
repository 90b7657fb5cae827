"""What a chart depends on, by its Chart.yaml, and what of that has to be brought to it before Helm can render."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from tiphys.core.sources.paths import inside
from tiphys.model.errors import SpecError
from tiphys.model.objects import Body
from tiphys.model.rendering import Dependency

LOCAL = "file://"


def dependencies(chart: Body, where: str) -> tuple[Dependency, ...]:
    """The dependencies that a Chart.yaml lists. ``where`` is the file, for errors."""
    listed = chart.get("dependencies") or []
    if not isinstance(listed, list) or not all(isinstance(line, Mapping) for line in listed):
        raise SpecError(f"{where}: dependencies must be a list of mappings with name, version and repository")
    return tuple(_dependency(line, where) for line in listed)


def lacking(wanted: Collection[Dependency], vendored: Collection[str]) -> tuple[Dependency, ...]:
    """The dependencies that do not lie in the chart's ``charts/`` already, unpacked or as an archive."""
    return tuple(d for d in wanted if not any(_is_vendored(d, name) for name in vendored))


def locked(dependency: Dependency, lock: Body | None) -> str:
    """The version to fetch: what Chart.lock says, where it has the dependency, else what Chart.yaml asks for."""
    lines: Any = (lock or {}).get("dependencies") or []
    for line in lines if isinstance(lines, list) else []:
        if isinstance(line, Mapping) and line.get("name") == dependency.name and line.get("version"):
            return str(line["version"])
    return dependency.version


def local_folder(dependency: Dependency, chart_folder: str) -> str:
    """Where in the repository a ``file://`` dependency lies, which is relative to the chart's own folder."""
    path = dependency.repository.removeprefix(LOCAL)
    if path.startswith("/"):
        raise SpecError(
            f"{chart_folder}/Chart.yaml: dependency {dependency.name}: {dependency.repository} is an absolute path; "
            "a chart in Git can only depend on folders of its own repository, such as file://../_common"
        )
    return inside(chart_folder, path, f"{chart_folder}/Chart.yaml: dependency {dependency.name}:")


def is_exact(version: str) -> bool:
    """Whether a version names one version and no range, so that nobody has to be asked which one it is."""
    return bool(re.fullmatch(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?", version.strip()))


def _dependency(line: Body, where: str) -> Dependency:
    name = str(line.get("name") or "")
    if not name:
        raise SpecError(f"{where}: a dependency has no name")
    return Dependency(
        name, str(line.get("version") or ""), str(line.get("repository") or ""), str(line.get("alias") or "")
    )


def _is_vendored(dependency: Dependency, entry: str) -> bool:
    return entry == dependency.name or bool(
        re.fullmatch(rf"{re.escape(dependency.name)}-v?\d+.*\.tgz", entry)
    )
