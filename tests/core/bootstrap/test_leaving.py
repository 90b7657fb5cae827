"""What an uninstall leaves behind."""

from typing import Any

import pytest

from tiphys.core.bootstrap.leaving import cascades, in_order, propagation, stays, without_cascade
from tiphys.model.objects import Live, key_of

OURS = {
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
    "annotations": {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "web"},
}


def live(kind: str, version: str = "v1", **metadata: Any) -> Live:
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": "a", **OURS, **metadata}}
    return Live(key_of(body), body)


def app(*finalizers: str) -> Live:
    return live("Application", "argoproj.io/v1alpha1", finalizers=list(finalizers))


@pytest.mark.parametrize(
    ("each", "why"),
    [
        (live("ConfigMap"), ""),
        (live("ConfigMap", annotations={}), "left alone: it was not installed by Helm"),
        (live("Namespace"), "kept: with it would go everything in it"),
        (
            live("CustomResourceDefinition", "apiextensions.k8s.io/v1"),
            "kept: with it would go every object of its kind",
        ),
        (app("resources-finalizer.argocd.argoproj.io"), ""),
    ],
)
def test_what_outlives_its_release(each: Live, why: str) -> None:
    assert stays(each, "shop", "web") == why


@pytest.mark.parametrize(
    ("finalizers", "left"),
    [
        (["resources-finalizer.argocd.argoproj.io"], None),
        (["resources-finalizer.argocd.argoproj.io/background", "example.com/mine"], ["example.com/mine"]),
        (["pre-delete-finalizer.argocd.argoproj.io/cleanup"], None),
    ],
)
def test_finalizers_that_cascade_go_and_those_of_others_stay(
    finalizers: list[str], left: list[str] | None
) -> None:
    assert cascades(app(*finalizers))
    assert without_cascade(app(*finalizers)) == {"metadata": {"finalizers": left}}


def test_other_finalizers_are_no_cascade() -> None:
    assert not cascades(app("resources-finalizers.argocd.argoproj.io", "example.com/mine"))
    assert not cascades(live("ConfigMap", finalizers=["resources-finalizer.argocd.argoproj.io"]))


def test_applications_go_first_and_what_a_set_made_stays() -> None:
    made = live("ApplicationSet", "argoproj.io/v1alpha1")
    deployment = live("Deployment", "apps/v1")
    assert in_order([deployment, app(), made]) == [app(), made, deployment]
    assert (propagation(made), propagation(app())) == ("Orphan", "Background")
