"""Who acts on Applications, and how one steps back and comes again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.migration.controllers import (
    BEFORE,
    Controller,
    Role,
    coming_again,
    controllers,
    role_of,
    stepping_back,
)

ARGO = {"app.kubernetes.io/part-of": "argocd"}


def workload(name: str, component: str, replicas: int = 1, **metadata: Any) -> dict[str, Any]:
    labels = {**ARGO, "app.kubernetes.io/name": name, "app.kubernetes.io/component": component}
    pod = {"containers": [{"image": "quay.io/argoproj/argocd:v3.1.0@sha256:00"}], "serviceAccountName": name}
    return {
        "metadata": {"name": name, "namespace": "argocd", "labels": labels, **metadata},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {"spec": pod},
        },
    }


def read(body: dict[str, Any]) -> Controller:
    return controllers("StatefulSet", [body])[0]


def merged(body: dict[str, Any], patch: Any) -> dict[str, Any]:
    annotations = {**body["metadata"].get("annotations", {}), **patch["metadata"]["annotations"]}
    kept = {k: v for k, v in annotations.items() if v is not None}
    return {
        **body,
        "metadata": {**body["metadata"], "annotations": kept},
        "spec": {**body["spec"], **patch["spec"]},
    }


@pytest.mark.parametrize(
    ("labels", "role"),
    [
        ({"app.kubernetes.io/name": "argocd-application-controller"}, Role.APPLICATIONS),
        ({**ARGO, "app.kubernetes.io/component": "application-controller"}, Role.APPLICATIONS),
        ({**ARGO, "app.kubernetes.io/component": "applicationset-controller"}, Role.GENERATOR),
        ({"app.kubernetes.io/name": "tiphys"}, Role.ENGINE),
        ({"app.kubernetes.io/part-of": "tiphys", "app.kubernetes.io/component": "engine"}, Role.ENGINE),
        ({**ARGO, "app.kubernetes.io/component": "repo-server"}, None),
        (
            {"app.kubernetes.io/part-of": "flink", "app.kubernetes.io/component": "application-controller"},
            None,
        ),
    ],
)
def test_labels_tell_who_acts_on_applications(labels: dict[str, str], role: Role | None):
    assert role_of(labels) is role


def test_a_controller_is_read_with_its_version_and_account():
    found = read(workload("argocd-application-controller", "application-controller"))
    assert (found.version, found.account) == ("v3.1.0", "argocd:argocd-application-controller")
    assert found.selector == "app.kubernetes.io/name=argocd-application-controller"
    assert found.at_work


@given(st.integers(1, 9))
def test_who_steps_back_and_comes_again_is_as_before(replicas: int):
    body = workload("argocd-application-controller", "application-controller", replicas)
    back = merged(body, stepping_back(read(body)))
    assert (back["spec"]["replicas"], back["metadata"]["annotations"]) == (0, {BEFORE: str(replicas)})
    assert stepping_back(read(back)) is None, "a second time does not forget the number"
    again = merged(back, coming_again(read(back)))
    assert (again["spec"], again["metadata"]["annotations"]) == (body["spec"], {})
    assert coming_again(read(again)) is None


def test_who_was_never_there_is_not_started():
    assert coming_again(read(workload("argocd-application-controller", "application-controller", 0))) is None


def test_what_somebody_started_meanwhile_keeps_its_number():
    started = workload(
        "argocd-application-controller", "application-controller", 3, annotations={BEFORE: "1"}
    )
    patch = coming_again(read(started))
    assert patch
    assert merged(started, patch)["spec"]["replicas"] == 3


@given(
    st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), st.dictionaries(st.text(), st.none()))
)
def test_a_malformed_workload_hurts_nobody(body: dict[str, Any]):
    labelled = {
        **body,
        "metadata": {**body.get("metadata", {}), "labels": {"app.kubernetes.io/name": "tiphys"}},
    }
    assert [each.role for each in controllers("Deployment", [labelled])] == [Role.ENGINE]
