import orjson
import pytest

from tiphys.adapters.cluster.readings import newer, read, tracked_by
from tiphys.model.objects import Key, Kind, Resource

CONFIG_MAPS = Resource(Kind("", "ConfigMap"), "v1", "configmaps", namespaced=True)
ROLE = Key("rbac.authorization.k8s.io", "ClusterRole", "", "system:reader")


def test_an_item_of_a_list_gets_the_kind_that_lists_leave_out() -> None:
    metadata = {"name": "a", "namespace": "web", "uid": "u", "resourceVersion": "7"}
    reading = read(orjson.dumps({"metadata": metadata, "data": {"x": "y"}}), CONFIG_MAPS)
    assert reading.key == Key("", "ConfigMap", "web", "a")
    assert reading.live().body == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"x": "y"},
    }


def test_a_large_object_is_kept_in_less_room_and_reads_the_same() -> None:
    raw = orjson.dumps({"metadata": {"name": "a"}, "data": {str(n): "value" for n in range(500)}})
    reading = read(raw, CONFIG_MAPS)
    assert len(reading.kept().data) < len(raw) / 2
    assert reading.kept().live().body == reading.live().body


@pytest.mark.parametrize(
    ("key", "tracking_id", "application"),
    [
        (Key("apps", "Deployment", "web", "a"), "shop:apps/Deployment:web/a", "shop"),
        (Key("", "Service", "web", "a"), "team_shop:/Service:web/a", "team_shop"),
        (ROLE, "shop:rbac.authorization.k8s.io/ClusterRole:web/system:reader", "shop"),
        (Key("apps", "ReplicaSet", "web", "a-1"), "shop:apps/Deployment:web/a", ""),
        (Key("apps", "Deployment", "other", "a"), "shop:apps/Deployment:web/a", ""),
        (Key("apps", "Deployment", "web", "a"), "shop", ""),
        (Key("apps", "Deployment", "web", "a"), "", ""),
    ],
)
def test_a_tracking_id_counts_on_the_object_that_it_names(
    key: Key, tracking_id: str, application: str
) -> None:
    assert tracked_by(key, tracking_id) == application


def test_versions_are_ordered_as_numbers_where_they_are_numbers() -> None:
    assert newer("10", "9")
    assert not newer("9", "10")
    assert not newer("9", "9")
    assert newer("b", "a")
    assert newer("a", "b")
