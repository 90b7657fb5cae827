"""Pods, alone or as a sync's own work."""

from collections.abc import Iterator

from tiphys.core.health.reading import condition, items, mapping, number, text
from tiphys.model.flow import Health, HealthCode
from tiphys.model.objects import Body, annotations_of

IGNORE_RESTART_POLICY = "argocd.argoproj.io/ignore-restart-policy"

_PHASES = {
    "Pending": HealthCode.PROGRESSING,
    # A pod that runs in order to end.
    "Running": HealthCode.PROGRESSING,
    "Succeeded": HealthCode.HEALTHY,
}


def pod(body: Body) -> Health:
    """
    Ready, or on the way, or failing.

    Only a pod that is always restarted is degraded by a container that cannot start: a pod that ends is
    typically somebody's job, which must not be called failed while it may still run, once its image appears.
    """
    always = text(body, "spec", "restartPolicy") == "Always"
    troubles = tuple(_troubles(body)) if always else ()
    if troubles:
        return Health(HealthCode.DEGRADED, ", ".join(troubles))
    message = text(body, "status", "message")
    phase = text(body, "status", "phase")
    if phase == "Failed":
        return Health(HealthCode.DEGRADED, message or next(_failures(body), ""))
    if phase == "Running" and (always or IGNORE_RESTART_POLICY in annotations_of(body)):
        return Health(_running(body), message)
    return Health(_PHASES.get(phase, HealthCode.UNKNOWN), message)


def _troubles(body: Body) -> Iterator[str]:
    """Why containers wait that will not start by waiting: ErrImagePull, CrashLoopBackOff, …ConfigError."""
    for container in items(body, "status", "containerStatuses"):
        waiting = mapping(container, "state", "waiting")
        reason = text(waiting, "reason")
        if reason.startswith("Err") or reason.endswith(("Error", "BackOff")):
            yield text(waiting, "message") or f'container "{text(container, "name")}": {reason}'


def _failures(body: Body) -> Iterator[str]:
    """Why containers ended in failure."""
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in items(body, "status", kind):
            ended = mapping(container, "state", "terminated")
            if message := text(ended, "message"):
                yield message
            elif text(ended, "reason") == "OOMKilled":
                yield "OOMKilled"
            elif code := number(ended, "exitCode"):
                yield f'container "{text(container, "name")}" failed with exit code {code}'


def _running(body: Body) -> HealthCode:
    ready = condition(body, "Ready")
    if ready and ready.true:
        return HealthCode.HEALTHY
    restarted = any(
        mapping(container, "lastState").get("terminated")
        for container in items(body, "status", "containerStatuses")
    )
    return HealthCode.DEGRADED if restarted else HealthCode.PROGRESSING
