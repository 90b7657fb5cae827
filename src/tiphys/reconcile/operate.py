"""
A sync under way: see, decide, do, record, until there is nothing to do but wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from msgspec.structs import replace

from tiphys.core.health import assess
from tiphys.core.sync.advance import Step, advance
from tiphys.core.sync.plan import plan
from tiphys.core.sync.state import phase_of, recorded
from tiphys.model.api import Application, OperationState
from tiphys.model.errors import Stale
from tiphys.model.flow import Apply, Command, Phase, Result, Seen, Task
from tiphys.model.objects import Catalog
from tiphys.reconcile.application import itself, own_options
from tiphys.reconcile.look import Look
from tiphys.reconcile.together import together
from tiphys.reconcile.world import World

log = structlog.get_logger()


@dataclass(frozen=True)
class Progress:
    """How far an operation came, and when to look again at the latest."""

    state: OperationState
    again: datetime | None = None


async def operate(state: OperationState, look: Look, world: World) -> Progress:
    """Bring an operation as far as it goes now. Raises ``Stale`` where the world moved and a new look is due."""
    name = world.name_of(look.application)
    tasks = plan(state.operation, look.wanted, own_options(look.application))
    await world.cluster.watch({task.key.of for task in tasks})
    while True:
        seen = await _seen(tasks, look, world)
        step = advance(as_wished(state, look.application, world), tasks, seen, world.terms)
        if not step.commands:
            return Progress(step.state, step.again)
        results = await together(world.cluster.perform(command) for command in step.commands)
        state = _recorded(step, tasks, results)
        if not _dry(step.commands[0]):
            world.memory.writes[name] = world.now()
        _tell(look, step.commands, results)
        if any(result.conflict for result in results):
            raise Stale(f"{look.application.metadata.name}: a live object changed while it was written")


def as_wished(state: OperationState, application: Application, world: World) -> OperationState:
    """The operation, to be terminated if somebody asked for that since it was read."""
    current = world.applications.get(world.name_of(application))
    said = current.status.operation_state if current else None
    wished = said and said.phase == Phase.TERMINATING and not phase_of(state).ended
    return replace(state, phase=Phase.TERMINATING) if wished else state


async def _seen(tasks: Sequence[Task], look: Look, world: World) -> Seen:
    live = await world.cluster.observe([task.key for task in tasks])
    catalog: Catalog = await world.cluster.catalog()
    own = itself(look.application)
    return Seen(
        live=live,
        health={key: assess(found) for key, found in live.items() if key != own},
        served=lambda kind: kind in catalog.resources,
        now=world.now(),
        last_write=world.memory.writes.get(world.name_of(look.application)),
        unreadable=frozenset(world.cluster.unreadable),
    )


def _recorded(step: Step, tasks: Sequence[Task], results: Sequence[Result]) -> OperationState:
    return recorded(step.state, tasks, results, dry=_dry(step.commands[0]))


def _dry(command: Command) -> bool:
    return isinstance(command, Apply) and command.dry_run


def _tell(look: Look, commands: Sequence[Command], results: Sequence[Result]) -> None:
    """Tell what was done. What a dry run accepted is no news."""
    name = look.application.metadata.name
    for command, result in zip(commands, results, strict=True):
        if result.phase is Phase.FAILED:
            log.warning("refused", application=name, object=str(result.key), message=result.message)
        elif not _dry(command):
            log.info("performed", application=name, object=str(result.key), message=result.message)
