"""``tiphys up``: the example platform on this machine, with a live view on a terminal and lines elsewhere."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from tiphys.cli.local import with_node, with_place
from tiphys.cli.output import one_line, tell, without_logs

if TYPE_CHECKING:
    from tiphys.local.looks import Looks
    from tiphys.local.place import Place

LOOK_AT_PARTS_EVERY = 2.0
STOPPED_WITHIN = 5.0

Seen = Callable[["Looks", list[str]], bool]
"""Shown the applications and what is new of them; whether that is all there is to see."""


@click.command()
@with_place
@with_node
@click.option(
    "--timeout",
    default=300,
    show_default=True,
    type=click.IntRange(min=1),
    help="Without a terminal: fail if it is not all healthy after so many seconds.",
)
def up(place: "Place", node: str, timeout: int) -> None:
    """
    Run the example platform on this machine, and watch it.

    Starts a Kubernetes control plane, Git repositories served over HTTP, and the engine, and installs the root;
    what is there already is left as it is. On a terminal a live view stays until Ctrl-C. Elsewhere it prints
    what happens, and ends when all applications are Synced and Healthy. With --node=real the example's images
    are made here and run as containers, and a registry is there for yours.
    """
    from tiphys.cli import tryit  # noqa: PLC0415
    from tiphys.local.up import bring_up  # noqa: PLC0415

    without_logs()
    bring_up(place, tell, node)
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        click.echo(f"\nTry it, in another terminal:\n\n{tryit.text(place)}\n")
        _watch_live(place, tryit.own_command(place))
    else:
        _watch_lines(place, timeout)
        click.echo(f"\nTry it:\n\n{tryit.text(place)}")


def _watch_live(place: "Place", command: tuple[str, str]) -> None:
    from tiphys.cli.liveview import live_view  # noqa: PLC0415

    tiphys, where = command
    try:
        with live_view() as view:

            def drawn(looks: "Looks", news: list[str]) -> bool:
                view.show(looks, news)
                return False

            asyncio.run(_until_seen(place, drawn))
    except KeyboardInterrupt:
        tell(f"Everything runs on. See it again: {tiphys} up{where}   Stop it: {tiphys} local{where} stop")


def _watch_lines(place: "Place", timeout: int) -> None:
    from tiphys.local.looks import all_well  # noqa: PLC0415
    from tiphys.model.errors import Unavailable  # noqa: PLC0415

    last: Looks = {}

    def printed(looks: "Looks", news: list[str]) -> bool:
        nonlocal last
        last = looks
        for line in news:
            click.echo(one_line(line))
        return all_well(looks)

    async def watched() -> None:
        async with asyncio.timeout(timeout):
            await _until_seen(place, printed)

    try:
        asyncio.run(watched())
    except TimeoutError as error:
        sick = ", ".join(f"{one.name} ({one.sync}, {one.health})" for one in last.values() if not one.well)
        raise Unavailable(f"after {timeout} s not all is well: {sick or 'no applications'}") from error
    click.echo("All applications are Synced and Healthy.")


async def _until_seen(place: "Place", seen: Seen) -> None:
    """Show the applications after each change until all is seen. Raises ``Unavailable`` if a part ends."""
    from tiphys.local.applications import watch  # noqa: PLC0415
    from tiphys.local.cluster import Cluster  # noqa: PLC0415
    from tiphys.local.looks import news  # noqa: PLC0415
    from tiphys.local.place import NAMESPACE  # noqa: PLC0415
    from tiphys.wiring.connecting import open_api  # noqa: PLC0415

    async def look() -> None:
        before: Looks = {}
        async with open_api(Cluster(place.kubeconfig)) as api:
            async for now in watch(api, NAMESPACE):
                if seen(now, news(before, now)):
                    return
                before = now

    await _unless(look(), _part_ends(place))


async def _part_ends(place: "Place") -> None:
    """Raises ``Unavailable`` when a part has ended, be it by itself or because somebody stopped everything."""
    from tiphys.cli.tryit import own_command  # noqa: PLC0415
    from tiphys.local.parts import status  # noqa: PLC0415
    from tiphys.local.up import must_run  # noqa: PLC0415
    from tiphys.model.errors import Unavailable  # noqa: PLC0415

    again = "start it again with: {} up{}".format(*own_command(place))
    while True:
        try:
            must_run(place)
        except Unavailable as error:
            await asyncio.sleep(STOPPED_WITHIN)
            if any(part.pid for part in status(place)):
                raise Unavailable(f"{error}\nWhat else was started runs on; {again}") from error
            raise Unavailable(f"everything here was stopped; {again}") from error
        await asyncio.sleep(LOOK_AT_PARTS_EVERY)


async def _unless(work: Awaitable[None], trouble: Awaitable[None]) -> None:
    """Do the work, and stop with the trouble's error if that comes first."""
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(trouble)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
