"""``app refresh``: have the engine look again, and wait until it has."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress

import click

from tiphys.cli.app.names import complete
from tiphys.cli.kube import ControlPlane, Found, control_plane, unknown
from tiphys.cli.options import Access, command, with_access, with_timeout
from tiphys.cli.output import say
from tiphys.model.errors import Unavailable
from tiphys.model.objects import AppName, Body

REFRESH = "argocd.argoproj.io/refresh"


@command()
@click.argument("names", metavar="APPNAME...", nargs=-1, required=True, shell_complete=complete)
@click.option("--hard", is_flag=True, help="Forget what was rendered and read before.")
@with_timeout(60)
@with_access
def refresh(access: Access, names: Sequence[str], hard: bool, timeout: int) -> None:
    """Look at Git and the cluster again, now, and wait until that is done."""

    async def run() -> None:
        async with control_plane(access) as plane:
            for name in names:
                found = await refreshed(plane, plane.named(name), hard=hard, seconds=timeout)
                status = found.app.status
                say(f"application '{found.name}' refreshed: {status.sync.status}, {status.health.status}")

    asyncio.run(run())


async def refreshed(plane: ControlPlane, name: AppName, *, hard: bool, seconds: float) -> Found:
    """
    The Application after the engine looked again.

    Raises ``Unavailable`` where the engine does not take the request in time (0 seconds: never give up).
    """
    if found := await looked_again(plane, name, hard=hard, seconds=seconds):
        return found
    raise Unavailable(
        f"Application {name} was not refreshed within {seconds:g} s: is the controller running? Its log says "
        "what it does; the request stays until it is served"
    )


async def looked_again(
    plane: ControlPlane, name: AppName, *, hard: bool = False, seconds: float
) -> Found | None:
    """The Application after the engine looked again, ``None`` if it does not within so many seconds."""
    kind = "hard" if hard else "normal"

    def asked(_: Found) -> Body:
        return {"metadata": {"annotations": {REFRESH: kind}}}

    await plane.revise(name, asked)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds or None), aclosing(plane.follow(name)) as readings:
            async for found in readings:
                if not found:
                    raise unknown(name)
                if REFRESH not in found.metadata.get("annotations", {}):
                    return found
    return None
