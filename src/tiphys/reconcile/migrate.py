"""
One engine hands the Applications to another: it steps back, its pods end, and only then the other one comes.

Where things stand is in the workloads' own annotations, so this can be told again from any point at which it ended.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tiphys.core.migration.controllers import Controller, coming_again, stepping_back
from tiphys.core.migration.plan import Plan
from tiphys.model.errors import Stale, Unavailable
from tiphys.model.objects import Body, Key
from tiphys.reconcile.patience import until

_ATTEMPTS = 10


class Workloads(Protocol):
    """The workloads of the control plane's namespace. Every method raises ``Unavailable`` and ``Refused``."""

    async def read(self, key: Key) -> Controller | None:
        """One that acts on Applications, as it is now; ``None`` if it is gone."""

    async def patch(self, key: Key, patch: Body) -> bool:
        """Merge a patch (RFC 7386); whether it was still the version that the patch names."""

    async def pods(self, selector: str) -> Sequence[str]:
        """The names of the pods with these labels that have not ended."""


async def _nothing() -> None:
    """Nothing."""


@dataclass(frozen=True)
class Stage:
    """Where one engine hands over to another."""

    workloads: Workloads
    say: Callable[[str], None]
    patience: float = 120.0
    """Seconds that the pods of each workload may take to end."""
    between: Callable[[], Awaitable[None]] = _nothing
    """What is done when the one has ended and the other has not begun."""


async def hand_over(plan: Plan, stage: Stage) -> None:
    """Do what a plan says. Raises ``Unavailable`` where a pod does not end: nobody else has begun then."""
    going = [step.controller for step in plan.steps if step.replicas == 0]
    for each in going:
        if await _changed(each, stepping_back, stage):
            stage.say(f"{each} steps back: {_counted(each.replicas)} to 0")
    for each in going:
        await _ended(each, stage)
    await stage.between()
    for step in plan.steps:
        if step.replicas and await _changed(step.controller, coming_again, stage):
            stage.say(f"{step.controller} comes again: {_counted(step.replicas)}")


async def _changed(
    controller: Controller, change: Callable[[Controller], Body | None], stage: Stage
) -> Controller | None:
    """The workload as it was before it was changed; ``None`` where there was nothing to change."""
    for _ in range(_ATTEMPTS):
        found = await stage.workloads.read(controller.key)
        patch = change(found) if found else None
        if patch is None:
            return None
        if await stage.workloads.patch(controller.key, patch):
            return found
    raise Stale(f"{controller} keeps changing while it is scaled: run this again")


async def _ended(controller: Controller, stage: Stage) -> None:
    """Wait until no pod of a workload is left."""
    left: Sequence[str] = ()

    async def look() -> bool | None:
        nonlocal left
        left = await stage.workloads.pods(controller.selector)
        return None if left else True

    if not controller.selector or await look():
        return
    stage.say(f"Waiting for the end of {', '.join(left)} …")
    if not await until(look, stage.patience):
        raise Unavailable(
            f"{', '.join(left)} of {controller} did not end in {stage.patience:g} s; nobody acts on the Applications "
            "now: see what holds it and run this again, or go back with the opposite command"
        )


def _counted(replicas: int) -> str:
    return "1 replica" if replicas == 1 else f"{replicas} replicas"
