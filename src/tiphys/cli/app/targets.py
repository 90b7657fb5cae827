"""
What an application is to be, computed here and now as the engine computes it.

The stories are the engine's own; this opens them for one question, with a cache of its own beside the engine's.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tiphys.cli.kube import ControlPlane, settings_for
from tiphys.cli.options import Access
from tiphys.cli.output import without_logs
from tiphys.core.sources.tools import source_of
from tiphys.core.targets.claim import Claim, Owner, claim
from tiphys.model.api import Application
from tiphys.model.objects import AppName, Key, part
from tiphys.reconcile.application import followed, project_name
from tiphys.reconcile.look import sha_of
from tiphys.reconcile.recipes import Commit
from tiphys.reconcile.rendering import drawn

if TYPE_CHECKING:
    from tiphys.reconcile.world import World


@asynccontextmanager
async def engine(access: Access) -> "AsyncIterator[World]":
    """The engine's world for one command."""
    from tiphys.wiring.assembly import open_engine  # noqa: PLC0415 - only these commands need the engine

    settings = settings_for(access)
    without_logs()
    # Not the engine's own folder: it may be running on this machine.
    async with open_engine(replace(settings, state=settings.state / "cli")) as opened:
        yield opened.world


async def sha_for(app: Application, world: "World", revision: str) -> str:
    """The commit that a revision names, or else the newest of the target revision."""
    asked = followed(app)
    asked = replace(asked, revision=revision) if revision else asked
    return sha_of(await world.tips.of(asked, fresh=True))


async def claim_of(app: Application, world: "World", revision: str = "") -> Claim:
    """The targets of an application at a revision, or at its newest commit."""
    commit = Commit(source_of(app).repo_url, await sha_for(app, world, revision))
    found = await drawn(app, commit, world.on_behalf_of(project_name(app)))
    owner = Owner(world.instance(world.name_of(app)), app.spec.destination.namespace)
    return claim(found.rendered.objects, owner, await world.cluster.catalog())


async def labelled_keys(
    access: Access, plane: ControlPlane, name: AppName, labels: Mapping[str, str]
) -> Sequence[Key]:
    """The targets that have one of these labels."""
    app = (await plane.application(name)).app
    async with engine(access) as world:
        targets = (await claim_of(app, world)).targets
    return [t.key for t in targets if labels.items() & part(t.body, "metadata", "labels").items()]
