"""Hooks: which run when, in which order, when they are over, and when they are cleared away."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tiphys.model.objects import Kind, Live, part
from tiphys.model.releases import Hook

PRE_INSTALL, POST_INSTALL = "pre-install", "post-install"
PRE_UPGRADE, POST_UPGRADE = "pre-upgrade", "post-upgrade"
PRE_DELETE, POST_DELETE = "pre-delete", "post-delete"

BEFORE, SUCCEEDED, FAILED = "before-hook-creation", "hook-succeeded", "hook-failed"
DEFINITION = "CustomResourceDefinition"
RUNS = (Kind("batch", "Job"), Kind("", "Pod"))
"""The kinds that do something and end; anything else is there once it is made."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a hook ended."""

    well: bool
    message: str = ""


def due(hooks: Iterable[Hook], event: str) -> Sequence[Hook]:
    """The hooks of an event in their order: by weight, then by name."""
    wanted = [hook for hook in hooks if event in hook.events]
    return sorted(wanted, key=lambda hook: (hook.weight, str(part(hook.body, "metadata").get("name") or "")))


def goes(hook: Hook, when: str) -> bool:
    """
    Whether the hook's object is deleted at a point of its life.

    Definitions never are: with them would go the custom resources of everybody. A Job or Pod that is left from an
    earlier run always is before the next, since an apply to what has run already runs nothing.
    """
    kind = hook.body.get("kind")
    if kind == DEFINITION:
        return False
    left = when == BEFORE and kind in [run.kind for run in RUNS]
    return left or when in (hook.policies or (BEFORE,))


def ended(live: Live) -> Ended | None:
    """How a hook's object ended, ``None`` while it is at it."""
    if live.key.of not in RUNS:
        return Ended(True)
    status = part(live.body, "status")
    if live.key.kind == "Pod":
        phase = status.get("phase")
        return Ended(phase == "Succeeded", str(status.get("message") or "")) if phase in _OVER else None
    for condition in status.get("conditions") or ():
        if condition.get("status") == "True" and condition.get("type") in ("Complete", "Failed"):
            return Ended(condition["type"] == "Complete", str(condition.get("message") or ""))
    return None


_OVER = ("Succeeded", "Failed")
