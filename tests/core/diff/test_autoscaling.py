"""Which workloads an autoscaler scales."""

from typing import Any

import pytest

from tiphys.core.diff.autoscaling import scaled_workloads
from tiphys.model.objects import Key

WEB = Key("apps", "Deployment", "shop", "web")


def scaler(kind: str, reference: Any) -> dict[str, Any]:
    version = "autoscaling/v2" if kind == "HorizontalPodAutoscaler" else "keda.sh/v1alpha1"
    metadata = {"name": "scaler", "namespace": "shop"}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": {"scaleTargetRef": reference}}


def hpa(**reference: Any) -> dict[str, Any]:
    return scaler("HorizontalPodAutoscaler", reference)


def keda(**reference: Any) -> dict[str, Any]:
    return scaler("ScaledObject", reference)


ROLLOUT = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web"}


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (hpa(apiVersion="apps/v1", kind="Deployment", name="web"), WEB),
        (hpa(apiVersion="extensions/v1beta1", kind="Deployment", name="web"), WEB),
        (hpa(kind="Deployment", name="web"), WEB),
        (hpa(**ROLLOUT), Key("argoproj.io", "Rollout", "shop", "web")),
        (keda(name="web"), WEB),
        (keda(kind="StatefulSet", name="db"), Key("apps", "StatefulSet", "shop", "db")),
        (keda(**ROLLOUT), Key("argoproj.io", "Rollout", "shop", "web")),
    ],
)
def test_an_autoscaler_scales_what_it_refers_to(body: dict[str, Any], key: Key):
    assert scaled_workloads([body]) == {key}


@pytest.mark.parametrize(
    "body",
    [
        {},
        hpa(),
        hpa(name="web"),
        hpa(kind="Deployment", name=7),
        hpa(apiVersion=["apps/v1"], kind="Deployment", name="web"),
        keda(kind="Deployment"),
        scaler("ScaledObject", "web"),
        scaler("ScaledJob", {"name": "web"}),
        {**keda(name="web"), "metadata": {"name": "homeless"}},
        {**keda(name="web"), "spec": None},
    ],
)
def test_a_malformed_autoscaler_scales_nothing_and_spoils_nothing(body: dict[str, Any]):
    assert scaled_workloads([body, keda(name="web")]) == {WEB}
