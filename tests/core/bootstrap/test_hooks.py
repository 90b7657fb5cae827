"""Which hooks run when, when they are over, and when they go."""

from typing import Any

import pytest

from tiphys.core.bootstrap.hooks import BEFORE, FAILED, SUCCEEDED, Ended, due, ended, goes
from tiphys.model.objects import Live, key_of
from tiphys.model.releases import Hook


def hook(name: str, weight: int = 0, kind: str = "ConfigMap", policies: tuple[str, ...] = ()) -> Hook:
    return Hook("x.yaml", {"kind": kind, "metadata": {"name": name}}, ("pre-install",), weight, policies)


def test_hooks_of_an_event_come_by_weight_and_then_by_name() -> None:
    hooks = [hook("c", 1), hook("b"), hook("a"), hook("z", -5), Hook("x", {}, ("post-install",))]
    assert [each.body["metadata"]["name"] for each in due(hooks, "pre-install")] == ["z", "a", "b", "c"]


@pytest.mark.parametrize(
    ("which", "when"),
    [
        (hook("a"), {BEFORE}),
        (hook("a", policies=(SUCCEEDED,)), {SUCCEEDED}),
        (hook("a", policies=(FAILED, BEFORE)), {FAILED, BEFORE}),
        (hook("a", kind="Job", policies=(SUCCEEDED,)), {SUCCEEDED, BEFORE}),
        (hook("a", kind="CustomResourceDefinition"), set()),
    ],
)
def test_a_hook_goes_when_its_policy_says_so(which: Hook, when: set[str]) -> None:
    assert {moment for moment in (BEFORE, SUCCEEDED, FAILED) if goes(which, moment)} == when


def run(kind: str, **status: Any) -> Live:
    version = "batch/v1" if kind == "Job" else "v1"
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, "status": status}
    return Live(key_of(body), body)


@pytest.mark.parametrize(
    ("live", "how"),
    [
        (run("ConfigMap"), Ended(True)),
        (run("Job"), None),
        (run("Job", conditions=[{"type": "Complete", "status": "False"}]), None),
        (run("Job", conditions=[{"type": "Complete", "status": "True"}]), Ended(True)),
        (
            run("Job", conditions=[{"type": "Failed", "status": "True", "message": "why"}]),
            Ended(False, "why"),
        ),
        (run("Pod", phase="Running"), None),
        (run("Pod", phase="Succeeded"), Ended(True)),
        (run("Pod", phase="Failed", message="evicted"), Ended(False, "evicted")),
    ],
)
def test_how_a_hook_ends(live: Live, how: Ended | None) -> None:
    assert ended(live) == how
