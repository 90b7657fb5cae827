"""Whose an object is by Helm's rules."""

from typing import Any

import pytest

from tiphys.core.bootstrap.ownership import keeps, marked, owner, taken_over
from tiphys.model.objects import Body, Live, Manifest, key_of

HELM = {"app.kubernetes.io/managed-by": "Helm"}


def config(**metadata: Any) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "web", **metadata},
    }


def live(**metadata: Any) -> Live:
    body = config(**metadata)
    return Live(key_of(body), body)


def of(name: str) -> dict[str, str]:
    return {"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": "web"}


def test_what_is_marked_is_owned_and_keeps_its_own_marks() -> None:
    body = config(labels={"team": "a"}, annotations={"note": "b"})
    target = marked(Manifest(key_of(body), body), "shop", "web")
    assert owner(Live(target.key, target.body), "shop", "web") == ""
    assert target.body["metadata"]["labels"] == {"team": "a", **HELM}
    assert target.body["metadata"]["annotations"] == {"note": "b", **of("shop")}


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({}, "it was not installed by Helm"),
        ({"annotations": of("shop")}, "it was not installed by Helm"),
        ({"labels": {"app.kubernetes.io/managed-by": "kustomize"}}, "it is managed by kustomize"),
        ({"labels": HELM, "annotations": of("other")}, "it belongs to the release web/other"),
        ({"labels": HELM, "annotations": of("shop")}, ""),
    ],
)
def test_whose_an_object_is(metadata: dict[str, Any], told: str) -> None:
    assert owner(live(**metadata), "shop", "web") == told


def test_the_policy_keeps() -> None:
    assert keeps(live(annotations={"helm.sh/resource-policy": "keep"}))
    assert not keeps(live())


def entry(manager: str, operation: str, *fields: str, version: str = "v1", **more: str) -> dict[str, Any]:
    owned = {"f:data": {f"f:{field}": {} for field in fields}}
    return {"manager": manager, "operation": operation, "apiVersion": version, "fieldsV1": owned, **more}


def test_what_helm_owned_by_update_it_owns_by_apply() -> None:
    found = live(
        managedFields=[entry("helm", "Update", "a"), entry("kubectl", "Update", "b")], resourceVersion="7"
    )
    patch = taken_over(found)
    assert patch == {
        "metadata": {
            "managedFields": [entry("helm", "Apply", "a"), entry("kubectl", "Update", "b")],
            "resourceVersion": "7",
        }
    }


def test_what_helm_owned_in_both_ways_is_put_together() -> None:
    both = [
        entry("helm", "Apply", "a"),
        entry("helm", "Update", "b"),
        entry("helm", "Update", "c", version="v0"),
    ]
    patch = taken_over(live(managedFields=both))
    assert patch
    assert patch["metadata"]["managedFields"] == [entry("helm", "Apply", "a", "b")]


def test_nothing_is_patched_where_helm_owns_nothing_by_update() -> None:
    others = [
        entry("helm", "Apply", "a"),
        entry("helm", "Update", "s", subresource="status"),
        entry("x", "Update", "b"),
    ]
    assert taken_over(live(managedFields=others)) is None
    assert taken_over(live()) is None
