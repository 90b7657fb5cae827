"""
From a recipe to rendered objects: only what nobody has rendered before is rendered.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import structlog

from tiphys.core.sources.directory import SKIP, chosen
from tiphys.core.sources.paths import joined
from tiphys.core.sources.recipe import ChartFolder, Recipe, with_capabilities
from tiphys.core.sources.tools import Tool
from tiphys.model.api import Application
from tiphys.model.rendering import ChartRender, Rendered, RenderedObject
from tiphys.reconcile.ports import Workshop
from tiphys.reconcile.recipes import Commit, recipe_of

log = structlog.get_logger()


@dataclass(frozen=True)
class Drawn:
    """The rendered objects of an application, and the recipe that gave them."""

    rendered: Rendered
    recipe: Recipe


async def drawn(application: Application, commit: Commit, workshop: Workshop, *, anew: bool = False) -> Drawn:
    """The application's objects at a commit, from the cache if they were ever rendered, unless ``anew``."""
    recipe = await recipe_of(application, commit, workshop)
    kept = None if anew else await _kept(recipe, workshop)
    if kept:
        return Drawn(kept, recipe)
    began = time.monotonic()
    rendered = await render(recipe, commit, workshop)
    await _keep(recipe, rendered, workshop)
    log.info(
        "rendered",
        application=application.metadata.name,
        revision=commit.sha[:7],
        objects=len(rendered.objects),
        ms=round((time.monotonic() - began) * 1000),
    )
    return Drawn(rendered, recipe)


LOOKED_AT_CAPABILITIES = b"capabilities"


async def _kept(recipe: Recipe, workshop: Workshop) -> Rendered | None:
    """An earlier render of the same recipe, and of the same capabilities if it looked at them."""
    kept = await workshop.cache.get(recipe.key())
    if kept == LOOKED_AT_CAPABILITIES:
        kept = await workshop.cache.get(await _key_with_capabilities(recipe, workshop))
    return _decoded(kept) if kept else None


async def _keep(recipe: Recipe, rendered: Rendered, workshop: Workshop) -> None:
    key = recipe.key()
    if rendered.uses_capabilities:
        await workshop.cache.put(key, LOOKED_AT_CAPABILITIES)
        key = await _key_with_capabilities(recipe, workshop)
    await workshop.cache.put(key, _encoded(rendered))


async def _key_with_capabilities(recipe: Recipe, workshop: Workshop) -> str:
    catalog = await workshop.cluster.catalog()
    return with_capabilities(recipe.key(), catalog.version, catalog.api_versions)


async def render(recipe: Recipe, commit: Commit, workshop: Workshop) -> Rendered:
    """Render a recipe now, whatever is kept. What it reads is laid in a folder of its own first."""
    with workshop.workspace() as root:
        paths = [path for path, _ in recipe.reads]
        await workshop.repositories.lay(commit.repo, commit.sha, paths, Path(root))
        if recipe.tool is Tool.DIRECTORY:
            return await _directory(recipe, Path(root), commit, workshop)
        return await workshop.renderer.render_chart(await _chart_render(recipe, root, workshop))


@asynccontextmanager
async def laid_out(recipe: Recipe, commit: Commit, workshop: Workshop) -> AsyncIterator[ChartRender]:
    """A chart with all that it reads, in a folder that is gone after the ``with`` block, and how to ask for it."""
    with workshop.workspace() as root:
        paths = [path for path, _ in recipe.reads]
        await workshop.repositories.lay(commit.repo, commit.sha, paths, Path(root))
        yield await _chart_render(recipe, root, workshop)


async def _directory(recipe: Recipe, root: Path, commit: Commit, workshop: Workshop) -> Rendered:
    assert recipe.directory  # noqa: S101 - the recipe of a directory has one
    folder = root / recipe.folder
    files = await workshop.repositories.files(commit.repo, commit.sha, recipe.folder)
    wanted = [folder / name for name in chosen(files, recipe.directory)]
    kept = [path for path in wanted if SKIP not in path.read_bytes()]
    return Rendered(tuple(await workshop.renderer.decode_files(kept, root)))


async def _chart_render(recipe: Recipe, root: str, workshop: Workshop) -> ChartRender:
    assert recipe.chart  # noqa: S101 - the recipe of a chart has one
    assert recipe.helm  # noqa: S101
    catalog, helm = await workshop.cluster.catalog(), recipe.helm
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
        brought=tuple(await _brought(recipe.chart, root, workshop)),
    )


async def _brought(chart: ChartFolder, root: str, workshop: Workshop) -> list[tuple[str, str]]:
    """What to copy under whose ``charts/``, the dependencies of dependencies first."""
    moves: list[tuple[str, str]] = []
    shelf = f"{root}/{joined(chart.path, 'charts')}"
    for dependency, below in chart.local:
        moves += await _brought(below, root, workshop)
        moves.append((f"{root}/{below.path}", f"{shelf}/{dependency.name}"))
    for pin in chart.remote:
        archive = await workshop.charts.fetch(pin)
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
