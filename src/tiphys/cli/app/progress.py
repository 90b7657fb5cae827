"""
Following an Application until it is as somebody wants it, and telling what happens meanwhile.

What is waited for is said by the caller, as a ``Goal``. Lines and endings look as argocd's.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from tiphys.cli.app import views
from tiphys.cli.app.family import family_of
from tiphys.cli.app.refresh import looked_again
from tiphys.cli.app.states import Choice, State, states_of
from tiphys.cli.kube import ControlPlane, Found, unknown
from tiphys.cli.output import data, one_line, say, tell
from tiphys.model.api import Application, OperationState
from tiphys.model.errors import SpecError, TiphysError, Unavailable
from tiphys.model.flow import Phase
from tiphys.model.objects import AppName, Key

_WIDTHS = (25, 5, 10, 10, 20, 8, 7, 10, 0)
_HEADER = ("TIMESTAMP", "GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE")
_REFRESH = 10
"""Seconds that the engine has, after a sync, to look again before we show what we have."""

_UNTAKEN = 10
"""Seconds after which an operation that nobody begins is worth a word."""


@dataclass(frozen=True)
class Goal:
    """What to wait for: all that is set, of the application or of the chosen objects."""

    sync: bool = False
    health: bool = False
    operation: bool = False
    suspended: bool = False
    degraded: bool = False
    delete: bool = False
    choices: Sequence[Choice] = ()

    def reached(self, app: Application) -> bool:
        """Whether the application is so."""
        if self.delete or (self.operation and under_way(app)):
            return False
        if self.choices:
            return all(self._met(state.status, state.health) for state in states_of(app, self.choices))
        return self._met(app.status.sync.status, app.status.health.status)

    def _met(self, sync: str, health: str) -> bool:
        healths = {"Healthy": self.health, "Suspended": self.suspended, "Degraded": self.degraded}
        return (not self.sync or sync == "Synced") and (
            not any(healths.values()) or healths.get(health, False)
        )


def under_way(app: Application) -> bool:
    """Whether an operation runs, or is asked for."""
    state = app.status.operation_state
    return app.operation is not None or bool(state and not Phase(state.phase).ended)


@dataclass
class Report:
    """Prints an object's line when it is new or changed, and only then."""

    print: Callable[[str], None]
    told: dict[Key, State] = field(default_factory=dict)

    def begin(self) -> None:
        """The header."""
        self.print(_line(_HEADER))

    def take(self, states: Sequence[State]) -> list[tuple[State, State]]:
        """Print what changed; the changes, each as what it was and what it is."""
        changes = []
        for state in states:
            before = self.told.get(state.key)
            after = _merged(before, state) if before else state
            if after == before:
                continue
            self.told[state.key] = after
            self.print(_line((_now(), *after.line())))
            if before:
                changes.append((before, after))
        return changes


def _merged(before: State, after: State) -> State:
    """The newer state; what it does not say stays as it was."""
    return State(
        after.key,
        after.status or before.status,
        after.health or before.health,
        after.hook or before.hook,
        after.message or before.message,
    )


def _line(cells: Sequence[str]) -> str:
    # Left for the first and the last column, right for those between, as argocd has it.
    middle = (one_line(cell).rjust(w) for cell, w in zip(cells[1:-1], _WIDTHS[1:-1], strict=True))
    return "  ".join((cells[0].ljust(_WIDTHS[0]), *middle, one_line(cells[-1]))).rstrip()


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


@dataclass(frozen=True)
class Ended:
    """How an application was when what was waited for had come."""

    found: Found | None
    """``None`` if it is gone."""
    state: OperationState | None = None
    """The latest operation, as it was at that moment."""


async def follow_until(
    plane: ControlPlane, name: AppName, goal: Goal, *, seconds: float, output: str
) -> Ended:
    """
    Follow an Application until the goal is reached, telling what happens, and print how it is then.

    Raises ``Unavailable`` when that takes longer than so many seconds (0: for ever), ``TiphysError`` when
    health is waited for and an object degrades that was not so before.
    """
    watch = Watch(plane, name, goal, Report(say if output in ("wide", "tree") else tell))
    watch.report.begin()
    try:
        async with asyncio.timeout(seconds or None), asyncio.TaskGroup() as group:
            hint = group.create_task(watch.hint())
            ended = await watch.run()
            hint.cancel()
    except TimeoutError as error:
        watch.report.print("\nThis is the state of the app after `wait` timed out:")
        await _show(watch.last, watch, output)
        raise Unavailable(
            f'timed out ({seconds:g}s) waiting for app "{name}" match desired state: {_lacking(watch.last)}'
        ) from error
    if goal.delete:
        say(f"Application '{name}' deleted")
    await _show(ended.found, watch, output)
    return ended


@dataclass
class Watch:
    """One application being followed, and what was last seen of it."""

    plane: ControlPlane
    name: AppName
    goal: Goal
    report: Report
    last: Found | None = None
    operated: bool = False

    async def run(self) -> Ended:
        """Until the goal is reached."""
        async with aclosing(self.plane.follow(self.name)) as readings:
            async for found in readings:
                if not found:
                    return self._gone()
                changes = self._take(found)
                if self.goal.reached(found.app):
                    # Sync and health lag behind the end of an operation: have them looked at once more.
                    newer = (
                        await looked_again(self.plane, self.name, seconds=_REFRESH)
                        if self.operated and self.goal.operation
                        else None
                    )
                    return Ended(newer or found, found.app.status.operation_state)
                if self.goal.health:
                    self._expect_not_degrading(changes, found)
        raise AssertionError("a watch goes on until the Application is gone")

    async def hint(self) -> None:
        """Say so if nobody takes up the operation that we wait for: without an engine it would be for ever."""
        await asyncio.sleep(_UNTAKEN)
        app = self.last.app if self.last else None
        state = app.status.operation_state if app else None
        if self.goal.operation and app and app.operation and (not state or Phase(state.phase).ended):
            tell(f"No controller has taken up the operation of {self.name} for {_UNTAKEN} s: is one running?")

    def _take(self, found: Found) -> list[tuple[State, State]]:
        self.last = found
        sync = found.app.operation.sync if found.app.operation else None
        self.operated = self.operated or bool(sync and not sync.dry_run)
        return self.report.take(states_of(found.app, self.goal.choices))

    def _gone(self) -> Ended:
        if self.goal.delete:
            return Ended(None)
        if self.last:
            raise SpecError(f"Application {self.name} was deleted while we waited for it")
        raise unknown(self.name)

    def _expect_not_degrading(self, changes: Sequence[tuple[State, State]], found: Found) -> None:
        for before, after in changes:
            if after.health == "Degraded" and before.health not in ("", "Unknown", "Degraded"):
                self.report.print(f"\n{views.whole(found.app)}")
                raise TiphysError(
                    f"application '{self.name}' health state has transitioned from {before.health} to "
                    f"Degraded: {after.key}"
                )


def _lacking(last: Found | None) -> str:
    if not last:
        return "the API server told nothing of it"
    status = last.app.status
    sync, health = status.sync.status or "not compared yet", status.health.status or "of no health yet"
    return f"it is {sync} and {health}{', an operation is under way' if under_way(last.app) else ''}"


async def _show(found: Found | None, watch: Watch, output: str) -> None:
    """How an Application is at the end, in the format asked for; nothing if it is gone."""
    if not found:
        return
    if output in ("json", "yaml"):
        data(found.body, output)
        return
    app, state = found.app, found.app.status.operation_state
    parts = [
        views.header(app),
        views.operation(state) if watch.goal.operation and state else "",
        views.tree(app, await family_of(app, watch.plane)) if output == "tree" else views.resource_table(app),
    ]
    say("\n" + "\n\n".join(filter(None, parts)))
