"""
The polls: each followed revision of each repository is asked for once in a while, by one small request, for all the
applications that follow it. Who follows a revision that moved is looked at.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from tiphys.controller.queue import Queue
from tiphys.model.addresses import shown
from tiphys.model.errors import TiphysError
from tiphys.model.objects import AppName
from tiphys.reconcile.application import followed
from tiphys.reconcile.tips import Followed
from tiphys.reconcile.world import World

log = structlog.get_logger()


@dataclass
class Polls:
    """Asks every ``interval`` seconds, later each time where a repository does not answer."""

    world: World
    queue: Queue[AppName]
    interval: float = 10.0
    longest: float = 120.0
    failures: dict[Followed, int] = field(default_factory=lambda: defaultdict(int))
    followers: dict[Followed, list[AppName]] = field(default_factory=dict)
    outdated: bool = True
    """Whether who follows what has to be found out anew: set it when an Application was asked for otherwise."""
    leisure: Callable[[Followed, AppName], float] = lambda _, __: 0.0
    """Seconds that news of a revision may wait for an application that they hardly concern."""
    _due: dict[Followed, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A story that asks for itself must not keep the news from the others.
        self.world.tips.news = self._tell

    async def run(self) -> None:
        """Poll until cancelled."""
        async with asyncio.TaskGroup() as polls:
            while True:
                if self.outdated:
                    self._find_followers()
                now = asyncio.get_running_loop().time()
                for asked in [asked for asked, at in self._due.items() if at <= now]:
                    # Due again when it is through: a repository that hangs holds up no other.
                    self._due[asked] = float("inf")
                    polls.create_task(self.ask(asked))
                await asyncio.sleep(min(1.0, self.interval / 4))

    async def ask(self, asked: Followed) -> None:
        """Ask a repository now, and again when the next poll is due."""
        try:
            await self._poll(asked)
        except Exception:
            self.failures[asked] += 1
            log.exception("bug: a poll failed", repository=shown(asked.repo))
        if asked in self._due:
            self._due[asked] = asyncio.get_running_loop().time() + self._pause(asked)

    def renew(self) -> None:
        """What is known of repositories changed, credentials perhaps: those that refused us are asked at once."""
        self.failures.clear()
        self.outdated = True
        for asked, at in self._due.items():
            known = self.world.tips.readings.get(asked)
            if at != float("inf") and (known is None or known.error):
                self._due[asked] = 0.0

    def _find_followers(self) -> None:
        self.outdated = False
        self.followers = self._followers()
        self.world.tips.keep_only(set(self.followers))
        now = asyncio.get_running_loop().time()
        self._due = {asked: self._due.get(asked, now + self._pause(asked)) for asked in self.followers}

    def _followers(self) -> dict[Followed, list[AppName]]:
        found: dict[Followed, list[AppName]] = defaultdict(list)
        for name in self.world.applications.names():
            try:
                application = self.world.applications.get(name)
                if application and not application.metadata.deletion_timestamp:
                    found[self.world.tips.shared(followed(application))].append(name)
            except TiphysError:
                continue  # its own story tells it
        return found

    async def _poll(self, asked: Followed) -> None:
        before = self.world.tips.readings.get(asked)
        reading = await self.world.tips.poll(asked)
        if reading.error:
            self.failures[asked] += 1
            if self.failures[asked] == 1:
                log.warning("repository did not answer", repository=shown(asked.repo), why=str(reading.error))
        else:
            self.failures.pop(asked, None)
        if before is None:
            self._tell(asked)
        if before and before.tip and reading.tip and reading.tip != before.tip:
            log.info(
                "new commit", repository=shown(asked.repo), revision=reading.tip.sha[:7], ref=asked.revision
            )

    def _tell(self, asked: Followed) -> None:
        for name in self.followers.get(asked, ()):
            self.queue.add(name, self.leisure(asked, name))

    def _pause(self, asked: Followed) -> float:
        """The interval, doubled for each failure in a row, with some jitter so that repositories are not in step."""
        grown = self.interval * 2.0 ** min(self.failures.get(asked, 0), 16)
        return min(self.longest, grown) * random.uniform(0.9, 1.0)  # noqa: S311 - no secret
