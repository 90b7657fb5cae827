"""
The pokes: who says that something was pushed has the repository asked at once, rather than at the next poll.

What was said is not trusted. The repository tells where its revisions point to; and an application of which it was
said that nothing it reads has changed is looked at all the same, only not now.
"""

import asyncio
import random
from dataclasses import dataclass, field

import structlog

from tiphys.controller.polls import Polls
from tiphys.core.webhooks import ImagePushed, Push
from tiphys.core.webhooks.concerns import follows, joined, place, same_repository, touches
from tiphys.model.addresses import shown
from tiphys.model.api import Application
from tiphys.model.errors import SpecError
from tiphys.model.objects import AppName
from tiphys.reconcile.tips import Followed

log = structlog.get_logger()


@dataclass(frozen=True)
class Pace:
    """In seconds."""

    again: tuple[float, ...] = (0.0, 0.5, 2.0)
    """When to ask, as long as the repository does not know yet of what was pushed."""
    rest: float = 1.0
    """Between two questions about one revision, however many say that it was pushed."""
    calm: float = 60.0
    """Within which an application is looked at of which nothing seems to have changed."""


@dataclass(frozen=True)
class _Poke:
    """A push that is being followed up, and the commit that was known before."""

    push: Push
    before: str


@dataclass
class Pokes:
    """Follows up what was pushed. ``pushed`` and ``image_pushed`` may be called at any time and never raise."""

    polls: Polls
    pace: Pace = field(default_factory=Pace)
    _waiting: dict[Followed, Push] = field(default_factory=dict)
    _asking: dict[Followed, _Poke] = field(default_factory=dict)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.polls.leisure = self._leisure

    def pushed(self, push: Push) -> None:
        """A ref of a repository moved: whoever follows it asks at once."""
        for asked in self.polls.followers:
            if same_repository(push, asked.repo) and follows(asked.revision, push.ref, self._ref(asked)):
                if (
                    asked not in self._waiting
                ):  # what comes meanwhile is asked for together, and told together
                    log.info(
                        "push heard of", repository=shown(asked.repo), ref=push.ref, revision=push.after[:7]
                    )
                self._waiting[asked] = joined(self._waiting.get(asked), push)
        self._heard.set()

    def image_pushed(self, image: ImagePushed) -> None:
        """A tag of a registry was pushed: applications whose source lies there are looked at."""
        pushed_to = place(f"oci://{image.repository}")
        for name in self.polls.world.applications.names():
            try:
                application = self.polls.world.applications.get(name)
            except SpecError:
                continue  # its own story tells it
            if application and pushed_to in _artifacts(application):
                log.info("image heard of", application=str(name), tag=image.tag)
                self.polls.queue.add(name)

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as questions:
            while True:
                await self._heard.wait()
                self._heard.clear()
                for asked in [each for each in self._waiting if each not in self._asking]:
                    self._asking[asked] = _Poke(self._waiting.pop(asked), self._tip(asked))
                    questions.create_task(self._ask(asked))

    async def _ask(self, asked: Followed) -> None:
        poke = self._asking[asked]
        try:
            for pause in self.pace.again:
                await asyncio.sleep(pause)
                await self.polls.ask(asked)
                # A host may tell of a push before all of it knows.
                if self._tip(asked) != poke.before or poke.before == poke.push.after:
                    break
            # What was poked meanwhile is asked once more, together.
            await asyncio.sleep(self.pace.rest)
        finally:
            del self._asking[asked]
            self._heard.set()

    def _leisure(self, asked: Followed, name: AppName) -> float:
        """How long an application can do without a look at what was just found."""
        poke = self._asking.get(asked)
        if not poke or poke.push.files is None:
            return 0.0
        # Only if exactly that push brought us from where we were to where we are, its files are all there is.
        told = poke.push.before == poke.before and poke.push.after == self._tip(asked)
        reads = self.polls.world.memory.reads.get(name)
        if not told or reads is None or touches(poke.push.files, reads):
            return 0.0
        return self.pace.calm * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def _tip(self, asked: Followed) -> str:
        reading = self.polls.world.tips.readings.get(asked)
        return reading.tip.sha if reading and reading.tip and not reading.error else ""

    def _ref(self, asked: Followed) -> str:
        reading = self.polls.world.tips.readings.get(asked)
        return reading.tip.ref if reading and reading.tip else ""


def _artifacts(application: Application) -> set[str]:
    """The repositories of a registry that an application's sources are."""
    sources = (*filter(None, (application.spec.source,)), *application.spec.sources)
    return {
        place(f"{each.repo_url}/{each.chart}" if each.chart else each.repo_url)
        for each in sources
        if each.repo_url.startswith("oci://") or (each.chart and "://" not in each.repo_url)
    }
