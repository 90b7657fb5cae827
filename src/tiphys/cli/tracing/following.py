"""
Following commits in Applications until they are live, and telling each step as it happens.

Only reads. What happens is told on stderr, a line for each step; on a terminal also what is waited for.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from tiphys.cli.kube import ControlPlane, Found, readable
from tiphys.cli.output import one_line, tell
from tiphys.cli.tracing.commits import Code, Trace, error_of, timeline_of
from tiphys.cli.tracing.view import news, text
from tiphys.core.timeline.entries import Entry
from tiphys.model.api import Application
from tiphys.model.errors import SpecError, TiphysError, Unavailable
from tiphys.model.objects import AppName

_PAUSE = 1.0
"""Seconds between two looks for a commit that no application knows yet."""
_WIDTH = 100

Wanted = Callable[[Application], Entry | None]
"""The commit that is waited for in an application, if that knows it already."""


@dataclass
class Following:
    """Applications in which commits are followed, and what was seen of them."""

    plane: ControlPlane
    wanted: Wanted
    seen: dict[AppName, Trace] = field(default_factory=dict)
    waiting: dict[AppName, str] = field(default_factory=dict)
    """For what each application keeps us waiting."""
    _errors: dict[AppName, str] = field(default_factory=dict)
    """What was wrong with an application before it knew the commit: not the commit's fault."""

    async def run(self, names: Sequence[AppName], seconds: float) -> list[Trace]:
        """
        Until the commit is live in all of them; answers how it is then.

        Raises ``Unavailable`` when that takes longer (0 seconds: for ever), ``TiphysError`` where it fails.
        """
        try:
            async with asyncio.timeout(seconds or None), self._shown(), asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._one(name)) for name in names]
        except TimeoutError as error:
            self._tell_all()
            lacking = "; ".join(f"{name.name}: {said}" for name, said in self.waiting.items())
            raise Unavailable(f"not live in the time that was given: {lacking}") from error
        failed = [
            f"{name.name}: {task.result()}" for name, task in zip(names, tasks, strict=True) if task.result()
        ]
        if failed:
            self._tell_all()
            raise TiphysError("; ".join(failed))
        return [self.seen[name] for name in names]

    def _tell_all(self) -> None:
        """How far it came, where it did not come to its end."""
        if self.seen:
            tell(f"\n{text(list(self.seen.values()))}\n")

    async def _one(self, name: AppName) -> str:
        """Follow one application to the end; answers why it failed, empty if it did not."""
        self.waiting[name] = "the engine has not detected the commit yet"
        async with aclosing(self.plane.follow(name)) as readings:
            async for found in readings:
                if found is None:
                    raise SpecError(f"Application {name} was deleted while the commit was waited for")
                code, said = self._take(found)
                self.waiting[name] = said
                if code is not Code.PENDING:
                    del self.waiting[name]
                    return said if code is Code.FAILED else ""
        raise AssertionError("a watch goes on until the Application is gone")

    def _take(self, found: Found) -> tuple[Code, str]:
        """Tell what is new of an application, and answer how far the commit is."""
        app, name = found.app, found.name
        entry = self.wanted(app)
        if entry is None:
            return self._unknown(app, name)
        before, trace = self.seen.get(name), Trace(app, entry)
        self.seen[name] = trace
        self._tell_news(before, trace)
        return trace.standing

    def _tell_news(self, before: Trace | None, now: Trace) -> None:
        """What happened to a commit, and to the one that contains it."""
        commits = [now.entry] if now.carrier in (None, now.entry) else [now.entry, now.carrier]
        for entry in filter(None, commits):
            was = before.timeline.entry(entry.revision) if before else None
            for line in news(was, entry, now.app.metadata.name):
                self._say(line)

    def _unknown(self, app: Application, name: AppName) -> tuple[Code, str]:
        error = error_of(app)
        before = self._errors.setdefault(name, error)
        # What was wrong before may be what the commit mends.
        if error and error != before:
            return Code.FAILED, error
        if not error:
            self._errors[name] = ""
        return Code.PENDING, error or "the engine has not detected the commit yet"

    def _say(self, line: str) -> None:
        self._wipe()
        tell(line)

    def _wipe(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    @asynccontextmanager
    async def _shown(self) -> AsyncIterator[None]:
        """On a terminal, a line that says what is waited for and for how long."""
        task = asyncio.create_task(self._redrawn())
        try:
            yield
        finally:
            task.cancel()
            self._wipe()

    async def _redrawn(self) -> None:
        began = monotonic()
        while sys.stderr.isatty():
            if self.waiting:
                name, said = next(iter(self.waiting.items()))
                line = one_line(f"{monotonic() - began:4.0f}s  {name.name}: {said}")[:_WIDTH]
                sys.stderr.write(f"\r\x1b[K{line}")
                sys.stderr.flush()
            await asyncio.sleep(_PAUSE)


async def appearing(plane: ControlPlane, namespace: str, wanted: Wanted, seconds: float) -> list[AppName]:
    """
    The Applications that know a commit, as soon as there are some.

    Raises ``Unavailable`` when that takes longer (0 seconds: for ever).
    """
    names: list[AppName] = []
    told = False
    try:
        async with asyncio.timeout(seconds or None):
            while True:
                before = names
                found = readable(await plane.applications(namespace))
                names = [one.name for one in found if wanted(one.app)]
                # Once more, for those that the engine was just about to look at.
                if before and names:
                    return names
                if not names and not told:
                    tell("Waiting until an Application knows the commit.")
                    told = True
                await asyncio.sleep(_PAUSE)
    except TimeoutError as error:
        raise Unavailable(f"no Application knew the commit within {seconds:g} s") from error


def noted_as(revision: str) -> Wanted:
    """The commit of a charts repository, by its whole SHA; also where it is the newest and changed nothing."""

    def wanted(app: Application) -> Entry | None:
        timeline = timeline_of(app)
        known = next((each for each in timeline.entries if each.is_at(revision)), None)
        at_it = app.status.sync.revision == revision
        # An engine that notes nothing tells by the status alone.
        return known or (timeline.at if timeline.entries else Entry(revision)) if at_it or known else None

    return wanted


def moved_on(revision: str, apps: Sequence[Application]) -> Wanted:
    """What an application is at, once it was looked at a commit, or at a later one than any of these were."""
    noted = noted_as(revision)
    before = {(app.metadata.namespace, app.metadata.name): app.status.sync.revision for app in apps}

    def wanted(app: Application) -> Entry | None:
        at = app.status.sync.revision
        moved = at != before.get((app.metadata.namespace, app.metadata.name), at)
        return noted(app) or (timeline_of(app).at if moved else None)

    return wanted
