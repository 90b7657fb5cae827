"""Fields that belong to somebody else: left out, or carried as they are, and never changed."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.diff.ssa import Cluster, manifest
from core.diff.test_compare import Spec, lived, specs, writes
from tiphys.core.diff.autoscaling import SCALED_FIELDS
from tiphys.core.diff.handover import handed_over
from tiphys.core.diff.pointers import parse_pointer, value_at
from tiphys.model.objects import Key, Live, Manifest

POINTERS = ["/spec/replicas", "/spec/labels", "/spec/labels/a", "/spec/atomics", "/spec/sets", "/spec/items"]


def scaled(cluster: Cluster, replicas: int) -> None:
    """As an autoscaler scales: an update of the one field."""
    cluster.update({**cluster.spec, "replicas": replicas}, "autoscaler")


def apply_handed_over(cluster: Cluster, spec: Spec, pointer: str = "/spec/replicas") -> str:
    """Apply what is left of the target; answers with the version that it had to name."""
    handover = handed_over(manifest(spec), cluster.live(), (parse_pointer(pointer),))
    cluster.apply(dict(handover.target.body["spec"]))
    return handover.resource_version


@given(writes, specs, st.sampled_from(POINTERS))
def test_an_apply_never_changes_what_was_handed_over(
    history: list[tuple[str, Spec]], target: Spec, pointer: str
) -> None:
    cluster = lived(history)
    before = value_at(cluster.live().body, parse_pointer(pointer))
    apply_handed_over(cluster, target, pointer)
    assert value_at(cluster.live().body, parse_pointer(pointer)) == before


@given(writes, specs, st.integers(2, 9))
def test_an_autoscaler_that_is_quicker_than_an_unpinned_apply_wins(
    history: list[tuple[str, Spec]], target: Spec, replicas: int
) -> None:
    cluster = lived(history)
    handover = handed_over(manifest(target), cluster.live(), SCALED_FIELDS)
    scaled(cluster, replicas)
    if not handover.resource_version:
        cluster.apply(dict(handover.target.body["spec"]))
    assert cluster.spec["replicas"] == replicas


def test_replicas_that_only_we_own_are_applied_as_they_are_live_and_to_that_version():
    cluster = Cluster({})
    cluster.apply({"replicas": 3})
    handover = handed_over(manifest({"replicas": 1}), cluster.live(), SCALED_FIELDS)
    assert handover.target.body["spec"]["replicas"] == 3
    assert handover.resource_version == cluster.live().resource_version


def test_replicas_that_only_we_own_stay_when_the_target_no_longer_says_them():
    cluster = Cluster({})
    cluster.apply({"replicas": 3})
    assert apply_handed_over(cluster, {"labels": {"a": "x"}})
    assert cluster.spec["replicas"] == 3


def test_after_the_autoscaler_has_scaled_replicas_are_simply_left_out():
    cluster = Cluster({})
    cluster.apply({"replicas": 1})
    scaled(cluster, 3)
    assert not apply_handed_over(cluster, {"replicas": 1, "labels": {"a": "x"}})
    assert cluster.spec == {"replicas": 3, "labels": {"a": "x"}}


def test_replicas_that_another_owns_too_are_left_to_it():
    cluster = Cluster({})
    cluster.apply({"replicas": 3})
    cluster.apply({"replicas": 3}, manager="them")
    assert not apply_handed_over(cluster, {"replicas": 1})
    assert cluster.spec["replicas"] == 3


def test_where_nothing_is_live_the_target_says_where_to_start():
    target = manifest({"replicas": 2})
    assert handed_over(target, None, SCALED_FIELDS).target is target


def test_a_part_of_what_is_replaced_whole_is_carried_whoever_owns_it():
    cluster = Cluster({})
    cluster.apply({"atomics": ["a", "b"]})
    cluster.update({**cluster.spec, "atomics": ["c", "b"]}, "injector")
    assert apply_handed_over(cluster, {"atomics": ["a", "d"]}, "/spec/atomics/0")
    assert cluster.spec["atomics"] == ["c", "d"]


def test_a_pointer_into_a_list_means_the_item_of_the_same_key_wherever_it_stands():
    cluster = Cluster({})
    cluster.apply({"items": [{"name": "a", "image": "x"}]})
    cluster.update({**cluster.spec, "items": [{"name": "a", "image": "y", "port": 80}]}, "updater")
    target: dict[str, Any] = {"items": [{"name": "b", "image": "x"}, {"name": "a", "image": "x"}]}
    assert not apply_handed_over(cluster, target, "/spec/items/0/image")
    assert {item["name"]: item["image"] for item in cluster.spec["items"]} == {"a": "y", "b": "x"}


def test_handing_over_all_annotations_does_not_hand_over_the_object():
    key = Key("", "ConfigMap", "shop", "conf")
    metadata = {"annotations": {"argocd.argoproj.io/tracking-id": "web:/ConfigMap:shop/conf", "a": "x"}}
    live = Live(key, {"metadata": {"annotations": {"a": "y"}}})
    handover = handed_over(Manifest(key, {"metadata": metadata}), live, (("metadata", "annotations"),))
    assert handover.target.annotations == {"argocd.argoproj.io/tracking-id": "web:/ConfigMap:shop/conf"}
