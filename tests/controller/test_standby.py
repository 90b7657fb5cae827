"""The engine stands by while another one is at work, and goes on by itself."""

import asyncio
from collections.abc import Sequence

import pytest

from tiphys.controller.standby import Standby
from tiphys.model.errors import Refused, Unavailable

ARGO = ("StatefulSet argocd/argocd-application-controller",)


class Others:
    """Who is at work, look by look; the last answer stays."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        self.answers = list(answers)

    async def __call__(self) -> Sequence[str]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_it_goes_on_when_the_other_is_gone_and_not_when_nobody_answers():
    others = Others(ARGO, ARGO, Unavailable("away"), ())
    standby = Standby(others, pause=0)
    assert await standby.is_needed()
    await standby.until_alone()
    assert others.answers == [()]


async def test_work_is_ended_when_another_comes():
    standby = Standby(Others((), (), Unavailable("away"), ARGO), pause=0)
    assert not await standby.is_needed()
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await standby.while_alone(work)
    assert ended.is_set()


async def test_what_ends_the_work_is_told():
    standby = Standby(Others(()), pause=0)

    async def work() -> None:
        raise Unavailable("no cluster")

    with pytest.raises(Unavailable, match="no cluster"):
        await standby.while_alone(work)


async def test_who_may_not_look_works_as_before():
    assert not await Standby(Others(Refused("forbidden"))).is_needed()


async def test_a_cluster_that_is_silent_at_the_start_is_told():
    with pytest.raises(Unavailable):
        await Standby(Others(Unavailable("away"))).is_needed()
