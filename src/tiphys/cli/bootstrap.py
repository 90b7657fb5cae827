"""
``tiphys bootstrap``: a chart, such as the root of a platform, installed or upgraded without a helm program.

The release is recorded as Helm records it, so either goes on where the other ended.
"""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tiphys.cli.options import Flag, command, with_output, with_values
from tiphys.cli.output import data, say, tell, without_logs
from tiphys.cli.releases import Reached, counted, listed, scene_of, with_release
from tiphys.cli.render import Wish as Rendering
from tiphys.cli.render import checkout_of, gathered
from tiphys.model.errors import SpecError

if TYPE_CHECKING:
    from tiphys.reconcile.bootstrap import Outcome
    from tiphys.reconcile.ports import Workshop


@dataclass(frozen=True, slots=True)
class Install:
    """The flags of a bootstrap."""

    chart: Path
    name: str
    reached: Reached
    flags: Flag


@command(
    epilog="""
\b
Examples:
  tiphys bootstrap charts/argocd
  tiphys bootstrap charts/argocd --name root -n argocd -f production.yaml --set replicas=2
  tiphys bootstrap charts/argocd --dry-run
  helm -n argocd history root        the same release, for helm too
Run it again to upgrade. An upgrade that is given no values keeps those of the last revision, as with helm.
"""
)
@click.argument("chart", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--name", metavar="NAME", default="", help="The release's name.  [default: the chart's]")
@with_release
@with_values()
@click.option(
    "--reset-values", is_flag=True, help="Begin with the chart's values, whatever was given before."
)
@click.option(
    "--create-namespace/--no-create-namespace", default=True, help="Create the namespace.  [default: yes]"
)
@click.option("--skip-crds", is_flag=True, help="Leave out what the chart's crds/ folders hold.")
@click.option(
    "--take-ownership",
    is_flag=True,
    help="Make objects the release's that are there already and not its own.",
)
@click.option("--force-conflicts", is_flag=True, help="Take fields that somebody else has set.")
@click.option("--wait/--no-wait", default=True, help="Wait until workloads are ready.  [default: yes]")
@with_output("text", "json", "yaml")
def bootstrap(
    chart: Path, name: str, kubeconfig: Path | None, context: str, output: str, **flags: Flag
) -> None:
    """Install a chart's folder, or upgrade what is installed, as helm would and without it."""
    without_logs()
    outcome = asyncio.run(_bootstrapped(Install(chart, name, Reached(kubeconfig, context), flags)))
    if output == "text":
        _tell(outcome, dry_run=flags["dry_run"])
    else:
        data(_told(outcome, dry_run=flags["dry_run"]), output)


async def _bootstrapped(install: Install) -> "Outcome":
    from tiphys.reconcile.bootstrap import Wish, bootstrap  # noqa: PLC0415 - the help needs none of it
    from tiphys.reconcile.charting import Charted  # noqa: PLC0415
    from tiphys.wiring.bootstrapping import open_site  # noqa: PLC0415
    from tiphys.wiring.offline import open_checkout  # noqa: PLC0415
    from tiphys.wiring.settings import settings_from  # noqa: PLC0415

    flags = install.flags
    rendering = _rendering(install)
    root, extras = rendering.root, rendering.extras()
    async with open_checkout(settings_from(os.environ), root, extras) as workshop:
        name = install.name or await _name_of(install.chart, workshop)
        rendering.flags["release_name"] = name  # type: ignore[index]
        chart = Charted(*await gathered(rendering, workshop), workshop, workshop.renderer)
        async with open_site(install.reached, os.environ) as site:
            wanted = {key: flags[key] for key in Wish.__dataclass_fields__ if key in flags}
            scene = scene_of(site, flags["timeout"], rehearsal=flags["dry_run"])
            return await bootstrap(Wish(name=name, **wanted), chart, scene)


def _rendering(install: Install) -> Rendering:
    """The chart as ``tiphys render`` takes it."""
    chart, flags = install.chart, install.flags
    if not (chart / "Chart.yaml").exists():
        raise SpecError(f"{chart} has no Chart.yaml: name the folder of a chart")
    values = {key: flags[key] for key in ("values", "set_values", "set_strings", "namespace")}
    usual = {"name": "", "release_name": install.name, "kube_version": "", "api_versions": ()}
    return Rendering(chart, checkout_of(chart), {**usual, **values})


async def _name_of(chart: Path, workshop: "Workshop") -> str:
    file = chart / "Chart.yaml"
    documents = await workshop.renderer.decode_text(
        file.read_text(encoding="utf-8", errors="replace"), str(file)
    )
    name = documents[0].get("name") if documents else ""
    if not isinstance(name, str) or not name:
        raise SpecError(f"{file} gives the chart no name: give it one, or name the release with --name")
    return name


def _tell(outcome: "Outcome", *, dry_run: bool) -> None:
    record = outcome.record
    if dry_run:
        say(f'Release "{record.name}" would become revision {record.version}: {counted(outcome.news)}')
        return
    done = "upgraded" if outcome.upgrade else "installed"
    say(f'Release "{record.name}" {done} in namespace {record.namespace}: revision {record.version}')
    tell(counted(outcome.news))
    if notes := str(record.body["info"].get("notes") or "").strip():
        tell(f"\n{notes}")
    if any(each.key.kind == "Application" for each in outcome.news):
        tell(
            "\nNext: `tiphys app list` shows the applications; to change them, edit the chart and run this again."
        )


def _told(outcome: "Outcome", *, dry_run: bool) -> object:
    record = outcome.record
    return {
        "name": record.name,
        "namespace": record.namespace,
        "revision": record.version,
        "status": "not begun" if dry_run else record.status,
        "dryRun": dry_run,
        "objects": listed(outcome.news),
        "notes": str(record.body["info"].get("notes") or ""),
    }
