"""
From an application and a commit to its rendered objects: gather what the render reads, and render only what no one
has rendered before.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import structlog

from tiphys.core.sources.charts import LOCAL, dependencies, is_exact, lacking, local_folder, locked
from tiphys.core.sources.directory import SKIP, chosen, directory_request
from tiphys.core.sources.parameters import build_environment, helm_request
from tiphys.core.sources.paths import joined
from tiphys.core.sources.recipe import ChartFolder, HelmRequest, Recipe, with_capabilities
from tiphys.core.sources.tools import Tool, folder_of, probes, source_of, tool_of
from tiphys.model.api import Application
from tiphys.model.errors import SpecError
from tiphys.model.objects import Body
from tiphys.model.rendering import ChartPin, ChartRender, Dependency, Rendered, RenderedObject
from tiphys.reconcile.world import World

log = structlog.get_logger()


@dataclass(frozen=True)
class Commit:
    """A commit of a repository."""

    repo: str
    sha: str

    def __str__(self) -> str:
        return f"{self.repo} at {self.sha[:7]}"


@dataclass(frozen=True)
class Drawn:
    """The rendered objects of an application, and the recipe that gave them."""

    rendered: Rendered
    recipe: Recipe
    key: str


async def drawn(application: Application, sha: str, world: World, *, anew: bool = False) -> Drawn:
    """The application's objects at a commit, from the cache if they were ever rendered, unless ``anew``."""
    recipe = await recipe_of(application, sha, world)
    catalog = await world.cluster.catalog()
    kept = None if anew else await _kept(recipe, catalog.version, catalog.api_versions, world)
    if kept:
        return Drawn(kept, recipe, recipe.key())
    began = time.monotonic()
    rendered = await render(recipe, Commit(_repo(application), sha), world)
    await _keep(recipe, rendered, world)
    log.info(
        "rendered",
        application=application.metadata.name,
        revision=sha[:7],
        objects=len(rendered.objects),
        ms=round((time.monotonic() - began) * 1000),
    )
    return Drawn(rendered, recipe, recipe.key())


async def recipe_of(application: Application, sha: str, world: World) -> Recipe:
    """What a render of the application at a commit reads and how it is asked."""
    source, commit = source_of(application), Commit(_repo(application), sha)
    folder = folder_of(source)
    found = await world.repositories.entries(commit.repo, sha, [folder, *probes(folder)])
    if not found[folder]:
        raise SpecError(
            f"spec.source.path {source.path or '.'!r} does not exist in {commit.repo} at revision {sha[:7]}"
        )
    tool = tool_of(source, folder, {path for path, entry in found.items() if entry})
    if tool is Tool.DIRECTORY:
        request = directory_request(source.directory)
        reads = await _reads({folder}, commit, world)
        return Recipe(tool, folder, reads, directory=request, toolbox=world.engines)
    chart = await _chart(folder, commit, world, ())
    helm = await _existing(
        helm_request(application, folder, build_environment(application, source, sha)),
        commit,
        world,
        lenient=bool(source.helm and source.helm.ignore_missing_value_files),
    )
    paths = chart.folders() | set(helm.value_files) | {path for _, path in helm.set_files}
    return Recipe(tool, folder, await _reads(paths, commit, world), chart, helm, toolbox=world.engines)


def _repo(application: Application) -> str:
    return source_of(application).repo_url


async def _reads(paths: set[str], commit: Commit, world: World) -> tuple[tuple[str, str], ...]:
    found = await world.repositories.entries(commit.repo, commit.sha, sorted(paths))
    return tuple(sorted((path, entry.oid) for path, entry in found.items() if entry))


async def _existing(helm: HelmRequest, commit: Commit, world: World, *, lenient: bool) -> HelmRequest:
    """The request with only those value files that exist. Raises ``SpecError`` for a missing one unless lenient."""
    wanted = [*helm.value_files, *(path for _, path in helm.set_files)]
    found = await world.repositories.entries(commit.repo, commit.sha, wanted)
    missing = [path for path in wanted if not found.get(path)]
    for path in missing:
        if not lenient or path not in helm.value_files:
            raise SpecError(f"value file {path} does not exist in {commit}: correct spec.source.helm")
    kept = tuple(path for path in helm.value_files if path not in missing)
    return helm if not missing else HelmRequest(**{**helm.__dict__, "value_files": kept})


async def _chart(folder: str, commit: Commit, world: World, above: tuple[str, ...]) -> ChartFolder:
    """A chart folder with what has to be brought to it, followed through ``file://`` without anyone listing it."""
    if folder in above:
        raise SpecError(f"charts depend on each other in a circle: {' -> '.join((*above, folder))}")
    chart_file, lock_file = joined(folder, "Chart.yaml"), joined(folder, "Chart.lock")
    body = await _document(chart_file, commit, world)
    if body is None:
        raise SpecError(f"{above[-1]}/Chart.yaml depends on {folder}, which has no Chart.yaml in {commit}")
    vendored = await world.repositories.files(commit.repo, commit.sha, joined(folder, "charts"))
    wanted = lacking(dependencies(body, chart_file), {name.split("/")[0] for name in vendored})
    lock = await _document(lock_file, commit, world) if wanted else None
    local = [
        (d, await _chart(local_folder(d, folder), commit, world, (*above, folder)))
        for d in wanted
        if d.repository.startswith(LOCAL)
    ]
    remote = [
        await _pinned(d, locked(d, lock), world)
        for d in wanted
        if d.repository and not d.repository.startswith(LOCAL)
    ]
    return ChartFolder(folder, tuple(local), tuple(remote))


async def _pinned(dependency: Dependency, version: str, world: World) -> ChartPin:
    """The exact chart of a dependency; the repository is asked only where a range leaves a choice."""
    if is_exact(version):
        return ChartPin(dependency.repository, dependency.name, version)
    versions = await world.charts.versions(dependency.repository, dependency.name)
    best = await world.renderer.best_version(version, versions)
    if not best:
        raise SpecError(
            f"dependency {dependency.name}: no version in {dependency.repository} matches {version!r}; "
            f"it has {', '.join(versions[:5]) or 'none'}"
        )
    return ChartPin(dependency.repository, dependency.name, best)


async def _document(path: str, commit: Commit, world: World) -> Body | None:
    """A small YAML file as JSON, remembered by its content's id; ``None`` where there is none."""
    entry = (await world.repositories.entries(commit.repo, commit.sha, [path])).get(path)
    if not entry:
        return None
    key = f"yaml:{entry.oid}"
    kept = await world.cache.get(key)
    if kept is None:
        text = await world.repositories.read(commit.repo, commit.sha, path)
        documents = await world.renderer.decode_text(text.decode("utf-8", "replace"), path)
        kept = orjson.dumps(documents[0] if documents else {})
        await world.cache.put(key, kept)
    body: Any = orjson.loads(kept)
    if not isinstance(body, dict):
        raise SpecError(f"{path} in {commit} must be a mapping")
    return body


async def _kept(recipe: Recipe, version: str, api_versions: tuple[str, ...], world: World) -> Rendered | None:
    """An earlier render of the same recipe, and of the same capabilities if it looked at them."""
    kept = await world.cache.get(recipe.key())
    if kept is None:
        return None
    if kept == b"capabilities":
        kept = await world.cache.get(with_capabilities(recipe.key(), version, api_versions))
    return _decoded(kept) if kept else None


async def _keep(recipe: Recipe, rendered: Rendered, world: World) -> None:
    key = recipe.key()
    if rendered.uses_capabilities:
        catalog = await world.cluster.catalog()
        await world.cache.put(key, b"capabilities")
        key = with_capabilities(key, catalog.version, catalog.api_versions)
    await world.cache.put(key, _encoded(rendered))


async def render(recipe: Recipe, commit: Commit, world: World) -> Rendered:
    """Render a recipe now, whatever is kept. What it reads is laid in a folder of its own first."""
    with world.workspace() as root:
        paths = [path for path, _ in recipe.reads]
        await world.repositories.lay(commit.repo, commit.sha, paths, Path(root))
        if recipe.tool is Tool.DIRECTORY:
            return await _directory(recipe, Path(root), commit, world)
        return await world.renderer.render_chart(await _chart_render(recipe, root, world))


async def _directory(recipe: Recipe, root: Path, commit: Commit, world: World) -> Rendered:
    assert recipe.directory  # noqa: S101 - the recipe of a directory has one
    folder = root / recipe.folder
    files = await world.repositories.files(commit.repo, commit.sha, recipe.folder)
    wanted = [folder / name for name in chosen(files, recipe.directory)]
    kept = [path for path in wanted if SKIP not in path.read_bytes()]
    return Rendered(tuple(await world.renderer.decode_files(kept, root)))


async def _chart_render(recipe: Recipe, root: str, world: World) -> ChartRender:
    assert recipe.chart  # noqa: S101 - the recipe of a chart has one
    assert recipe.helm  # noqa: S101
    catalog, helm = await world.cluster.catalog(), recipe.helm
    return ChartRender(
        root=root,
        chart=f"{root}/{recipe.folder}",
        release_name=helm.release_name,
        namespace=helm.namespace,
        value_files=tuple(f"{root}/{path}" for path in helm.value_files),
        values=helm.values,
        values_object=helm.values_object,
        set_values=helm.set_values,
        set_strings=helm.set_strings,
        set_files=tuple(f"{name}={root}/{path}" for name, path in helm.set_files),
        kube_version=helm.kube_version or catalog.version,
        api_versions=helm.api_versions or catalog.api_versions,
        skip_crds=helm.skip_crds,
        skip_tests=helm.skip_tests,
        skip_schema_validation=helm.skip_schema_validation,
        brought=tuple(await _brought(recipe.chart, root, world)),
    )


async def _brought(chart: ChartFolder, root: str, world: World) -> list[tuple[str, str]]:
    """What to copy under whose ``charts/``, the dependencies of dependencies first."""
    moves: list[tuple[str, str]] = []
    shelf = f"{root}/{joined(chart.path, 'charts')}"
    for dependency, below in chart.local:
        moves += await _brought(below, root, world)
        moves.append((f"{root}/{below.path}", f"{shelf}/{dependency.name}"))
    for pin in chart.remote:
        archive = await world.charts.fetch(pin)
        moves.append((str(archive), f"{shelf}/{pin.name}-{pin.version}.tgz"))
    return moves


def _encoded(rendered: Rendered) -> bytes:
    return orjson.dumps(
        {
            "objects": [[o.file, o.body] for o in rendered.objects],
            "usesCapabilities": rendered.uses_capabilities,
            "nondeterministic": rendered.nondeterministic,
        }
    )


def _decoded(kept: bytes) -> Rendered:
    value = orjson.loads(kept)
    return Rendered(
        tuple(RenderedObject(file, body) for file, body in value["objects"]),
        value["usesCapabilities"],
        tuple(value["nondeterministic"]),
    )
