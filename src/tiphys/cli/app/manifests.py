"""``app manifests``: an application's objects as Git wants them, or as the cluster has them."""

import asyncio
from collections.abc import Sequence

import click

from tiphys.cli.app.names import named_app
from tiphys.cli.app.targets import claim_of, engine
from tiphys.cli.kube import control_plane
from tiphys.cli.options import Access, command, with_access
from tiphys.cli.output import yaml_documents
from tiphys.core.diff.pointers import without
from tiphys.model.api import Application
from tiphys.model.errors import Unavailable
from tiphys.model.objects import Body
from tiphys.model.redaction import redact
from tiphys.reconcile.application import inventory

MANAGED_FIELDS = ("metadata", "managedFields")


@command()
@named_app
@click.option(
    "--source",
    type=click.Choice(["git", "live"]),
    default="git",
    show_default=True,
    help="As Git wants them, or as they are.",
)
@click.option("--revision", metavar="REVISION", default="", help="As this revision wants them.")
@with_access
def manifests(access: Access, name: str, source: str, revision: str) -> None:
    """Print an application's objects as YAML; values of Secrets are not shown."""

    async def told() -> tuple[Sequence[Body], Sequence[str]]:
        async with control_plane(access) as plane:
            app = (await plane.application(plane.named(name))).app
        return await _live(access, app) if source == "live" else (await _wanted(access, app, revision), ())

    found, unread = asyncio.run(told())
    click.echo(yaml_documents(redact(body) for body in found), nl=False)
    if unread:
        raise Unavailable("\n".join(["these objects cannot be read:", *unread]))


async def _wanted(access: Access, app: Application, revision: str) -> list[Body]:
    async with engine(access) as world:
        return [target.body for target in (await claim_of(app, world, revision)).targets]


async def _live(access: Access, app: Application) -> tuple[list[Body], list[str]]:
    """The objects as they are, and why others cannot be read."""
    keys = inventory(app)
    async with engine(access) as world:
        await world.cluster.watch({key.of for key in keys})
        live = await world.cluster.observe(keys)
        unread = world.cluster.unreadable
    bodies = [without(live[key].body, (MANAGED_FIELDS,)) for key in keys if key in live]
    return bodies, [f"{key}: {unread[key]}" for key in keys if key in unread]
