"""Which rendered objects become targets, where they go, and whose they are."""

from typing import Any

import pytest

from tiphys.core.targets.claim import Owner, claim, kinds_to_come
from tiphys.model.errors import SpecError
from tiphys.model.objects import Catalog, Key, Kind, Resource
from tiphys.model.rendering import RenderedObject

OWNER = Owner("web", "shop")
CATALOG = Catalog(
    "v1.36.3",
    {
        Kind("", "ConfigMap"): Resource(Kind("", "ConfigMap"), "v1", "configmaps", namespaced=True),
        Kind("", "Namespace"): Resource(Kind("", "Namespace"), "v1", "namespaces", namespaced=False),
    },
)


def rendered(kind: str = "ConfigMap", name: str = "a", api: str = "v1", **metadata: Any) -> RenderedObject:
    return RenderedObject("x.yaml", {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}})


def test_an_object_without_a_namespace_goes_to_the_destination():
    [target] = claim([rendered()], OWNER, CATALOG).targets
    assert target.key == Key("", "ConfigMap", "shop", "a")
    assert target.body["metadata"]["namespace"] == "shop"


def test_a_cluster_scoped_object_has_none_even_if_it_says_so():
    [target] = claim([rendered("Namespace", namespace="oops")], OWNER, CATALOG).targets
    assert target.key == Key("", "Namespace", "", "a")
    assert "namespace" not in target.body["metadata"]


def test_the_scope_of_a_kind_comes_with_its_crd():
    crd = RenderedObject(
        "crd.yaml",
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "things.x.io"},
            "spec": {"group": "x.io", "scope": "Cluster", "names": {"kind": "Thing"}},
        },
    )
    made = claim([crd, rendered("Thing", api="x.io/v1")], OWNER, CATALOG)
    assert Key("x.io", "Thing", "", "a") in [t.key for t in made.targets]
    assert kinds_to_come(made.targets) == {Kind("x.io", "Thing")}


def test_targets_are_marked_as_the_applications_own():
    [target] = claim([rendered()], OWNER, CATALOG).targets
    assert target.annotations["argocd.argoproj.io/tracking-id"] == "web:/ConfigMap:shop/a"


def test_lists_are_opened_at_any_depth():
    inner = {"apiVersion": "v1", "kind": "List", "items": [rendered(name="b").body]}
    outer = RenderedObject("l.yaml", {"apiVersion": "v1", "kind": "List", "items": [inner, rendered().body]})
    assert [t.key.name for t in claim([outer], OWNER, CATALOG).targets] == ["b", "a"]


def test_of_repeated_objects_the_last_counts_and_it_is_told():
    made = claim([rendered(labels={"n": "1"}), rendered(labels={"n": "2"})], OWNER, CATALOG)
    assert [t.body["metadata"]["labels"]["n"] for t in made.targets] == ["2"]
    assert made.repeated == (Key("", "ConfigMap", "shop", "a"),)


@pytest.mark.parametrize(
    ("annotations", "applied", "told"),
    [
        ({"argocd.argoproj.io/hook": "PreSync"}, False, True),
        ({"helm.sh/hook": "pre-install,pre-upgrade"}, False, True),
        ({"helm.sh/hook": "test"}, False, False),
        ({"helm.sh/hook": "crd-install"}, True, False),
        ({"argocd.argoproj.io/hook": "Skip"}, False, False),
    ],
)
def test_hooks_are_set_aside_and_named(annotations: dict[str, str], applied: bool, told: bool):
    made = claim([rendered(annotations=annotations)], OWNER, CATALOG)
    assert (bool(made.targets), bool(made.hooks)) == (applied, told)


def test_a_hook_of_argo_makes_helms_hooks_be_ignored():
    argo = rendered(name="b", annotations={"argocd.argoproj.io/hook": "Sync"})
    helm = rendered(annotations={"helm.sh/hook": "post-install"})
    assert [key.name for key in claim([argo, helm], OWNER, CATALOG).hooks] == ["b"]


def test_a_hook_needs_no_name_of_its_own():
    head = {"apiVersion": "batch/v1", "kind": "Job"}
    hook = {"generateName": "migrate-", "annotations": {"argocd.argoproj.io/hook": "PreSync"}}
    skipped = {"annotations": {"argocd.argoproj.io/hook": "Skip"}}
    items = [RenderedObject("x.yaml", {**head, "metadata": each}) for each in (hook, skipped)]
    made = claim([*items, rendered()], OWNER, CATALOG)
    assert made.hooks == (Key("batch", "Job", "shop", "migrate-*"),)
    assert [target.key.name for target in made.targets] == ["a"]


@pytest.mark.parametrize("nothing", [{"annotations": None}, {"annotations": {}}, {"labels": None}])
def test_parts_of_the_metadata_may_be_null(nothing: dict[str, Any]):
    [target] = claim([rendered(**nothing)], OWNER, CATALOG).targets
    assert target.annotations == {"argocd.argoproj.io/tracking-id": "web:/ConfigMap:shop/a"}


def test_what_is_repeated_thrice_is_told_once():
    assert len(claim([rendered(), rendered(), rendered()], OWNER, CATALOG).repeated) == 1


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": None}, "name"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": []}, "name"),
        ({"apiVersion": None, "kind": "ConfigMap", "metadata": {"name": "a"}}, "apiVersion"),
        ({"kind": "ConfigMap", "metadata": {"name": "a"}}, "apiVersion"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}, "name"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}}, "generateName"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": 7}}, "quote"),
        (
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"x": 1}}},
            "quote",
        ),
        ({"apiVersion": "v1", "kind": "List", "items": ["x"]}, "not an object"),
    ],
)
def test_what_is_no_manifest_is_told_with_its_file(item: dict[str, Any], told: str):
    with pytest.raises(SpecError, match=rf"bad\.yaml.*{told}"):
        claim([RenderedObject("bad.yaml", item)], OWNER, CATALOG)


def test_an_object_without_any_namespace_is_told():
    with pytest.raises(SpecError, match="names no namespace"):
        claim([rendered()], Owner("web", ""), CATALOG)
