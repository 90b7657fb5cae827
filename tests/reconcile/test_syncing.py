"""An application from nothing to Synced and Healthy, and how it stays so."""

from memory import controllers
from reconcile.charts import chart, manifest, wave
from reconcile.stage import Stage, key

HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  maxReplicas: 9
"""


async def test_a_new_application_becomes_synced_and_healthy(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    assert await stage.plays("shop") is None
    assert stage.says("shop") == ("Synced", "Healthy")
    assert stage.live("ConfigMap", "shop")["data"] == {"colour": "red"}


async def test_a_second_look_writes_nothing(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    stage.api.asked.clear()
    await stage.tells("shop")
    assert stage.api.asked == []


async def test_a_restart_writes_nothing_either(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    await stage.begin()
    await stage.plays("shop")
    assert stage.api.writes == []
    assert stage.engines.rendered == []


async def test_a_commit_to_one_chart_renders_one_application(stage: Stage) -> None:
    stage.push(chart("shop") | chart("api"))
    for name in ("shop", "api"):
        stage.wants(name)
        await stage.plays(name)
    stage.engines.rendered.clear()
    new = stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v2\n"})
    await stage.poll()
    for name in ("shop", "api"):
        await stage.plays(name)
        assert stage.status(name)["sync"]["revision"] == new
    assert stage.engines.rendered == ["shop"]
    assert stage.status("shop")["summary"]["images"] == ["example.org/shop:v2"]


async def test_drift_is_healed(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    stage.by_hand(key("ConfigMap", "shop"), {"data": {"colour": "blue"}})
    await stage.plays("shop")
    assert stage.live("ConfigMap", "shop")["data"] == {"colour": "red"}
    assert stage.says("shop") == ("Synced", "Healthy")


async def test_without_self_heal_drift_is_told_and_left(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", syncPolicy={"automated": {}})
    await stage.plays("shop")
    stage.by_hand(key("ConfigMap", "shop"), {"data": {"colour": "blue"}})
    await stage.plays("shop")
    assert stage.says("shop") == ("OutOfSync", "Healthy")
    assert stage.live("ConfigMap", "shop")["data"] == {"colour": "blue"}


async def test_a_field_that_nobody_asked_for_is_left_alone(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    stage.by_hand(key("ConfigMap", "shop"), {"data": {"by-hand": "yes"}})
    stage.api.asked.clear()
    await stage.plays("shop")
    assert stage.api.writes == []
    assert stage.says("shop") == ("Synced", "Healthy")


async def test_an_object_that_was_deleted_comes_back(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    stage.server.delete(key("Deployment", "shop"))
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")


async def test_a_file_that_left_git_is_pruned(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    stage.push({"shop/templates/config.yaml": None})
    await stage.poll()
    await stage.plays("shop")
    assert stage.live("ConfigMap", "shop") is None
    assert stage.says("shop") == ("Synced", "Healthy")


async def test_without_prune_it_is_reported_and_stays(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", syncPolicy={"automated": {"selfHeal": True}})
    await stage.plays("shop")
    stage.push({"shop/templates/config.yaml": None})
    await stage.poll()
    await stage.plays("shop")
    assert stage.live("ConfigMap", "shop") is not None
    assert stage.says("shop") == ("OutOfSync", "Healthy")
    pruning = [r["name"] for r in stage.status("shop")["resources"] if r.get("requiresPruning")]
    assert pruning == ["shop"]


async def test_a_source_that_suddenly_renders_nothing_prunes_nothing(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    stage.push({"shop/templates/config.yaml": None, "shop/templates/deployment.yaml": None})
    await stage.poll()
    await stage.plays("shop")
    assert stage.live("ConfigMap", "shop") is not None
    assert "allowEmpty" in stage.conditions("shop")["SyncError"]


async def test_what_the_autoscaler_scaled_never_passes_through_another_number(stage: Stage) -> None:
    stage.push(chart("shop", values="replicas: 1\n", hpa=HPA))
    stage.wants("shop")
    await stage.plays("shop")
    await scaled(stage, 3)
    stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v2\nreplicas: 2\n"})
    await stage.poll()
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")
    assert stage.status("shop")["summary"]["images"] == ["example.org/shop:v2"]
    assert numbers(stage) == [1, 3]


async def test_an_autoscaler_takes_over_replicas_that_git_had_set(stage: Stage) -> None:
    stage.push(chart("shop", values="replicas: 4\n"))
    stage.wants("shop")
    await stage.plays("shop")
    stage.push({"shop/templates/hpa.yaml": HPA, "shop/values.yaml": "image: example.org/shop\ntag: v2\n"})
    await stage.poll()
    await stage.plays("shop")
    assert numbers(stage) == [4]
    await scaled(stage, 7)
    stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v3\n"})
    await stage.poll()
    await stage.plays("shop")
    assert numbers(stage) == [4, 7]
    assert stage.says("shop") == ("Synced", "Healthy")


async def scaled(stage: Stage, replicas: int) -> None:
    controllers.scale(stage.server, key("Deployment", "shop"), replicas)
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")


def numbers(stage: Stage) -> list[int]:
    """Every number of replicas that the Deployment ever had, each once in a row."""
    seen: list[int] = []
    for event in stage.server.events(key("Deployment", "shop")):
        replicas = event.after.body["spec"]["replicas"] if event.after else 0
        if seen[-1:] != [replicas]:
            seen.append(replicas)
    return seen


async def test_waves_follow_each_other_and_wait_for_health(stage: Stage) -> None:
    early = manifest("ConfigMap", "early", annotations=wave(-1))
    late = manifest("ConfigMap", "late", annotations=wave(1))
    stage.push(chart("shop", early=early, late=late))
    stage.wants("shop")
    await stage.plays("shop", ready=False)
    assert stage.live("ConfigMap", "early") is not None
    assert stage.live("ConfigMap", "late") is None
    assert "waiting for healthy state" in stage.status("shop")["operationState"]["message"]
    await stage.plays("shop")
    assert stage.live("ConfigMap", "late") is not None
    assert stage.says("shop") == ("Synced", "Healthy")
