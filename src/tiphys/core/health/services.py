"""What else of the built-in kinds can be well or not: addresses, volumes, APIs, autoscalers."""

from collections.abc import Iterable

import orjson

from tiphys.core.health.reading import Condition, MalformedError, condition, conditions, items, text
from tiphys.model.flow import Health, HealthCode
from tiphys.model.objects import Body, annotations_of

_V1_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
_STUCK = {
    ("AbleToScale", "FailedGetScale"),
    ("AbleToScale", "FailedUpdateScale"),
    ("ScalingActive", "FailedGetResourceMetric"),
    ("ScalingActive", "InvalidSelector"),
}


def service(body: Body) -> Health:
    """A LoadBalancer has an address; any other Service is well by being there."""
    if text(body, "spec", "type") == "LoadBalancer":
        return _addressed(body)
    return Health(HealthCode.HEALTHY)


def ingress(body: Body) -> Health:
    """It has an address."""
    return _addressed(body)


def _addressed(body: Body) -> Health:
    if items(body, "status", "loadBalancer", "ingress"):
        return Health(HealthCode.HEALTHY)
    return Health(HealthCode.PROGRESSING, "Waiting for an address of the load balancer")


def claim(body: Body) -> Health:
    """It is bound to a volume."""
    codes = {
        "Bound": HealthCode.HEALTHY,
        "Lost": HealthCode.DEGRADED,
        "Pending": HealthCode.PROGRESSING,
    }
    return Health(codes.get(text(body, "status", "phase"), HealthCode.UNKNOWN))


def api_service(body: Body) -> Health:
    """The aggregated API answers."""
    available = condition(body, "Available")
    if available is None:
        return Health(HealthCode.PROGRESSING, "Waiting to be processed")
    code = HealthCode.HEALTHY if available.true else HealthCode.PROGRESSING
    return Health(code, f"{available.reason}: {available.message}")


def definition(body: Body) -> Health:
    """
    The kind is served.

    Argo CD calls a CRD degraded that is not established yet. Each one is, for its first moments; a sync
    would fail by it, so here it progresses, and is degraded when its names or its schema are refused.
    """
    terminating, names = condition(body, "Terminating"), condition(body, "NamesAccepted")
    established, schema = condition(body, "Established"), condition(body, "NonStructuralSchema")
    if terminating and terminating.true:
        return Health(HealthCode.PROGRESSING, f"CRD is being terminated: {terminating.message}")
    if names and names.false:
        return Health(HealthCode.DEGRADED, f"CRD names have not been accepted: {names.message}")
    if not established or not established.true:
        return Health(HealthCode.PROGRESSING, "Waiting for the CRD to be established")
    if schema and schema.true:
        return Health(HealthCode.DEGRADED, f"Schema violations found: {schema.message}")
    return Health(HealthCode.HEALTHY, "CRD is healthy")


def autoscaler(body: Body) -> Health:
    """It could scale when it last tried. The first condition that says yes or no decides, as in Argo CD."""
    for each in _autoscaler_conditions(body):
        if (each.type, each.reason) in _STUCK:
            return Health(HealthCode.DEGRADED, each.message)
        if each.type in ("AbleToScale", "ScalingLimited") and each.true:
            return Health(HealthCode.HEALTHY, each.message)
    return Health(HealthCode.PROGRESSING, "Waiting to Autoscale")


def _autoscaler_conditions(body: Body) -> Iterable[Condition]:
    """From ``status``, or for ``autoscaling/v1`` from the annotation that carries them there."""
    if text(body, "apiVersion") != "autoscaling/v1":
        return conditions(body)
    try:
        told = orjson.loads(annotations_of(body).get(_V1_CONDITIONS) or "[]")
    except orjson.JSONDecodeError as error:
        raise MalformedError(f"the annotation {_V1_CONDITIONS} is not JSON") from error
    return conditions({"status": {"conditions": told}})
