"""The engine stands by while Argo CD is at work, and goes on by itself."""

import asyncio
from collections.abc import Sequence

import pytest

from tiphys.controller.gates import through
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
    others, told = Others(ARGO, ARGO, Unavailable("away"), ()), list[str]()
    await Standby(others, lambda: told.append("waits"), pause=0).opened()
    assert others.answers == [()]
    assert told == ["waits"]


async def test_work_is_ended_when_another_comes():
    standby = Standby(Others((), (), Unavailable("away"), ARGO), pause=0)
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    engine = asyncio.create_task(through([standby], work))
    await asyncio.wait_for(ended.wait(), 5)
    engine.cancel()
    await asyncio.gather(engine, return_exceptions=True)


async def test_who_may_not_look_works_as_before():
    await Standby(Others(Refused("forbidden"))).opened()


async def test_a_cluster_that_is_silent_is_told_at_the_start_and_borne_later():
    with pytest.raises(Unavailable):
        await Standby(Others(Unavailable("away"))).opened()
    later = Standby(Others((), Unavailable("away")))
    await later.opened()
    await later.opened()
