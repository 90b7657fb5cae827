"""An object that two applications want, one that manages itself, and others' objects."""

from typing import Any

from reconcile.charts import chart, manifest
from reconcile.stage import AUTOMATED, Stage, key
from tiphys.model.flow import SyncCode

MANUAL = {"syncPolicy": None}
TRACKING = "argocd.argoproj.io/tracking-id"


async def two(stage: Stage, **spec: Any) -> None:
    common = manifest("ConfigMap", "common", data={"a": "b"})
    stage.push({"shop/common.yaml": common, "api/common.yaml": common})
    stage.wants("api")
    await stage.plays("api")
    stage.wants("shop", **spec)


def owner(stage: Stage, name: str = "common") -> str:
    found = stage.live("ConfigMap", name)
    assert found is not None
    tracking: str = found["metadata"]["annotations"][TRACKING]
    return tracking.partition(":")[0]


async def test_an_object_of_another_application_is_told(stage: Stage) -> None:
    await two(stage, **MANUAL)
    await stage.plays("shop")
    assert "applications shop and api" in stage.conditions("shop")["SharedResourceWarning"]
    assert owner(stage) == "api"


async def test_who_asks_for_it_fails_rather_than_takes_it(stage: Stage) -> None:
    await two(stage, syncPolicy={**AUTOMATED, "syncOptions": ["FailOnSharedResource=true"]})
    await stage.plays("shop")
    state = stage.status("shop")["operationState"]
    assert state["phase"] == "Failed"
    assert "applications shop and api" in state["message"]
    assert owner(stage) == "api"


async def test_two_who_want_the_same_take_it_from_each_other_later_each_time(stage: Stage) -> None:
    await two(stage)
    for _ in range(12):
        for name in ("shop", "api"):
            await stage.tells(name)
    writes = [r for r in stage.api.writes if "/configmaps/" in r.path and "dryRun" not in r.query]
    assert len(writes) < 8
    assert "SharedResourceWarning" in {**stage.conditions("shop"), **stage.conditions("api")}


async def test_an_object_moves_to_another_application_and_is_not_pruned_afterwards(stage: Stage) -> None:
    await two(stage)
    stage.push({"api/common.yaml": None, "api/other.yaml": manifest("ConfigMap", "other")})
    await stage.poll()
    uid = stage.live("ConfigMap", "common")["metadata"]["uid"]
    for name in ("shop", "api"):
        await stage.plays(name)
    assert owner(stage) == "shop"
    assert stage.live("ConfigMap", "common")["metadata"]["uid"] == uid
    assert (stage.says("shop")[0], stage.says("api")[0]) == ("Synced", "Synced")


async def test_what_is_of_a_kind_that_nobody_hears_of_is_not_pruned_by_hand_either(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", **MANUAL)
    stage.by_hand(key("Application", "shop"), {"operation": {"sync": {}}})
    await stage.plays("shop")
    stage.push({"shop/templates/config.yaml": None})
    cluster = stage.world.cluster
    kind = key("ConfigMap", "shop").of
    watch = cluster._watches[kind]
    watch.reason = "forbidden"
    stage.by_hand(key("Application", "shop"), {"operation": {"sync": {"prune": True}}})
    await stage.tells("shop")
    assert stage.live("ConfigMap", "shop") is not None
    found = {r["kind"]: r["status"] for r in stage.status("shop")["resources"]}
    assert found["ConfigMap"] == SyncCode.UNKNOWN


async def test_an_application_that_manages_itself_does_not_wait_for_itself(stage: Stage) -> None:
    spec = {
        "project": "default",
        "source": {"repoURL": stage.repo, "path": "root", "targetRevision": "main"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "argocd"},
        "syncPolicy": AUTOMATED,
    }
    itself = manifest("Application", "root", "argoproj.io/v1alpha1", spec=spec)
    later = manifest("ConfigMap", "later", annotations={"argocd.argoproj.io/sync-wave": "1"})
    stage.push({"root/root.yaml": itself, "root/later.yaml": later})
    finalizer = "resources-finalizer.argocd.argoproj.io"
    stage.wants("root", finalizer=finalizer, destination=spec["destination"])
    await stage.plays("root")
    assert stage.says("root") == ("Synced", "Healthy")
    assert stage.live("ConfigMap", "later", namespace="argocd") is not None
    stage.server.delete(key("Application", "root"))
    await stage.plays("root")
    assert stage.server.body(key("Application", "root")) is None
    assert stage.live("ConfigMap", "later", namespace="argocd") is None
