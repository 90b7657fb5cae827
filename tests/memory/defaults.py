"""What an API server fills in where a manifest is silent, for the kinds that tests use."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from memory.fields import FREE
from tiphys.model.objects import Body, Kind

Fill = Callable[[dict[str, Any]], None]

_CONTAINER = {
    "imagePullPolicy": "IfNotPresent",
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_POD = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
_ROLLING = {"maxSurge": "25%", "maxUnavailable": "25%"}


def defaulted(kind: Kind, body: Body) -> dict[str, Any]:
    """The body with what the API server fills in; nothing of the given one is changed."""
    copy = _copied(body)
    if fill := _FILLS.get(kind):
        fill(copy)
    return copy


def _copied(value: Any) -> Any:
    """A copy without the nulls and the empty free-form mappings, which stand for nothing."""
    if isinstance(value, Mapping):
        return {k: _copied(v) for k, v in value.items() if v is not None and not (k in FREE and v == {})}
    return [_copied(v) for v in value] if isinstance(value, list) else value


def _pod(spec: dict[str, Any]) -> None:
    _fill(spec, _POD)
    for container in [*spec.get("containers", ()), *spec.get("initContainers", ())]:
        _fill(container, _CONTAINER)
        for port in container.get("ports", ()):
            port.setdefault("protocol", "TCP")


def _template(spec: dict[str, Any]) -> None:
    _pod(spec.setdefault("template", {}).setdefault("spec", {}))


def _deployment(body: dict[str, Any]) -> None:
    spec = body.setdefault("spec", {})
    _fill(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        _fill(strategy.setdefault("rollingUpdate", {}), _ROLLING)
    _template(spec)


def _scaled(body: dict[str, Any]) -> None:
    spec = body.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    _template(spec)


def _job(body: dict[str, Any]) -> None:
    spec = body.setdefault("spec", {})
    _fill(
        spec,
        {
            "backoffLimit": 6,
            "completions": 1,
            "parallelism": 1,
            "suspend": False,
            "completionMode": "NonIndexed",
        },
    )
    _template(spec)


def _service(body: dict[str, Any]) -> None:
    spec = body.setdefault("spec", {})
    _fill(spec, {"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"})
    _fill(spec, {"clusterIP": "10.0.0.10", "clusterIPs": ["10.0.0.10"]})
    for port in spec.get("ports", ()):
        _fill(port, {"protocol": "TCP", "targetPort": port.get("port")})


def _secret(body: dict[str, Any]) -> None:
    body.setdefault("type", "Opaque")
    for name, text in body.pop("stringData", {}).items():
        body.setdefault("data", {})[name] = base64.b64encode(text.encode()).decode()


def _namespace(body: dict[str, Any]) -> None:
    body.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    body["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = body["metadata"]["name"]


def _autoscaler(body: dict[str, Any]) -> None:
    body.setdefault("spec", {}).setdefault("minReplicas", 1)


def _fill(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        into.setdefault(name, _copied(value))


_FILLS: Mapping[Kind, Fill] = {
    Kind("", "Namespace"): _namespace,
    Kind("", "Secret"): _secret,
    Kind("", "Service"): _service,
    Kind("", "Pod"): lambda body: _pod(body.setdefault("spec", {})),
    Kind("apps", "Deployment"): _deployment,
    Kind("apps", "ReplicaSet"): _scaled,
    Kind("apps", "StatefulSet"): _scaled,
    Kind("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    Kind("batch", "Job"): _job,
}
