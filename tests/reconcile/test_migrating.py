"""One engine hands over to the other, and whoever is interrupted begins again and goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from core.migration.test_controllers import merged, workload
from tiphys.core.migration.controllers import BEFORE, Controller, controllers
from tiphys.core.migration.plan import Situation, handback, takeover
from tiphys.model.errors import Unavailable
from tiphys.model.objects import Body, Key
from tiphys.reconcile.migrate import Stage, hand_over

ARGO, ENGINE = "argocd-application-controller", "tiphys"


class Killed(Exception):
    """As by ``kill -9``."""


@dataclass
class Namespace:
    """Workloads whose pods end a moment after they were scaled down, and who acted at any time."""

    bodies: dict[str, dict[str, Any]]
    kill_at: int = -1
    calls: int = 0
    pods_left: dict[str, int] = field(default_factory=dict)
    acted: list[frozenset[str]] = field(default_factory=list)
    stuck: bool = False

    async def read(self, key: Key) -> Controller | None:
        self._count()
        return next(c for c in self.controllers if c.key == key)

    async def patch(self, key: Key, patch: Body) -> bool:
        self._count()
        if self.calls % 5 == 0:
            return False
        before = self.bodies[key.name]["spec"]["replicas"]
        self.bodies[key.name] = merged(self.bodies[key.name], patch)
        now = self.bodies[key.name]["spec"]["replicas"]
        self.pods_left[key.name] = 2 if now < before else 0
        self._note()
        return True

    async def pods(self, selector: str) -> Sequence[str]:
        self._count()
        name = selector.rpartition("=")[2]
        left = self.pods_left.get(name, 0)
        self.pods_left[name] = left if self.stuck else max(0, left - 1)
        return [f"{name}-0"] if left else []

    @property
    def controllers(self) -> list[Controller]:
        kinds = {ARGO: "StatefulSet", ENGINE: "Deployment"}
        return [c for name, body in self.bodies.items() for c in controllers(kinds[name], [body])]

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self.kill_at:
            raise Killed

    def _note(self) -> None:
        at_work = [c.key.name for c in self.controllers if c.replicas or self.pods_left.get(c.key.name)]
        self.acted.append(frozenset(at_work))


def namespace(**more: Any) -> Namespace:
    """Argo CD at work, and an engine that stepped back before."""
    engine = workload(ENGINE, "engine", 0, annotations={BEFORE: "1"})
    return Namespace({ARGO: workload(ARGO, "application-controller", 2), ENGINE: engine}, **more)


async def migrate(there: Namespace, *, back: bool = False) -> None:
    plan = (handback if back else takeover)(Situation(there.controllers))
    await hand_over(plan, Stage(there, lambda _: None, patience=1))


def state(there: Namespace) -> dict[str, tuple[int, dict[str, str]]]:
    return {n: (b["spec"]["replicas"], b["metadata"].get("annotations", {})) for n, b in there.bodies.items()}


async def test_there_and_back_again_leaves_everything_as_it_was():
    there = namespace()
    before = state(there)
    await migrate(there)
    assert state(there) == {ARGO: (0, {BEFORE: "2"}), ENGINE: (1, {})}
    await migrate(there)
    assert state(there) == {ARGO: (0, {BEFORE: "2"}), ENGINE: (1, {})}, "a second time changes nothing"
    await migrate(there, back=True)
    assert state(there) == before
    assert all(len(each) <= 1 for each in there.acted), "never do two act"


@pytest.mark.parametrize("back", [False, True])
async def test_killed_at_any_step_it_goes_on_when_it_is_said_again(back: bool):
    steps = 0
    while True:
        there, whole = namespace(), namespace()
        for each in (there, whole):
            if back:
                await migrate(each)
            each.calls = 0
        there.kill_at = steps = steps + 1
        await migrate(whole, back=back)
        try:
            await migrate(there, back=back)
            break  # it was done before
        except Killed:
            await migrate(there, back=back)
        assert state(there) == state(whole), f"killed at step {steps}"
        assert all(len(each) <= 1 for each in there.acted)
    assert steps > 4


async def test_nobody_comes_before_the_last_pod_of_the_other_has_ended():
    there = namespace(stuck=True)
    with pytest.raises(Unavailable, match="argocd-application-controller-0 of StatefulSet"):
        await migrate(there)
    assert state(there)[ENGINE][0] == 0
