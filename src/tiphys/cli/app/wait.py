"""``app wait``: until applications are as somebody wants them."""

import asyncio
from collections.abc import Sequence

import click

from tiphys.cli.app.names import with_selection
from tiphys.cli.app.progress import Goal, follow_until
from tiphys.cli.app.states import choice, with_resources
from tiphys.cli.kube import ControlPlane, control_plane
from tiphys.cli.options import (
    Access,
    Selection,
    command,
    with_access,
    with_output,
    with_timeout,
)
from tiphys.cli.output import tell
from tiphys.model.objects import AppName


@command(
    epilog="""
\b
Examples:
  tiphys app wait homepage
  tiphys app wait homepage api --health --timeout 60
  tiphys app wait homepage --resource apps:Deployment:homepage
  tiphys app wait -l team=web
Exits with 1 when the time is up, or when something becomes Degraded while health is waited for.
"""
)
@with_selection
@click.option("--sync", is_flag=True, help="Wait for Synced.")
@click.option("--health", is_flag=True, help="Wait for Healthy.")
@click.option("--operation", is_flag=True, help="Wait for the end of a running operation.")
@click.option("--suspended", is_flag=True, help="Wait for Suspended.")
@click.option("--degraded", is_flag=True, help="Wait for Degraded.")
@click.option("--delete", is_flag=True, help="Wait until it is gone.")
@with_resources
@with_timeout(0)
@with_output("wide", "json", "yaml", "tree")
@with_access
def wait(
    access: Access, selection: Selection, timeout: int, output: str, resources: Sequence[str], **wanted: bool
) -> None:
    """Wait until applications are synced, healthy and at rest, or as the flags say; one after the other."""
    named = wanted if any(wanted.values()) else {"sync": True, "health": True, "operation": True}
    goal = Goal(**named, choices=[choice(text) for text in resources])

    async def run() -> None:
        async with control_plane(access) as plane:
            for name in await _names(plane, selection, gone=goal.delete):
                await follow_until(plane, name, goal, seconds=timeout, output=output)

    asyncio.run(run())


async def _names(plane: ControlPlane, selection: Selection, *, gone: bool) -> Sequence[AppName]:
    """Whom to wait for. Who is waited for to be gone need not be there: it may have gone a moment before."""
    if not (gone and selection.names):
        return [found.name for found in await plane.picked(selection)]
    names = [plane.named(text) for text in selection.names]
    there = [name for name in names if await plane.find(name)]
    for name in names:
        if name not in there:
            tell(f"There is no Application {name} (any more).")
    return there
