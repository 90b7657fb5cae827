"""Waiting for a cluster: until objects are ready, over, or gone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import TypeVar

from tiphys.core.health.assess import assess
from tiphys.model.errors import Unavailable
from tiphys.model.flow import Health, HealthCode
from tiphys.model.objects import Key, Kind, Live
from tiphys.reconcile.site import Scene

T = TypeVar("T")
PAUSE, LONGEST = 0.1, 2.0
"""Seconds between two looks, at first and later."""

AWAITED = frozenset(
    {
        Kind("", "PersistentVolumeClaim"),
        Kind("", "Pod"),
        Kind("apiextensions.k8s.io", "CustomResourceDefinition"),
        Kind("apiregistration.k8s.io", "APIService"),
        Kind("apps", "DaemonSet"),
        Kind("apps", "Deployment"),
        Kind("apps", "ReplicaSet"),
        Kind("apps", "StatefulSet"),
    }
)
"""The kinds that are waited for; an Application's health is the engine's business, which may not run yet."""


async def until(look: Callable[[], Awaitable[T | None]], seconds: float) -> T | None:
    """Look until there is an answer, ever more seldom; ``None`` if there was none within these seconds."""
    pause, end = PAUSE, monotonic() + seconds
    while (answer := await look()) is None and monotonic() < end:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST)
    return answer


async def gone(going: Sequence[Live], scene: Scene) -> None:
    """Wait until objects are gone. Raises ``Unavailable`` that names what holds those that stay."""
    left: list[Live] = list(going)

    async def look() -> bool | None:
        nonlocal left
        found = await scene.site.read([live.key for live in left])
        left = [found[live.key] for live in left if live.key in found and found[live.key].uid == live.uid]
        return None if left else True

    if going and not await until(look, scene.patience):
        held = "; ".join(f"{live.key} ({_holders(live)})" for live in left[:3])
        raise Unavailable(f"still there {scene.patience:g} s after they were deleted: {held}")


async def ready(keys: Sequence[Key], scene: Scene) -> None:
    """Wait until what can be ready is. Raises ``Unavailable`` that says what is not, and why."""
    left = {key: Health(HealthCode.PROGRESSING) for key in keys if key.of in AWAITED}
    if not left:
        return

    async def look() -> bool | None:
        found = await scene.site.read(list(left))
        for key, live in found.items():
            health = assess(live)
            if health is None or health.code in (HealthCode.HEALTHY, HealthCode.SUSPENDED):
                del left[key]
            else:
                left[key] = health
        return None if left else True

    if await look():
        return
    scene.report.say(f"Waiting for {_named(list(left))} to become ready …")
    if not await until(look, scene.patience):
        told = "; ".join(
            f"{key} is {h.code.value}: {h.message}".rstrip(": ") for key, h in list(left.items())[:3]
        )
        raise Unavailable(f"not ready after {scene.patience:g} s: {told}")


def _named(keys: Sequence[Key]) -> str:
    return str(keys[0]) if len(keys) == 1 else f"{len(keys)} objects"


def _holders(live: Live) -> str:
    return f"held by {', '.join(map(str, live.metadata.get('finalizers') or ['its grace period']))}"
