"""Deletions that meet something odd, and Applications that cannot be read."""

import pytest

from reconcile.charts import chart, manifest
from reconcile.stage import Stage, key
from tiphys.model.errors import SpecError

FINALIZER = "resources-finalizer.argocd.argoproj.io"
SHOP = key("Application", "shop")


def gone(stage: Stage, name: str = "shop") -> bool:
    return stage.server.body(key("Application", name)) is None


async def test_what_cannot_be_read_is_not_left_behind(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", finalizer=FINALIZER)
    await stage.plays("shop")
    unreadable = stage.world.cluster._unreadable
    unreadable[key("ConfigMap", "shop")] = "forbidden"
    stage.server.delete(SHOP)
    observe = stage.world.cluster.observe

    async def cannot_read(keys: object) -> object:
        found = await observe(keys)  # type: ignore[arg-type]
        unreadable[key("ConfigMap", "shop")] = "forbidden"
        return {k: v for k, v in found.items() if k.kind != "ConfigMap"}

    stage.world.cluster.observe = cannot_read  # type: ignore[method-assign,assignment]
    await stage.tells("shop")
    assert not gone(stage)
    assert "forbidden" in stage.conditions("shop")["DeletionError"]
    stage.world.cluster.observe = observe  # type: ignore[method-assign]
    unreadable.clear()
    await stage.plays("shop")
    assert gone(stage)
    assert stage.live("ConfigMap", "shop") is None


async def test_a_finalizer_that_waits_for_hooks_is_told(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", finalizer="post-delete-finalizer.argocd.argoproj.io/cleanup")
    await stage.plays("shop")
    stage.server.delete(SHOP)
    await stage.plays("shop")
    assert "post-delete-finalizer.argocd.argoproj.io/cleanup" in stage.conditions("shop")["DeletionError"]


@pytest.mark.parametrize(
    "spec",
    [
        {"project": "nobody"},
        {"destination": {"server": "https://elsewhere:6443", "namespace": "shop"}},
        {"source": None},
    ],
)
async def test_a_spec_that_became_wrong_keeps_nothing_alive(stage: Stage, spec: dict[str, object]) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", finalizer=FINALIZER)
    await stage.plays("shop")
    stage.by_hand(SHOP, {"spec": spec})
    stage.server.delete(SHOP)
    await stage.plays("shop")
    assert gone(stage)
    assert stage.live("Deployment", "shop", "apps") is None


async def test_an_application_deleted_in_the_middle_of_a_sync_takes_all_with_it(stage: Stage) -> None:
    late = manifest("ConfigMap", "late", annotations={"argocd.argoproj.io/sync-wave": "1"})
    stage.push(chart("shop", late=late))
    stage.wants("shop", finalizer=FINALIZER)
    await stage.plays("shop", ready=False)
    assert stage.status("shop")["operationState"]["phase"] == "Running"
    stage.server.delete(SHOP)
    await stage.plays("shop")
    assert gone(stage)
    assert not [k for k in stage.server.records if k.namespace == "shop"]


async def test_a_malformed_application_is_told_once_and_works_when_it_is_repaired(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    stage.by_hand(SHOP, {"spec": {"revisionHistoryLimit": "ten"}})
    assert isinstance(await stage.tells("shop"), SpecError)
    assert "spec.revisionHistoryLimit" in stage.conditions("shop")["InvalidSpecError"]
    stage.api.asked.clear()
    assert isinstance(await stage.tells("shop"), SpecError)
    assert stage.api.writes == []
    stage.by_hand(SHOP, {"spec": {"revisionHistoryLimit": 10}})
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")
    assert stage.conditions("shop") == {}
