"""
``tiphys render``: a chart or an Application from a checkout, as the engine renders it, without a cluster.

The checkout is read as it lies there, so a change shows before it is committed.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from tiphys.cli.options import Flag, command, with_output, with_values
from tiphys.cli.output import data, tell, without_logs, yaml_text
from tiphys.core.sources.recipe import Recipe
from tiphys.model.api import (
    Application,
    ApplicationSource,
    ApplicationSpec,
    Destination,
    HelmSource,
    ObjectMeta,
    decode_application,
)
from tiphys.model.errors import SpecError
from tiphys.model.objects import part
from tiphys.model.rendering import RenderedObject
from tiphys.reconcile.recipes import Commit, recipe_of
from tiphys.reconcile.rendering import render as rendered

if TYPE_CHECKING:
    from tiphys.reconcile.ports import Workshop

HERE = "working tree"
OUTSIDE = ".outside-the-checkout"


@dataclass(frozen=True, slots=True)
class Wish:
    """What to render: a folder or an Application's file, and how."""

    path: Path
    root: Path
    """The checkout."""
    flags: Mapping[str, Flag]

    @property
    def folder(self) -> str:
        """The path as seen from the checkout."""
        relative = self.path.resolve().relative_to(self.root).as_posix()
        return "" if relative == "." else relative

    def extras(self) -> dict[str, Path]:
        """Value files that lie outside of the checkout, by the path that they get in it."""
        outside = [f.resolve() for f in self.flags["values"] if not f.resolve().is_relative_to(self.root)]
        return {f"{OUTSIDE}/{number}/{file.name}": file for number, file in enumerate(outside)}

    def value_files(self) -> list[str]:
        """The value files that the flags name, by their paths from the root of the checkout."""
        names = {file: name for name, file in self.extras().items()}
        files = [file.resolve() for file in self.flags["values"]]
        return [names.get(file) or file.relative_to(self.root).as_posix() for file in files]


@command(
    epilog="""
\b
Examples:
  tiphys render charts/homepage
  tiphys render charts/homepage -f values.yaml --set deployment.image.tag=v2
  tiphys render apps/homepage.yaml --repo ~/src/charts
Dependencies with file:// are followed, those of chart repositories come from a cache or are fetched.
"""
)
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The checkout to render from.",
)
@click.option("--name", metavar="NAME", default="", help="Which Application, if the file has several.")
@click.option(
    "--release-name", metavar="NAME", default="", help="Helm's release name.  [default: release-name]"
)
@click.option(
    "-n", "--namespace", metavar="NAME", default="", help="The namespace of the release.  [default: default]"
)
@with_values("An Application's own values outrank it.")
@click.option(
    "--kube-version", metavar="VERSION", default="", help="The Kubernetes version that the chart sees."
)
@click.option(
    "--api-versions",
    metavar="VERSION",
    multiple=True,
    help="API versions that the chart sees besides Helm's own.",
)
@with_output("yaml", "json")
def render(path: Path, repo: Path | None, output: str, **flags: Flag) -> None:
    """Render a chart's folder, a folder of manifests, or an Application's file; no cluster is asked."""
    without_logs()
    wish = Wish(path, (repo or checkout_of(path)).resolve(), flags)
    objects = asyncio.run(_rendered(wish))
    if not objects:
        looked = path.is_dir() and not (path / "Chart.yaml").exists()
        hint = ": it has no Chart.yaml, and no manifests but perhaps in folders below it" if looked else ""
        tell(f"{path} renders to no objects{hint}")
    if output == "json":
        data({"apiVersion": "v1", "kind": "List", "items": [o.body for o in objects]}, output)
    else:
        for each in objects:
            click.echo(f"---\n# Source: {each.file}\n{yaml_text(each.body)}", nl=False)


def checkout_of(path: Path) -> Path:
    """The Git checkout that a path lies in, or else the folder around it."""
    real = path.resolve()
    around = [real, *real.parents]
    return next((folder for folder in around if (folder / ".git").exists()), real.parent)


async def _rendered(wish: Wish) -> Sequence[RenderedObject]:
    from tiphys.wiring.offline import open_checkout  # noqa: PLC0415 - the help needs none of it
    from tiphys.wiring.settings import settings_from  # noqa: PLC0415

    async with open_checkout(settings_from(os.environ), wish.root, wish.extras()) as workshop:
        recipe, commit = await gathered(wish, workshop)
        found = await rendered(recipe, commit, workshop)
    return found.objects


async def gathered(wish: Wish, workshop: "Workshop") -> tuple[Recipe, Commit]:
    """What the render that is wished for reads and how it is asked, and the checkout as if it were a commit."""
    app = await _named(wish, workshop) if wish.path.is_file() else _around(wish)
    commit = Commit(str(wish.root), HERE)
    return _with_flags(await recipe_of(app, commit, workshop), wish), commit


def _flag(parameter: str) -> str:
    return {"set_values": "--set", "set_strings": "--set-string"}.get(
        parameter, f"--{parameter.replace('_', '-')}"
    )


def _around(wish: Wish) -> Application:
    """An Application around a folder."""
    if not wish.path.resolve().is_relative_to(wish.root):
        raise SpecError(f"{wish.path} is not in {wish.root}: name the checkout that it lies in with --repo")
    chart = (wish.path / "Chart.yaml").exists()
    used = [name for name, value in wish.flags.items() if value and name not in ("namespace", "name")]
    if used and not chart:
        raise SpecError(f"{wish.path} has no Chart.yaml: {_flag(used[0])} is for charts")
    source = ApplicationSource(
        repo_url=wish.root.as_uri(),
        path=wish.folder,
        helm=HelmSource(release_name="release-name") if chart else None,
    )
    destination = Destination(namespace=wish.flags["namespace"] or "default")
    spec = ApplicationSpec(project="default", destination=destination, source=source)
    return Application(metadata=ObjectMeta(name="release-name"), spec=spec)


async def _named(wish: Wish, workshop: "Workshop") -> Application:
    """The Application of a file, by name if it has several."""
    text = wish.path.read_text(encoding="utf-8", errors="replace")
    documents = [d for d in await workshop.renderer.decode_text(text, str(wish.path)) if d]
    found = [d for d in documents if d.get("kind") == "Application"]
    names = [str(part(d, "metadata").get("name")) for d in found]
    wanted = wish.flags["name"]
    if not found:
        raise SpecError(f"{wish.path} holds no Application: name a chart's folder or an Application's file")
    if wanted and wanted not in names:
        raise SpecError(f"{wish.path} holds no Application {wanted}: it has {', '.join(names)}")
    if len(found) > 1 and not wanted:
        raise SpecError(f"{wish.path} holds several Applications: choose with --name: {', '.join(names)}")
    return decode_application(orjson.dumps(found[names.index(wanted) if wanted else 0]))


def _with_flags(recipe: Recipe, wish: Wish) -> Recipe:
    """The recipe with what the flags say on top of it, as ``helm template`` takes them."""
    helm, flags = recipe.helm, wish.flags
    if not helm:
        return recipe
    names = wish.value_files()
    reads = tuple(sorted({*recipe.reads, *((name, "") for name in names)}))
    asked = replace(
        helm,
        release_name=flags["release_name"] or helm.release_name,
        namespace=flags["namespace"] or helm.namespace,
        value_files=(*helm.value_files, *names),
        set_values=(*helm.set_values, *flags["set_values"]),
        set_strings=(*helm.set_strings, *flags["set_strings"]),
        kube_version=flags["kube_version"] or helm.kube_version,
        api_versions=(*helm.api_versions, *flags["api_versions"]),
    )
    return replace(recipe, helm=asked, reads=reads)
