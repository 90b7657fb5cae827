"""A deleted Application takes with it what it made, and nothing else."""

import shutil

import pytest

from memory import controllers
from memory.merging import Writer
from memory.wire import Fault
from reconcile.charts import chart, manifest, wave
from reconcile.stage import USER, Stage, key
from tiphys.model.objects import Key

FINALIZER = "resources-finalizer.argocd.argoproj.io"


def gone(stage: Stage, name: str = "shop") -> bool:
    return stage.server.body(key("Application", name)) is None


def others_config_map(stage: Stage, name: str) -> None:
    metadata = {"name": name, "namespace": "shop"}
    stage.server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, USER)


@pytest.mark.parametrize("finalizer", [FINALIZER, f"{FINALIZER}/background"])
async def test_with_the_finalizer_its_objects_go_first(stage: Stage, finalizer: str) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", finalizer=finalizer)
    others_config_map(stage, "others")
    await stage.plays("shop")
    stage.server.delete(key("Application", "shop"))
    await stage.plays("shop")
    assert gone(stage)
    controllers.settle(stage.server)
    assert [k for k in stage.server.records if k.namespace == "shop"] == [key("ConfigMap", "others")]


async def test_without_the_finalizer_its_objects_stay(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    stage.server.delete(key("Application", "shop"))
    await stage.plays("shop")
    assert gone(stage)
    assert stage.live("Deployment", "shop", "apps") is not None


async def test_a_broken_repository_does_not_keep_it_alive(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", finalizer=FINALIZER)
    await stage.plays("shop")
    shutil.rmtree(stage.origin.folder)
    await stage.begin()
    stage.server.delete(key("Application", "shop"))
    await stage.plays("shop")
    assert gone(stage)
    assert stage.live("Deployment", "shop", "apps") is None


async def test_an_object_that_another_application_took_over_stays(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", finalizer=FINALIZER)
    await stage.plays("shop")
    taken = {"argocd.argoproj.io/tracking-id": "api:/ConfigMap:shop/shop"}
    stage.by_hand(key("ConfigMap", "shop"), {"metadata": {"annotations": taken}})
    stage.server.delete(key("Application", "shop"))
    await stage.plays("shop")
    assert gone(stage)
    assert stage.live("ConfigMap", "shop") is not None
    assert stage.live("Deployment", "shop", "apps") is None


async def test_a_copy_of_the_tracking_id_makes_nothing_ours(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", finalizer=FINALIZER)
    await stage.plays("shop")
    ours = stage.live("ConfigMap", "shop")["metadata"]["annotations"]
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "copy", "namespace": "shop"}}
    stage.server.create({**body, "metadata": {**body["metadata"], "annotations": ours}}, USER)
    await stage.plays("shop")
    assert stage.live("ConfigMap", "copy") is not None
    stage.server.delete(key("Application", "shop"))
    await stage.plays("shop")
    assert gone(stage)
    assert stage.live("ConfigMap", "copy") is not None


async def test_what_came_last_goes_first(stage: Stage) -> None:
    late = manifest("ConfigMap", "late", annotations=wave(5))
    stage.push(chart("shop", late=late))
    stage.wants("shop", finalizer=FINALIZER)
    await stage.plays("shop")
    stage.by_hand(key("ConfigMap", "late"), {"metadata": {"finalizers": ["example.org/hold"]}})
    stage.server.delete(key("Application", "shop"))
    await stage.plays("shop")
    assert not gone(stage)
    assert stage.live("Deployment", "shop", "apps") is not None
    assert "example.org/hold" in stage.conditions("shop")["DeletionError"]
    stage.by_hand(key("ConfigMap", "late"), {"metadata": {"finalizers": None}})
    await stage.plays("shop")
    assert gone(stage)


async def test_what_is_marked_to_stay_stays(stage: Stage) -> None:
    kept = manifest("ConfigMap", "kept", annotations={"argocd.argoproj.io/sync-options": "Delete=false"})
    stage.push(chart("shop", kept=kept))
    stage.wants("shop", finalizer=FINALIZER)
    await stage.plays("shop")
    stage.server.delete(key("Application", "shop"))
    await stage.plays("shop")
    assert gone(stage)
    assert stage.live("ConfigMap", "kept") is not None


async def test_finalizers_of_others_stay_for_others(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", finalizer=FINALIZER)
    await stage.plays("shop")
    both = ["example.org/audit", FINALIZER]
    stage.server.update(
        key("Application", "shop"),
        lambda body: {**body, "metadata": {**body["metadata"], "finalizers": both}},
        Writer("Update", "somebody"),
    )
    stage.server.delete(key("Application", "shop"))
    await stage.plays("shop")
    assert stage.application("shop")["metadata"]["finalizers"] == ["example.org/audit"]
    assert stage.live("Deployment", "shop", "apps") is None


@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
async def test_a_restart_at_any_write_deletes_the_same(stage: Stage, fault: Fault) -> None:
    stage.push(chart("shop", late=manifest("ConfigMap", "late", annotations=wave(1))))
    stage.wants("shop", finalizer=FINALIZER)
    await stage.plays("shop")
    stage.server.delete(key("Application", "shop"))
    kills = 0
    while await stage.plays_until_killed("shop", fault, at=1 + kills % 4):
        kills += 1
        assert kills < 40
    await stage.plays("shop")
    assert gone(stage)
    assert not [k for k in stage.server.records if k.namespace == "shop"]


async def test_an_application_that_never_synced_goes_too(stage: Stage) -> None:
    stage.wants("shop", finalizer=FINALIZER)
    await stage.plays("shop")
    stage.server.delete(key("Application", "shop"))
    await stage.plays("shop")
    assert gone(stage)


async def test_an_app_of_apps_takes_its_applications_along(stage: Stage) -> None:
    child = manifest(
        "Application",
        "child",
        "argoproj.io/v1alpha1",
        spec={
            "project": "default",
            "source": {"repoURL": stage.repo, "path": "child", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {"automated": {}},
        },
    )
    child = child.replace("metadata:\n", f"metadata:\n  finalizers: [{FINALIZER}]\n  namespace: argocd\n")
    stage.push({"root/child.yaml": child} | chart("child"))
    stage.wants("root", finalizer=FINALIZER)
    for name in ("root", "child", "root"):
        await stage.plays(name)
    assert stage.says("root") == ("Synced", "Healthy")
    stage.server.delete(key("Application", "root"))
    for name in ("root", "child", "root"):
        await stage.plays(name)
    assert gone(stage, "child")
    assert gone(stage, "root")
    assert Key("apps", "Deployment", "shop", "child") not in stage.server.records
