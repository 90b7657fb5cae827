"""``app delete``: with the objects that it made, or leaving them."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing

import click

from tiphys.cli.app.names import with_selection
from tiphys.cli.kube import ControlPlane, Found, control_plane
from tiphys.cli.options import Access, Flag, Selection, command, with_access, with_timeout
from tiphys.cli.output import say
from tiphys.model.errors import Unavailable
from tiphys.model.objects import AppName, Body

FINALIZER = "resources-finalizer.argocd.argoproj.io"
FINALIZERS = {"foreground": FINALIZER, "background": f"{FINALIZER}/background"}


@command()
@with_selection
@click.option("--cascade/--no-cascade", default=True, help="Delete its objects too (default), or leave them.")
@click.option(
    "-p",
    "--propagation-policy",
    type=click.Choice(list(FINALIZERS)),
    default="foreground",
    show_default=True,
    help="How its objects are deleted.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", "waiting", is_flag=True, help="Wait until it is gone.")
@with_timeout(0)
@with_access
def delete(access: Access, selection: Selection, yes: bool, waiting: bool, timeout: int, **how: Flag) -> None:
    """Delete applications and, unless told otherwise, every object that they made."""
    finalizer = FINALIZERS[how["propagation_policy"]] if how["cascade"] else ""

    async def run() -> None:
        async with control_plane(access) as plane:
            for name in [found.name for found in await plane.picked(selection)]:
                if not yes and finalizer and not _agreed(name):
                    say(f"The command to delete '{name}' was cancelled.")
                    continue
                await _deleted(plane, name, finalizer)
                if waiting:
                    await _gone(plane, name, timeout)
                say(f"application '{name}' deleted" if waiting else f"application '{name}' is being deleted")

    asyncio.run(run())


def _agreed(name: AppName) -> bool:
    """Ask on a terminal, as argocd does; a script has nobody to ask and means what it says."""
    if not sys.stdin.isatty():
        return True
    return click.confirm(f"Are you sure you want to delete '{name}' and all its resources?", err=True)


async def _deleted(plane: ControlPlane, name: AppName, finalizer: str) -> None:
    def change(found: Found) -> Body:
        had = found.metadata.get("finalizers", [])
        if finalizer and "deletionTimestamp" in found.metadata:
            return {}  # the API server takes no new finalizers on what is being deleted
        has = finalizers(had, finalizer)
        return {"metadata": {"finalizers": has}} if has != had else {}

    await plane.delete(await plane.revise(name, change))


def finalizers(had: Sequence[str], wanted: str) -> list[str]:
    """The finalizers with our own replaced by the one wanted, or taken away where none is; others' stay."""
    others = [f for f in had if f != FINALIZER and not f.startswith(f"{FINALIZER}/")]
    return [*others, wanted] if wanted else others


async def _gone(plane: ControlPlane, name: AppName, seconds: float) -> None:
    last: Found | None = None
    try:
        async with asyncio.timeout(seconds or None), aclosing(plane.follow(name)) as readings:
            async for found in readings:
                last = found or last
    except TimeoutError as error:
        raise Unavailable(
            f"application '{name}' is not gone after {seconds:g} s: {_holding(last)}; "
            f"is the controller running? `tiphys app get {name}` shows the conditions"
        ) from error


def _holding(found: Found | None) -> str:
    held = ", ".join(found.metadata.get("finalizers", [])) if found else ""
    return f"held by {held}" if held else "nothing holds it any more"
