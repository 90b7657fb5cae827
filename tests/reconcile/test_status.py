"""What is told in the status: as Argo CD words it, only when it changed, and never of what was not looked at."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from reconcile.charts import chart, manifest
from reconcile.stage import Stage, key
from tiphys.model.errors import SpecError

SHOP = key("Application", "shop")
REFRESH = "argocd.argoproj.io/refresh"


def refreshes(stage: Stage, how: str = "normal") -> None:
    stage.by_hand(SHOP, {"metadata": {"annotations": {REFRESH: how}}})


def asked_to(stage: Stage) -> str | None:
    annotations: dict[str, str] = stage.application("shop")["metadata"].get("annotations") or {}
    return annotations.get(REFRESH)


async def test_nulls_in_values_are_written_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is free-form keeps its nulls in a real API server, but for those of a merge patch.
    monkeypatch.setattr("memory.defaults._copied", deepcopy)
    stage.push(chart("shop", values="colour: green\n"))
    values = {"colour": None, "deep": {"er": None}, "list": [None]}
    source = {
        "repoURL": stage.repo,
        "path": "shop",
        "targetRevision": "main",
        "helm": {"valuesObject": values},
    }
    stage.wants("shop", source=source)
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")
    assert stage.live("ConfigMap", "shop")["data"] == {"colour": "red"}
    stage.api.asked.clear()
    await stage.tells("shop")
    assert stage.api.writes == []


async def test_the_time_of_a_health_moves_only_when_it_changes(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    before = stage.status("shop")["health"]["lastTransitionTime"]
    stage.clock += timedelta(hours=1)
    stage.push({"shop/templates/config.yaml": manifest("ConfigMap", "other")})
    await stage.poll()
    await stage.plays("shop")
    assert stage.status("shop")["health"]["lastTransitionTime"] == before


async def test_who_controls_it_is_told(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    assert stage.status("shop")["controllerNamespace"] == "argocd"


async def test_what_others_wrote_into_the_status_survives(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    stage.by_hand(SHOP, {"status": {"fromTheFuture": {"x": 1}}})
    await stage.plays("shop")
    assert stage.status("shop")["fromTheFuture"] == {"x": 1}


@pytest.mark.parametrize("how", ["normal", "hard", "odd"])
async def test_a_refresh_is_done_once(stage: Stage, how: str) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    new = stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v2\n"})
    refreshes(stage, how)
    await stage.plays("shop")
    assert asked_to(stage) is None
    assert stage.status("shop")["sync"]["revision"] == new


async def test_a_hard_refresh_renders_anew(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    stage.engines.rendered.clear()
    refreshes(stage, "hard")
    await stage.plays("shop")
    assert stage.engines.rendered == ["shop"]


async def test_a_refresh_that_fails_is_done_too(stage: Stage) -> None:
    stage.push(chart("shop", broken="{{ fail `not today` }}"))
    stage.wants("shop")
    refreshes(stage)
    assert isinstance(await stage.plays("shop"), SpecError)
    assert asked_to(stage) is None


async def test_a_refresh_asked_for_during_a_look_is_not_lost(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    observe = stage.world.cluster.observe

    async def asked_meanwhile(keys: Any) -> Any:
        stage.world.cluster.observe = observe  # type: ignore[method-assign]
        refreshes(stage)
        await stage.api.caught_up()
        return await observe(keys)

    stage.world.cluster.observe = asked_meanwhile  # type: ignore[method-assign]
    stage.by_hand(SHOP, {"spec": {"syncPolicy": None}})
    await stage.tells("shop")
    assert asked_to(stage) == "normal"
    await stage.tells("shop")
    assert asked_to(stage) is None


@pytest.mark.parametrize(
    ("value", "skipped"), [("true", True), ("True", True), ("1", True), ("false", False)]
)
async def test_who_asks_to_be_skipped_is_not_touched(stage: Stage, value: str, skipped: bool) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    stage.by_hand(SHOP, {"metadata": {"annotations": {"argocd.argoproj.io/skip-reconcile": value}}})
    await stage.plays("shop")
    assert (stage.status("shop") == {}) is skipped


async def test_an_operation_in_a_phase_that_nobody_knows_harms_nothing(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    stage.by_hand(SHOP, {"status": {"operationState": {"phase": "Pondering"}}})
    stage.by_hand(key("ConfigMap", "shop"), {"data": {"colour": "blue"}})
    stage.clock += timedelta(minutes=5)
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")
