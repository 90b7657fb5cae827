"""The pokes: what was pushed is asked for at once, once, and only where it concerns somebody."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from controller.test_polls import Hosts, Listed
from tiphys.controller.pokes import Pace, Pokes
from tiphys.controller.polls import Polls
from tiphys.controller.queue import Queue
from tiphys.core.webhooks import ImagePushed, Push
from tiphys.model.errors import Unavailable
from tiphys.model.objects import AppName
from tiphys.model.rendering import Tip
from tiphys.reconcile.tips import Followed, Reading, Tips

REPO = "https://git.example/charts.git"
OLD, NEW = "a" * 40, "b" * 40
QUICK = Pace(again=(0.0, 0.02, 0.02), rest=0.05, calm=60)


def pushed(*files: str, url: str = REPO, ref: str = "HEAD", known: bool = True) -> Push:
    return Push((url,), ref, OLD, NEW, frozenset(files) if known else None)


@asynccontextmanager
async def poked(
    hosts: Hosts, repos: dict[str, str], pace: Pace = QUICK, **reads: tuple[str, ...]
) -> AsyncIterator[Pokes]:
    """Pokes that run, where polls are an hour apart and each repository was asked once."""
    memory = SimpleNamespace(reads={AppName("argocd", name): paths for name, paths in reads.items()})
    tips = Tips(hosts, lambda: datetime.now(UTC))  # type: ignore[arg-type]
    world: Any = SimpleNamespace(tips=tips, applications=Listed(repos), memory=memory)
    polls = Polls(world, Queue[AppName](spacing=0), interval=3600)
    polls._find_followers()
    for asked in polls.followers:
        await tips.poll(asked)
    hosts.asked.clear()
    pokes = Pokes(polls, pace)
    task = asyncio.create_task(pokes.run())
    yield pokes
    assert not task.done(), task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def due_now(pokes: Pokes) -> set[str]:
    now = asyncio.get_running_loop().time()
    return {name.name for name, due in pokes.polls.queue._due.items() if due <= now + 1}


async def test_a_push_has_its_repository_asked_at_once_and_no_other():
    hosts = Hosts({REPO: OLD, "https://git.example/other": OLD})
    async with poked(hosts, {"shop": REPO, "api": "https://git.example/other"}) as pokes:
        hosts.answers[REPO] = NEW
        pokes.pushed(pushed(url="git@git.example:charts.git"))
        await until(lambda: due_now(pokes))
        assert due_now(pokes) == {"shop"}
        assert hosts.asked == [REPO]


async def test_only_who_reads_what_was_pushed_is_looked_at_now_and_the_others_later():
    hosts = Hosts({REPO: OLD})
    repos = dict.fromkeys(("shop", "api", "new"), REPO)
    async with poked(hosts, repos, shop=("charts/shop",), api=("charts/api",)) as pokes:
        hosts.answers[REPO] = NEW
        pokes.pushed(pushed("charts/shop/values.yaml"))
        await until(lambda: len(pokes.polls.queue) == 3)
        assert due_now(pokes) == {"shop", "new"}


async def test_files_are_not_believed_where_the_repository_tells_of_another_commit():
    hosts = Hosts({REPO: OLD})
    async with poked(hosts, {"shop": REPO, "api": REPO}, shop=("charts/shop",), api=("charts/api",)) as pokes:
        hosts.answers[REPO] = "c" * 40
        pokes.pushed(pushed("charts/shop/values.yaml"))
        await until(lambda: len(pokes.polls.queue) == 2)
        assert due_now(pokes) == {"shop", "api"}


async def test_a_lie_looks_at_nobody():
    hosts = Hosts({REPO: OLD})
    async with poked(hosts, {"shop": REPO}) as pokes:
        pokes.pushed(pushed(known=False))
        await until(lambda: len(hosts.asked) == 3)
        await asyncio.sleep(0.1)
        assert hosts.asked == [REPO] * 3
        assert not len(pokes.polls.queue)


async def test_a_host_that_does_not_know_yet_is_asked_again():
    hosts = Hosts({REPO: OLD})
    async with poked(hosts, {"shop": REPO}) as pokes:
        pokes.pushed(pushed())
        await until(lambda: hosts.asked)
        hosts.answers[REPO] = NEW
        await until(lambda: due_now(pokes))


async def test_a_flood_of_pushes_is_one_question_and_later_another():
    hosts = Hosts({REPO: OLD})
    async with poked(hosts, {"shop": REPO}, pace=Pace(rest=600)) as pokes:
        hosts.answers[REPO] = NEW
        for _ in range(1000):
            pokes.pushed(pushed())
            await asyncio.sleep(0)
        await until(lambda: hosts.asked)
        assert hosts.asked == [REPO]
        assert pokes._waiting


async def test_who_does_not_follow_the_ref_hears_nothing():
    hosts = Hosts({REPO: OLD})
    async with poked(hosts, {"shop": REPO}) as pokes:
        main = Reading(Tip(OLD, "refs/heads/main"), datetime.now(UTC))
        pokes.polls.world.tips.readings[Followed(REPO, "HEAD")] = main
        pokes.pushed(pushed(ref="refs/heads/other"))
        await asyncio.sleep(0.05)
        assert not hosts.asked


async def test_a_repository_that_fails_stops_nothing():
    hosts = Hosts({REPO: OLD, "https://odd/r": OLD})
    async with poked(hosts, {"shop": REPO, "odd": "https://odd/r"}) as pokes:
        hosts.answers |= {REPO: Unavailable("no"), "https://odd/r": ValueError("odd")}
        pokes.pushed(pushed())
        pokes.pushed(pushed(url="https://odd/r"))
        await until(
            lambda: pokes.polls.failures.keys() == {Followed(REPO, "HEAD"), Followed("https://odd/r", "HEAD")}
        )


async def test_a_pushed_chart_is_looked_at_by_whoever_it_is_the_source_of():
    hosts = Hosts({REPO: OLD})
    async with poked(hosts, {"shop": REPO, "chart": "oci://ghcr.io/example/charts/shop"}) as pokes:
        pokes.image_pushed(ImagePushed("ghcr.io/example/charts/shop", "1.2.3"))
        assert due_now(pokes) == {"chart"}
