"""``tiphys uninstall``: a release taken off a cluster, with the workloads of its Applications left running."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tiphys.cli.options import Flag, command, with_output
from tiphys.cli.output import data, say, tell, without_logs
from tiphys.cli.releases import Reached, counted, listed, scene_of, with_release

if TYPE_CHECKING:
    from tiphys.reconcile.uninstall import Departure


@command(
    epilog="""
\b
Examples:
  tiphys uninstall argocd
  tiphys uninstall root -n argocd --dry-run
What the release's Applications made runs on: their finalizers are removed before they are deleted. To have the
workloads deleted too, do so first, while the engine runs: tiphys app delete NAME.
Definitions and namespaces are kept, since with them would go what others have made of them or in them.
"""
)
@click.argument("name")
@with_release
@with_output("text", "json", "yaml")
def uninstall(name: str, kubeconfig: Path | None, context: str, output: str, **flags: Flag) -> None:
    """Take a release off a cluster, be it bootstrap's or helm's; workloads of its Applications run on."""
    without_logs()
    departure = asyncio.run(_uninstalled(name, Reached(kubeconfig, context), flags))
    if output != "text":
        left = [key._asdict() for key in departure.left]
        data({"name": name, "objects": listed(departure.news), "left": left}, output)
        return
    done = "would be uninstalled" if flags["dry_run"] else "uninstalled"
    say(f'Release "{name}" {done}: {counted(departure.news)}')
    if departure.left:
        names = ", ".join(key.name for key in departure.left[:10])
        tell(
            f"\nThese Applications were made by others and stay: {names}\nWhere no engine runs, one that is deleted "
            "waits for ever; remove its finalizers first:\n  kubectl -n NAMESPACE patch application NAME "
            """--type merge -p '{"metadata":{"finalizers":null}}'"""
        )


async def _uninstalled(name: str, reached: Reached, flags: Flag) -> "Departure":
    from tiphys.reconcile.uninstall import Farewell, uninstall  # noqa: PLC0415 - the help needs none of it
    from tiphys.wiring.bootstrapping import open_maker, open_site  # noqa: PLC0415

    wish = Farewell(name, flags["namespace"], take_over=flags["take_over"], dry_run=flags["dry_run"])
    async with open_maker() as maker, open_site(reached, os.environ) as site:
        return await uninstall(wish, maker, scene_of(site, flags["timeout"], rehearsal=flags["dry_run"]))
