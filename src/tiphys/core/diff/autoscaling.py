"""Whose number of replicas is not ours: the workloads that an autoscaler scales."""

from collections.abc import Iterable, Iterator

from tiphys.core.diff.pointers import Pointers
from tiphys.model.objects import Body, Key, Kind, group_of, key_of, part

AUTOSCALERS = (
    Kind("autoscaling", "HorizontalPodAutoscaler"),
    Kind("keda.sh", "ScaledObject"),
)
"""
The kinds to keep whole. The HorizontalPodAutoscaler that KEDA makes for a ScaledObject counts like any other.
"""

SCALED_FIELDS: Pointers = (("spec", "replicas"),)
"""What an autoscaler owns of a workload."""

_DEFAULT_API = {"Deployment": "apps", "ReplicaSet": "apps", "StatefulSet": "apps"}


def scaled_workloads(autoscalers: Iterable[Body]) -> frozenset[Key]:
    """
    What the autoscalers scale.

    A ScaledObject counts before KEDA has acted on it, and while KEDA has scaled to zero and there is nothing
    for an autoscaler to do. Malformed ones scale nothing.
    """
    return frozenset(key for body in autoscalers for key in _scaled_by(body))


def _scaled_by(autoscaler: Body) -> Iterator[Key]:
    key = key_of(autoscaler)
    reference = part(autoscaler, "spec", "scaleTargetRef")
    keda = key.of == AUTOSCALERS[1]
    kind = reference.get("kind") or ("Deployment" if keda else None)
    name, version = reference.get("name"), reference.get("apiVersion") or ""
    if key.of not in AUTOSCALERS or not all(
        isinstance(text, str) and text for text in (kind, name, key.namespace)
    ):
        return
    if isinstance(version, str):
        # Without a version KEDA means apps/v1. The old extensions group held the same workloads as apps does
        # now.
        group = group_of(version)
        group = (
            _DEFAULT_API.get(str(kind), "apps" if keda else group) if group in ("", "extensions") else group
        )
        yield Key(group, str(kind), key.namespace, str(name))
