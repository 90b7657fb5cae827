"""
The recipe of a render, gathered: which folders and files it reads, which charts it needs, how it is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tiphys.core.projects import permits
from tiphys.core.sources.charts import LOCAL, dependencies, is_exact, lacking, local_folder, locked
from tiphys.core.sources.directory import directory_request
from tiphys.core.sources.parameters import build_environment, helm_request
from tiphys.core.sources.paths import joined
from tiphys.core.sources.recipe import ChartFolder, HelmRequest, Recipe
from tiphys.core.sources.tools import Tool, folder_of, probes, source_of, tool_of
from tiphys.model.addresses import shown
from tiphys.model.api import Application, AppProject
from tiphys.model.errors import Refused, SpecError
from tiphys.model.objects import Body
from tiphys.model.rendering import ChartPin, Dependency, Entry
from tiphys.reconcile.ports import Workshop


@dataclass(frozen=True)
class Commit:
    """A commit of a repository, and the project on whose behalf it is read."""

    repo: str
    sha: str
    project: AppProject | None = None
    """Permits what else is fetched; ``None`` permits everything."""

    def __str__(self) -> str:
        # What is no SHA is the name of something that has none, such as a working tree.
        return f"{shown(self.repo)} at {self.sha if ' ' in self.sha else self.sha[:7]}"

    def expect_permitted(self, url: str) -> None:
        """Raises ``Refused`` if the project does not permit to fetch from a URL."""
        refusal = permits.repository(self.project, url) if self.project else None
        if refusal:
            raise Refused(refusal)


async def recipe_of(application: Application, commit: Commit, workshop: Workshop) -> Recipe:
    """What a render of the application at a commit reads and how it is asked."""
    source = source_of(application)
    folder = folder_of(source)
    found = await workshop.repositories.entries(commit.repo, commit.sha, [folder, *probes(folder)])
    if not found[folder]:
        raise SpecError(f"spec.source.path {source.path or '.'!r} does not exist in {commit}")
    tool = tool_of(source, folder, {path for path, entry in found.items() if entry})
    if tool is Tool.DIRECTORY:
        request = directory_request(source.directory)
        found = await workshop.repositories.entries(commit.repo, commit.sha, [folder])
        return Recipe(tool, folder, _reads(found), directory=request, toolbox=workshop.engines)
    chart = await _chart(folder, commit, workshop, ())
    helm = helm_request(application, folder, build_environment(application, source, commit.sha))
    wanted = (*helm.value_files, *(path for _, path in helm.set_files))
    found = await workshop.repositories.entries(commit.repo, commit.sha, sorted({*chart.folders(), *wanted}))
    missing = [path for path in wanted if not found[path]]
    lenient = bool(source.helm and source.helm.ignore_missing_value_files)
    helm = _without(helm, missing, commit, lenient=lenient)
    return Recipe(tool, folder, _reads(found), chart, helm, toolbox=workshop.engines)


def _reads(found: Mapping[str, Entry | None]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((path, entry.oid) for path, entry in found.items() if entry))


def _without(helm: HelmRequest, missing: Sequence[str], commit: Commit, *, lenient: bool) -> HelmRequest:
    """The request with only those value files that exist. Raises ``SpecError`` for a missing one unless lenient."""
    for path in missing:
        if not lenient or path not in helm.value_files:
            raise SpecError(f"value file {path} does not exist in {commit}: correct spec.source.helm")
    kept = tuple(path for path in helm.value_files if path not in missing)
    return helm if not missing else HelmRequest(**{**helm.__dict__, "value_files": kept})


async def _chart(folder: str, commit: Commit, workshop: Workshop, above: tuple[str, ...]) -> ChartFolder:
    """A chart folder with what has to be brought to it, followed through ``file://`` without anyone listing it."""
    if folder in above:
        raise SpecError(f"charts depend on each other in a circle: {' -> '.join((*above, folder))}")
    chart_file, lock_file, shelf = (joined(folder, name) for name in ("Chart.yaml", "Chart.lock", "charts"))
    found = await workshop.repositories.entries(commit.repo, commit.sha, [chart_file, lock_file, shelf])
    body = await _document(chart_file, found[chart_file], commit, workshop)
    if body is None:
        raise SpecError(f"{above[-1]}/Chart.yaml depends on {folder}, which has no Chart.yaml in {commit}")
    vendored = await workshop.repositories.files(commit.repo, commit.sha, shelf) if found[shelf] else ()
    wanted = lacking(dependencies(body, chart_file), {name.split("/")[0] for name in vendored})
    lock = await _document(lock_file, found[lock_file], commit, workshop) if wanted else None
    local = [
        (d, await _chart(local_folder(d, folder), commit, workshop, (*above, folder)))
        for d in wanted
        if d.repository.startswith(LOCAL)
    ]
    remote = [
        await _pinned(d, await _version(d, lock, lock_file, workshop), commit, workshop)
        for d in wanted
        if d.repository and not d.repository.startswith(LOCAL)
    ]
    return ChartFolder(folder, tuple(local), tuple(remote))


async def _version(dependency: Dependency, lock: Body | None, where: str, workshop: Workshop) -> str:
    """
    The version to fetch of a dependency, from the lock in ``where`` if that has it.

    As with ``helm dependency build``, a lock that Chart.yaml has moved on from is an error and not an older version.
    """
    wanted, version = dependency.version, locked(dependency, lock)
    if wanted in ("", version) or await workshop.renderer.best_version(wanted, [version]):
        return version
    raise SpecError(
        f"{where} is out of sync: it has {dependency.name} {version}, and Chart.yaml asks for {wanted!r}: run "
        "`helm dependency update` and commit what it writes"
    )


async def _pinned(dependency: Dependency, version: str, commit: Commit, workshop: Workshop) -> ChartPin:
    """The exact chart of a dependency; the repository is asked only where a range leaves a choice."""
    commit.expect_permitted(dependency.repository)
    if is_exact(version):
        return ChartPin(dependency.repository, dependency.name, version)
    versions = await workshop.charts.versions(dependency.repository, dependency.name)
    best = await workshop.renderer.best_version(version, versions)
    if not best:
        raise SpecError(
            f"dependency {dependency.name}: no version in {dependency.repository} matches {version!r}; "
            f"it has {', '.join(versions[:5]) or 'none'}"
        )
    return ChartPin(dependency.repository, dependency.name, best)


async def _document(path: str, entry: Entry | None, commit: Commit, workshop: Workshop) -> Body | None:
    """A small YAML file as JSON, remembered by its content's id; ``None`` where there is none."""
    if not entry:
        return None
    key = f"yaml:{entry.oid}"
    kept = await workshop.cache.get(key)
    if kept is None:
        text = await workshop.repositories.read(commit.repo, commit.sha, path)
        documents = await workshop.renderer.decode_text(text.decode("utf-8", "replace"), path)
        kept = orjson.dumps(documents[0] if documents else {})
        await workshop.cache.put(key, kept)
    body: Any = orjson.loads(kept)
    if not isinstance(body, dict):
        raise SpecError(f"{path} in {commit} must be a mapping")
    return body
