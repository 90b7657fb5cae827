"""Pairs: targets with what is live, and what is ours and wanted by nobody."""

from typing import Any

from tiphys.core.diff.pairs import pair
from tiphys.model.flow import Pair
from tiphys.model.objects import Key, Live, Manifest
from tiphys.model.tracking import TRACKING_ID


def key(name: str, kind: str = "ConfigMap", namespace: str = "shop") -> Key:
    return Key("", kind, namespace, name)


def wanted(name: str) -> Manifest:
    return Manifest(key(name), {"apiVersion": "v1"})


def tracked(of: Key, by: str, **metadata: Any) -> Live:
    return Live(of, {"metadata": {"annotations": {TRACKING_ID: by}, **metadata}})


def test_each_target_meets_its_live_object():
    live = tracked(key("a"), "app:/ConfigMap:shop/a")
    pairs = pair([wanted("b"), wanted("a")], {live.key: live}, [live])
    assert pairs == (Pair(key("b"), wanted("b"), None), Pair(key("a"), wanted("a"), live))


def test_what_is_tracked_and_not_wanted_is_extra():
    extra = tracked(key("old"), "app:/ConfigMap:shop/old")
    assert pair([], {}, [extra]) == (Pair(extra.key, None, extra),)


def test_a_cluster_wide_object_carries_the_destinations_namespace_in_its_id():
    extra = tracked(key("big", "Namespace", ""), "app:/Namespace:shop/big")
    assert pair([], {}, [extra]) == (Pair(extra.key, None, extra),)


def test_a_copy_that_carries_its_originals_id_is_never_extra():
    assert pair([], {}, [tracked(key("copy"), "app:/ConfigMap:shop/a")]) == ()
    assert pair([], {}, [tracked(key("a", namespace="other"), "app:/ConfigMap:shop/a")]) == ()


def test_an_object_with_an_owner_is_never_extra():
    child = tracked(key("a"), "app:/ConfigMap:shop/a", ownerReferences=[{"kind": "Job", "name": "x"}])
    assert pair([], {}, [child]) == ()


def test_of_targets_with_one_key_the_last_counts():
    second = Manifest(key("a"), {"apiVersion": "v1", "data": {}})
    assert pair([wanted("a"), second], {}, []) == (Pair(key("a"), second, None),)
