"""
Where each followed revision points to, as the last poll of its repository told.

One entry per repository and revision, however many applications follow it. A repository that does not answer keeps
its last tip, with the error beside it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from tiphys.model.addresses import shown
from tiphys.model.errors import TiphysError, Unavailable
from tiphys.model.rendering import Tip
from tiphys.reconcile.ports import Repositories


@dataclass(frozen=True, slots=True)
class Followed:
    """A revision of a repository that applications follow."""

    repo: str
    revision: str
    project: str = ""
    """On whose behalf."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the last polls told of a followed revision."""

    tip: Tip | None
    at: datetime
    """When it last answered; when it was first asked if it never did."""
    error: TiphysError | None = None
    since: datetime | None = None
    """When the tip was first told."""


@dataclass
class Tips:
    """The readings, and how to get newer ones."""

    repositories: Repositories
    now: Callable[[], datetime]
    readings: dict[Followed, Reading] = field(default_factory=dict)
    patience: float = 10.0
    """Seconds that a story waits for an answer; the question goes on, for whoever asks later."""
    news: Callable[[Followed], None] = lambda _: None
    """Told of each revision that moved, or whose repository began or ceased to answer, whoever asked for it."""
    _asking: dict[Followed, asyncio.Task[Reading]] = field(default_factory=dict)

    def shared(self, followed: Followed) -> Followed:
        """The same for every project that reads a repository by the same credentials, so that one question will do."""
        return replace(followed, project=self.repositories.scope(followed.repo, followed.project))

    async def of(self, followed: Followed, *, fresh: bool = False) -> Reading:
        """
        The tip of a revision: as remembered, or asked of the remote where nothing is or where it must be fresh.

        Raises ``Unavailable`` where the remote hangs, so that who waits for it stands in nobody's way.
        """
        followed = self.shared(followed)
        known = self.readings.get(followed)
        if known and known.tip and not fresh:
            return known
        try:
            return await asyncio.wait_for(self.poll(followed), self.patience)
        except TimeoutError as error:
            why = f"{shown(followed.repo)} has not answered for {self.patience:g} s"
            told = Unavailable(f"find {followed.revision}: {why}; it is asked again")
            if known and known.tip:
                return Reading(known.tip, known.at, told, known.since)
            raise told from error

    async def poll(self, followed: Followed) -> Reading:
        """Ask the remote now; whoever asks meanwhile shares the answer."""
        task = self._asking.get(followed)
        if not task:
            task = asyncio.create_task(self._asked(followed))
            self._asking[followed] = task
            task.add_done_callback(lambda _: self._asking.pop(followed, None))
        return await asyncio.shield(task)

    def is_older(self, followed: Followed, *, seconds: float) -> bool:
        """Whether what is known of a revision was told longer ago than that; so is what is not known."""
        known = self.readings.get(self.shared(followed))
        return not known or (self.now() - known.at).total_seconds() > seconds

    def keep_only(self, wanted: set[Followed]) -> None:
        """Forget what nobody follows any more."""
        for followed in self.readings.keys() - wanted:
            del self.readings[followed]

    async def _asked(self, followed: Followed) -> Reading:
        known = self.readings.get(followed)
        try:
            tip = await self.repositories.of(followed.project).resolve(followed.repo, followed.revision)
            now = self.now()
            reading = Reading(tip, now, since=known.since if known and known.tip == tip else now)
        except TiphysError as error:
            reading = replace(known, error=error) if known else Reading(None, self.now(), error)
        self.readings[followed] = reading
        if known and (reading.tip != known.tip or bool(reading.error) != bool(known.error)):
            self.news(followed)
        return reading
