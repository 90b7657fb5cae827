"""What another engine applied in the client is adopted when an application is looked at; only who owns what changes."""

import structlog

from tiphys.core.diff.adoption import adopted
from tiphys.model.errors import Refused, SpecError, Stale
from tiphys.model.objects import Body, Live
from tiphys.model.tracking import tracked_by
from tiphys.reconcile.look import Look
from tiphys.reconcile.together import together
from tiphys.reconcile.world import World

log = structlog.get_logger()


async def adopt(look: Look, world: World) -> bool:
    """Adopt what a look found to be an application's; whether there was anything, so that one has to look again."""
    instance = world.instance(world.name_of(look.application))
    found: list[tuple[Live, Body]] = []
    for each in look.pairs:
        owner = tracked_by(each.live) if each.target and each.live else None
        if each.live and owner and owner.application == instance and (patch := adopted(each.live)):
            found.append((each.live, patch))
    done = await together(_written(live, patch, world) for live, patch in found)
    if any(done):
        log.info("adopted", application=look.application.metadata.name, objects=sum(done))
    return any(done)


async def _written(live: Live, patch: Body, world: World) -> bool:
    """Whether it could be adopted; what the API server refuses is compared as well as it can be without."""
    try:
        return await world.cluster.patch(live.key, patch, live.resource_version) is not None
    except (SpecError, Refused, Stale) as error:
        log.debug("not adopted", object=str(live.key), why=str(error))
        return False
