"""
What every cluster promises, whoever implements it.
"""

import asyncio
from typing import Any

import pytest

from adapters.cluster.targets import config_map, eventually, manifest, observed
from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.cluster.store import Change
from tiphys.model.flow import Apply, Delete, Phase
from tiphys.model.objects import Key, Kind, Live

CONFIG_MAP = Kind("", "ConfigMap")
WIDGET = Kind("example.tiphys.dev", "Widget")


def job(namespace: str, image: str) -> Any:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": image, "command": ["true"]}]}
    metadata = {"name": "migrate", "namespace": namespace}
    return manifest(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {"spec": pod}}}
    )


async def test_the_catalog_knows_kinds_their_versions_and_the_server(cluster: WatchedCluster) -> None:
    catalog = await cluster.catalog()
    deployment = catalog.resources[Kind("apps", "Deployment")]
    assert (deployment.plural, deployment.version, deployment.namespaced) == ("deployments", "v1", True)
    assert not catalog.resources[Kind("", "Namespace")].namespaced
    assert catalog.version.startswith("v1.")
    assert {"apps/v1", "apps/v1/Deployment", "v1", "v1/Pod"} <= set(catalog.api_versions)


async def test_what_was_applied_is_observed_at_once(cluster: WatchedCluster, namespace: str) -> None:
    await cluster.watch([CONFIG_MAP])
    target = config_map(namespace, "a", color="red")
    result = await cluster.perform(Apply(target.key, target))
    assert (result.phase, result.message) == (Phase.SUCCEEDED, "configmap/a serverside-applied")
    live = await observed(cluster, target.key)
    assert live is not None
    assert live.body["data"] == {"color": "red"}
    assert (live.uid, live.resource_version) == (result.live.uid, result.live.resource_version)
    assert live.metadata["managedFields"][0]["manager"] == "argocd-controller"


async def test_an_absent_object_is_absent_until_somebody_makes_it(
    cluster: WatchedCluster, namespace: str
) -> None:
    await cluster.watch([CONFIG_MAP])
    target = config_map(namespace, "a")
    assert await cluster.observe([target.key]) == {}
    await cluster.perform(Apply(target.key, target))
    assert target.key in await cluster.observe([target.key])


async def test_no_own_write_is_ever_followed_by_an_older_observation(
    cluster: WatchedCluster, namespace: str
) -> None:
    await cluster.watch([CONFIG_MAP])

    async def write_and_look(name: str) -> None:
        for turn in range(15):
            target = config_map(namespace, name, "demo", turn=str(turn))
            result = await cluster.perform(Apply(target.key, target))
            assert result.phase is Phase.SUCCEEDED
            live = await observed(cluster, target.key)
            assert live is not None
            assert live.body["data"]["turn"] == str(turn)
            if turn % 5 == 4:
                await cluster.perform(Delete(target.key, live.uid, "Background"))
                assert await observed(cluster, target.key) is None
                await asyncio.sleep(0)
                assert await observed(cluster, target.key) is None

    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(write_and_look(f"object-{number}"))


async def test_objects_are_tracked_by_the_id_that_names_them(cluster: WatchedCluster, namespace: str) -> None:
    await cluster.watch([CONFIG_MAP])
    mine = config_map(namespace, "mine", namespace)
    copied = config_map(namespace, "copied", namespace)
    copied.body["metadata"]["annotations"] = mine.body["metadata"]["annotations"]
    other = config_map(namespace, "other", f"{namespace}-other")
    for target in (mine, copied, other):
        await cluster.perform(Apply(target.key, target))
    assert [live.key for live in cluster.tracked(namespace)] == [mine.key]


async def test_a_cluster_scoped_object_is_tracked_whatever_namespace_its_id_says(
    cluster: WatchedCluster, namespace: str
) -> None:
    await cluster.watch([Kind("rbac.authorization.k8s.io", "ClusterRole")])
    tracking = f"{namespace}:rbac.authorization.k8s.io/ClusterRole:anywhere/{namespace}:reader"
    metadata = {"name": f"{namespace}:reader", "annotations": {"argocd.argoproj.io/tracking-id": tracking}}
    target = manifest(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": metadata,
            "rules": [],
        }
    )
    result = await cluster.perform(Apply(target.key, target))
    assert [live.key for live in cluster.tracked(namespace)] == [target.key]
    await cluster.perform(Delete(target.key, result.live.uid, "Background"))
    assert cluster.tracked(namespace) == []


async def test_a_prediction_changes_nothing(cluster: WatchedCluster, namespace: str) -> None:
    target = config_map(namespace, "a", color="red")
    predicted = await cluster.predict(target)
    assert predicted.body is not None
    assert predicted.body["data"] == {"color": "red"}
    assert await observed(cluster, target.key) is None


async def test_a_prediction_tells_what_the_api_server_refuses(
    cluster: WatchedCluster, namespace: str
) -> None:
    homeless = await cluster.predict(config_map("nowhere-at-all", "a"))
    assert homeless.body is None
    assert homeless.refusal == 'namespaces "nowhere-at-all" not found'
    wrong = config_map(namespace, "a")
    wrong.body["data"] = {"not a key!": "x"}
    assert "a valid config key must consist of" in (await cluster.predict(wrong)).refusal


async def test_a_refused_apply_is_a_failed_result(cluster: WatchedCluster, namespace: str) -> None:
    target = config_map(namespace, "a")
    target.body["data"] = {"not a key!": "x"}
    result = await cluster.perform(Apply(target.key, target))
    assert result.phase is Phase.FAILED
    assert 'ConfigMap "a" is invalid' in result.message


async def test_a_kind_that_is_not_served_is_absent_and_cannot_be_applied(
    cluster: WatchedCluster, namespace: str
) -> None:
    kind = {"apiVersion": "nobody.example/v1", "kind": "Nothing"}
    target = manifest({**kind, "metadata": {"name": "a", "namespace": namespace}})
    await cluster.watch([target.key.of])
    assert await cluster.observe([target.key]) == {}
    assert target.key not in cluster.unreadable
    assert (
        'no matches for kind "Nothing" in version "nobody.example/v1"'
        in (await cluster.predict(target)).refusal
    )
    assert (await cluster.perform(Apply(target.key, target))).phase is Phase.FAILED
    assert (await cluster.perform(Delete(target.key, "some-uid"))).phase is Phase.SUCCEEDED


async def test_a_version_that_is_not_served_is_told(cluster: WatchedCluster, namespace: str) -> None:
    body = {
        "apiVersion": "apps/v1beta1",
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": namespace},
    }
    result = await cluster.perform(Apply((target := manifest(body)).key, target))
    assert result.message == 'no matches for kind "Deployment" in version "apps/v1beta1"; served: v1'


async def test_an_apply_to_a_version_that_has_moved_on_is_a_conflict(
    cluster: WatchedCluster, namespace: str
) -> None:
    target = config_map(namespace, "a", color="red")
    first = await cluster.perform(Apply(target.key, target))
    version = first.live.resource_version
    blue = config_map(namespace, "a", color="blue")
    assert (await cluster.perform(Apply(blue.key, blue, resource_version=version))).phase is Phase.SUCCEEDED
    late = await cluster.perform(Apply(target.key, target, resource_version=version))
    assert late.conflict
    assert not late.phase.ended
    assert (await observed(cluster, target.key)).body["data"] == {"color": "blue"}


async def test_an_apply_with_a_version_to_what_is_gone_is_a_conflict(
    cluster: WatchedCluster, other: WatchedCluster, namespace: str
) -> None:
    target = config_map(namespace, "a")
    assert (await cluster.perform(Apply(target.key, target, resource_version="1"))).conflict
    live = (await cluster.perform(Apply(target.key, target))).live
    await other.perform(Delete(target.key, live.uid, "Background"))
    assert (await cluster.perform(Apply(target.key, target, resource_version=live.resource_version))).conflict
    assert await observed(cluster, target.key) is None


async def test_a_dry_run_changes_nothing(cluster: WatchedCluster, namespace: str) -> None:
    target = config_map(namespace, "a")
    result = await cluster.perform(Apply(target.key, target, dry_run=True))
    assert result.message == "configmap/a serverside-applied (server dry run)"
    assert await observed(cluster, target.key) is None


async def test_an_object_without_a_namespace_of_its_own_goes_where_its_key_says(
    cluster: WatchedCluster, namespace: str
) -> None:
    target = manifest({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}, namespace)
    result = await cluster.perform(Apply(target.key, target))
    assert result.live.key == Key("", "ConfigMap", namespace, "a")


async def test_a_deletion_meets_exactly_the_object_with_the_uid(
    cluster: WatchedCluster, namespace: str
) -> None:
    target = config_map(namespace, "a")
    old = (await cluster.perform(Apply(target.key, target))).live
    assert (await cluster.perform(Delete(target.key, old.uid, "Background"))).message == "configmap/a deleted"
    new = (await cluster.perform(Apply(target.key, target))).live
    assert (await cluster.perform(Delete(target.key, old.uid))).phase is Phase.SUCCEEDED
    assert (await observed(cluster, target.key)).uid == new.uid
    assert (await cluster.perform(Delete(target.key, new.uid, "Background"))).phase is Phase.SUCCEEDED
    assert await observed(cluster, target.key) is None


async def test_deleting_what_is_gone_is_success(cluster: WatchedCluster, namespace: str) -> None:
    target = config_map(namespace, "a")
    live = (await cluster.perform(Apply(target.key, target))).live
    for _ in range(2):
        assert (await cluster.perform(Delete(target.key, live.uid))).phase is Phase.SUCCEEDED


async def test_an_object_that_a_finalizer_holds_is_seen_being_deleted(
    cluster: WatchedCluster, namespace: str
) -> None:
    await cluster.watch([CONFIG_MAP])
    target = config_map(namespace, "a")
    target.body["metadata"]["finalizers"] = ["tiphys.dev/test"]
    live = (await cluster.perform(Apply(target.key, target))).live
    for _ in range(2):
        result = await cluster.perform(Delete(target.key, live.uid))
        assert result.phase is Phase.SUCCEEDED
        assert result.live.deleting
    assert (await observed(cluster, target.key)).deleting
    await cluster.patch(target.key, {"metadata": {"finalizers": None}})
    await eventually(lambda: cluster.latest(target.key) is None)
    assert await observed(cluster, target.key) is None


async def test_replace_takes_away_what_the_target_lacks(cluster: WatchedCluster, namespace: str) -> None:
    target = config_map(namespace, "a", color="red")
    created = await cluster.perform(Apply(target.key, target, replace=True))
    assert created.message == "configmap/a created"
    await cluster.patch(target.key, {"data": {"by-hand": "x"}})
    replaced = await cluster.perform(Apply(target.key, target, replace=True))
    assert replaced.message == "configmap/a replaced"
    assert replaced.live.uid == created.live.uid
    assert replaced.live.body["data"] == {"color": "red"}


async def test_a_change_of_an_immutable_field_fails_without_force(
    cluster: WatchedCluster, namespace: str
) -> None:
    await cluster.perform(Apply((first := job(namespace, "one")).key, first))
    second = job(namespace, "two")
    result = await cluster.perform(Apply(second.key, second))
    assert result.phase is Phase.FAILED
    assert "field is immutable" in result.message


@pytest.mark.parametrize("replace", [False, True])
async def test_force_deletes_and_creates_what_cannot_be_changed(
    cluster: WatchedCluster, namespace: str, replace: bool
) -> None:
    first = job(namespace, "one")
    old = (await cluster.perform(Apply(first.key, first))).live
    second = job(namespace, "two")
    result = await cluster.perform(Apply(second.key, second, force=True, replace=replace))
    assert (result.phase, result.message) == (Phase.SUCCEEDED, "job.batch/migrate replaced")
    assert result.live.uid != old.uid
    assert (await observed(cluster, second.key)).uid == result.live.uid


@pytest.mark.parametrize("replace", [False, True])
async def test_force_does_not_delete_for_a_target_that_could_not_be_created(
    cluster: WatchedCluster, namespace: str, replace: bool
) -> None:
    first = job(namespace, "one")
    old = (await cluster.perform(Apply(first.key, first))).live
    wrong = job(namespace, "two")
    wrong.body["spec"]["template"]["spec"]["restartPolicy"] = "Sometimes"
    result = await cluster.perform(Apply(wrong.key, wrong, force=True, replace=replace))
    assert result.phase is Phase.FAILED
    assert (await observed(cluster, first.key)).uid == old.uid


async def test_changes_by_others_are_told_with_before_and_after(
    cluster: WatchedCluster, other: WatchedCluster, namespace: str
) -> None:
    await cluster.watch([CONFIG_MAP])
    target = config_map(namespace, "a", namespace, color="red")
    await cluster.perform(Apply(target.key, target))
    changes: list[Change] = []
    stop = cluster.subscribe(lambda change: changes.append(change) if change.key == target.key else None)
    await other.patch(target.key, {"data": {"color": "blue"}})
    change = await eventually(lambda: changes and changes[-1])
    assert (change.old.body["data"], change.new.body["data"]) == ({"color": "red"}, {"color": "blue"})
    assert change.applications == {namespace}
    moved = {"argocd.argoproj.io/tracking-id": f"other:/ConfigMap:{namespace}/a"}
    await other.patch(target.key, {"metadata": {"annotations": moved}})
    assert (await eventually(lambda: len(changes) == 2 and changes[-1])).applications == {namespace, "other"}
    await other.perform(Delete(target.key, change.new.uid, "Background"))
    assert (await eventually(lambda: len(changes) == 3 and changes[-1])).new is None
    stop()


async def test_what_nobody_asked_for_is_not_kept(
    cluster: WatchedCluster, other: WatchedCluster, namespace: str
) -> None:
    await cluster.watch([CONFIG_MAP])
    stray, ours = config_map(namespace, "stray"), config_map(namespace, "ours", namespace)
    await other.perform(Apply(stray.key, stray))
    await other.perform(Apply(ours.key, ours))
    await eventually(lambda: cluster.tracked(namespace))
    assert cluster.latest(stray.key) is None
    assert await observed(cluster, stray.key) is not None


async def test_an_object_that_loses_its_tracking_is_told_and_tracked_no_more(
    cluster: WatchedCluster, other: WatchedCluster, namespace: str
) -> None:
    await cluster.watch([CONFIG_MAP])
    target = config_map(namespace, "a", namespace)
    await other.perform(Apply(target.key, target))
    await eventually(lambda: cluster.tracked(namespace))
    await other.patch(target.key, {"metadata": {"annotations": None}})
    await eventually(lambda: not cluster.tracked(namespace))
    assert isinstance(await observed(cluster, target.key), Live)


async def test_autoscalers_are_kept_whole(
    cluster: WatchedCluster, other: WatchedCluster, namespace: str
) -> None:
    kind = Kind("autoscaling", "HorizontalPodAutoscaler")
    await cluster.watch([kind])
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}, "maxReplicas": 3}
    metadata = {"name": "a", "namespace": namespace}
    target = manifest({"apiVersion": "autoscaling/v1", "kind": kind.kind, "metadata": metadata, "spec": spec})
    await other.perform(Apply(target.key, target))
    found = await eventually(lambda: [a for a in cluster.of_kinds([kind]) if a.key == target.key])
    assert found[0].body["apiVersion"] == "autoscaling/v2"
    assert found[0].body["spec"]["maxReplicas"] == 3


async def test_an_object_is_kept_in_the_preferred_version_whatever_was_applied(
    cluster: WatchedCluster, namespace: str
) -> None:
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}, "maxReplicas": 3}
    metadata = {"name": "a", "namespace": namespace}
    body = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata,
        "spec": spec,
    }
    target = manifest(body)
    result = await cluster.perform(Apply(target.key, target))
    assert result.live.body["apiVersion"] == "autoscaling/v2"
    assert (await observed(cluster, target.key)).body["apiVersion"] == "autoscaling/v2"
    assert (await cluster.read(target.key, "v1")).body["apiVersion"] == "autoscaling/v1"
