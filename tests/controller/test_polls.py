"""The polls: one question per repository and revision, and none that holds up another."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from tiphys.controller.polls import Polls
from tiphys.controller.queue import Queue
from tiphys.model.api import Application, decode_application
from tiphys.model.errors import TiphysError, Unavailable
from tiphys.model.objects import AppName
from tiphys.model.rendering import Tip
from tiphys.reconcile.tips import Followed, Tips


@dataclass
class Hosts:
    """Git hosts that answer with a tip, with an error, or never."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def of(self, project: str) -> "Hosts":  # noqa: ARG002
        """The same for every project."""
        return self

    def scope(self, repo: str, project: str) -> str:  # noqa: ARG002
        """No project has credentials of its own."""
        return ""

    async def resolve(self, repo: str, revision: str) -> Tip:
        self.asked.append(repo)
        answer = self.answers[repo]
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            await asyncio.Event().wait()
        return Tip(answer, revision)


@dataclass
class Listed:
    """Applications by the repository that each follows."""

    repos: dict[str, str]

    def names(self) -> list[AppName]:
        return [AppName("argocd", name) for name in self.repos]

    def get(self, name: AppName) -> Application | None:
        body = {
            "metadata": {"name": name.name, "namespace": name.namespace},
            "spec": {
                "project": "default",
                "destination": {},
                "source": {"repoURL": self.repos[name.name], "path": "."},
            },
        }
        return decode_application(orjson.dumps(body))


@dataclass
class Engine:
    """As much of a world as polls need."""

    tips: Tips
    applications: Listed


def polls_of(hosts: Hosts, **repos: str) -> Polls:
    engine: Any = Engine(Tips(hosts, lambda: datetime.now(UTC)), Listed(repos))  # type: ignore[arg-type]
    return Polls(engine, Queue[AppName](spacing=0), interval=0.02)


async def played(polls: Polls, seconds: float) -> None:
    task = asyncio.create_task(polls.run())
    await asyncio.sleep(seconds)
    assert not task.done(), task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def played_until(polls: Polls, condition: Callable[[], bool]) -> None:
    task = asyncio.create_task(polls.run())
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not task.done(), task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_many_applications_of_a_repository_cost_one_question():
    hosts = Hosts({"https://x/r": "a" * 40})
    polls = polls_of(hosts, shop="https://x/r", api="https://x/r")
    polls.interval = 60
    polls._find_followers()
    polls._due = dict.fromkeys(polls._due, 0.0)
    await played(polls, 0.1)
    assert hosts.asked == ["https://x/r"]
    assert {(await polls.queue.take()).name, (await polls.queue.take()).name} == {"shop", "api"}


async def test_news_that_a_story_asked_for_reach_the_others_too():
    hosts = Hosts({"https://x/r": "a" * 40})
    polls = polls_of(hosts, shop="https://x/r", api="https://x/r")
    polls._find_followers()
    asked = Followed("https://x/r", "HEAD")
    await polls.world.tips.of(asked)
    assert len(polls.queue) == 0
    hosts.answers["https://x/r"] = "b" * 40
    await polls.world.tips.of(asked, fresh=True)
    assert len(polls.queue) == 2


async def test_a_host_that_hangs_holds_up_no_other():
    hosts = Hosts({"https://hangs/r": None, "https://x/r": "a" * 40})
    polls = polls_of(hosts, shop="https://hangs/r", api="https://x/r")
    await played_until(polls, lambda: hosts.asked.count("https://x/r") > 3)
    assert hosts.asked.count("https://hangs/r") == 1


async def test_a_host_that_fails_is_asked_later_each_time():
    hosts = Hosts({"https://x/r": Unavailable("no")})
    polls = polls_of(hosts, shop="https://x/r")
    await played(polls, 0.6)
    assert 1 <= len(hosts.asked) <= 6


async def test_an_answer_that_nobody_expected_stops_nothing():
    hosts = Hosts({"https://odd/r": ValueError("odd"), "https://x/r": "a" * 40})
    polls = polls_of(hosts, shop="https://odd/r", api="https://x/r")
    await played_until(polls, lambda: hosts.asked.count("https://x/r") > 1)
    assert polls.failures


async def test_a_story_waits_for_a_host_that_hangs_for_a_while_only():
    tips = Tips(Hosts({"https://hangs/r": None}), lambda: datetime.now(UTC), patience=0.05)  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="has not answered"):
        await tips.of(Followed("https://hangs/r", "main"))


async def test_a_host_that_hangs_leaves_what_is_known_with_the_reason_beside_it():
    hosts = Hosts({"https://x/r": "a" * 40})
    tips = Tips(hosts, lambda: datetime.now(UTC), patience=0.05)  # type: ignore[arg-type]
    asked = Followed("https://x/r", "main")
    await tips.of(asked)
    hosts.answers["https://x/r"] = None
    reading = await tips.of(asked, fresh=True)
    assert reading.tip
    assert isinstance(reading.error, TiphysError)
    assert (await tips.of(asked)).error is None
