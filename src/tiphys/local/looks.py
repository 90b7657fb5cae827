"""
What somebody who watches a platform sees of its applications, and what is new between two looks.

Values in, words out; where the Applications come from and where the words go is for others to know.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tiphys.model.api import Application

SHORT = 7
REFRESH = "argocd.argoproj.io/refresh"


@dataclass(frozen=True, slots=True)
class Look:
    """One application at one moment."""

    name: str
    sync: str = ""
    health: str = ""
    revision: str = ""
    message: str = ""
    """What the engine has to say: what is wrong, or else how the last sync goes, or else of its health."""
    trouble: str = ""
    """What is wrong: a condition, a sync that failed, or why it is Degraded."""
    operation: tuple[str, str] = ("", "")
    """When the last sync began, and its phase."""
    images: frozenset[str] = frozenset()
    asked: bool = False
    """Whether the engine has been asked to look anew and has not done so yet: what we see may be of old."""

    @property
    def well(self) -> bool:
        """Whether nothing is left to wait for."""
        return (self.sync, self.health) == ("Synced", "Healthy") and not self.asked


Looks = Mapping[str, Look]
"""The applications by name."""


def look_at(app: Application) -> Look:
    """An Application as a watcher sees it."""
    status, operation = app.status, app.status.operation_state
    trouble = _trouble(app)
    done = operation.message if operation else ""
    return Look(
        name=app.metadata.name,
        sync=status.sync.status,
        health=status.health.status,
        revision=status.sync.revision[:SHORT],
        message=" ".join((trouble or done or status.health.message).split()),
        trouble=" ".join(trouble.split()),
        operation=(operation.started_at, operation.phase) if operation else ("", ""),
        images=frozenset(status.summary.images),
        asked=REFRESH in app.metadata.annotations,
    )


def news(before: Looks, now: Looks) -> list[str]:
    """What happened between two looks, a line for each application to which something did."""
    changed = [name for name in now if now[name] != before.get(name)]
    lines = [
        f"{name}: {', '.join(told)}" for name in changed if (told := [*_of(before.get(name), now[name])])
    ]
    return lines + [f"{name}: gone" for name in before if name not in now]


def all_well(now: Looks) -> bool:
    """Whether there are applications, and each is Synced and Healthy."""
    return bool(now) and all(look.well for look in now.values())


def _trouble(app: Application) -> str:
    status, operation = app.status, app.status.operation_state
    if status.conditions:
        return f"{status.conditions[0].type}: {status.conditions[0].message}"
    if operation and operation.phase in {"Failed", "Error"}:
        return operation.message
    return status.health.message if status.health.status == "Degraded" else ""


def _of(before: Look | None, now: Look) -> Iterator[str]:
    """What is told of one application, the cause before the effect."""
    if before is None and not now.sync:
        yield "new"
    was = before or Look(now.name)
    if now.revision != was.revision and now.revision:
        yield f"revision {now.revision}"
    if now.operation != was.operation:
        yield f"sync {now.operation[1].lower()}"
    if now.sync != was.sync and now.sync:
        yield now.sync
    if now.health != was.health and now.health:
        yield now.health
    yield from (f"runs {image}" for image in sorted(now.images - was.images) if was.images)
    if now.trouble != was.trouble and now.trouble:
        yield now.trouble
