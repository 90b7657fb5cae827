"""
Workloads that keep pods running: Deployment, ReplicaSet, StatefulSet, DaemonSet.

Messages are Argo CD's in substance; they reach users' eyes and notifications.
"""

from tiphys.core.health.reading import condition, flag, given_number, mapping, number, outdated, text
from tiphys.model.flow import Health, HealthCode
from tiphys.model.objects import Body

HEALTHY = Health(HealthCode.HEALTHY)


def deployment(body: Body) -> Health:
    """Rolled out: every replica is of the newest template and available, and no old one is left."""
    if flag(body, "spec", "paused"):
        return Health(HealthCode.SUSPENDED, "Deployment is paused")
    if outdated(body):
        return _waiting("the newest spec was not observed yet")
    progress = condition(body, "Progressing")
    if progress and progress.reason == "ProgressDeadlineExceeded":
        name = text(body, "metadata", "name")
        return Health(HealthCode.DEGRADED, f'Deployment "{name}" exceeded its progress deadline')
    missing = _unfinished(given_number(body, "spec", "replicas"), mapping(body, "status"))
    return _waiting(missing) if missing else HEALTHY


def _unfinished(wanted: int | None, status: Body) -> str:
    """What a Deployment's rollout still waits for."""
    updated, available = number(status, "updatedReplicas"), number(status, "availableReplicas")
    if wanted is not None and updated < wanted:
        return f"{updated} out of {wanted} new replicas have been updated"
    if (old := number(status, "replicas") - updated) > 0:
        return f"{old} old replicas are pending termination"
    return f"{available} of {updated} updated replicas are available" if available < updated else ""


def replica_set(body: Body) -> Health:
    """Every replica is available."""
    if outdated(body):
        return _waiting("the newest spec was not observed yet")
    failure = condition(body, "ReplicaFailure")
    if failure and failure.true:
        return Health(HealthCode.DEGRADED, failure.message)
    wanted, available = given_number(body, "spec", "replicas"), number(body, "status", "availableReplicas")
    if wanted is not None and available < wanted:
        return _waiting(f"{available} out of {wanted} new replicas are available")
    return HEALTHY


def stateful_set(body: Body) -> Health:
    """Every pod is ready, and those that the strategy updates are of the newest revision."""
    status = mapping(body, "status")
    if not number(status, "observedGeneration") or outdated(body):
        return Health(HealthCode.PROGRESSING, "Waiting for statefulset spec update to be observed...")
    wanted, ready = given_number(body, "spec", "replicas"), number(status, "readyReplicas")
    if wanted is not None and ready < wanted:
        return Health(HealthCode.PROGRESSING, f"Waiting for {wanted - ready} pods to be ready...")
    strategy, updated = mapping(body, "spec", "updateStrategy"), number(status, "updatedReplicas")
    if text(strategy, "type") == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
        return _partitioned(wanted, updated, given_number(strategy, "rollingUpdate", "partition"))
    if text(strategy, "type") == "OnDelete":
        return Health(HealthCode.HEALTHY, f"statefulset has {ready} ready pods ({updated} updated)")
    current, newest = text(status, "currentRevision"), text(status, "updateRevision")
    if newest != current:
        message = f"waiting for statefulset rolling update to complete {updated} pods at revision {newest}..."
        return Health(HealthCode.PROGRESSING, message)
    count = number(status, "currentReplicas")
    return Health(
        HealthCode.HEALTHY, f"statefulset rolling update complete {count} pods at revision {current}..."
    )


def _partitioned(wanted: int | None, updated: int, partition: int | None) -> Health:
    """A rolling update of the pods whose number is not below the partition."""
    if wanted is not None and partition is not None and updated < wanted - partition:
        count = f"{updated} out of {wanted - partition} new pods have been updated"
        return Health(HealthCode.PROGRESSING, f"Waiting for partitioned roll out to finish: {count}...")
    return Health(
        HealthCode.HEALTHY, f"partitioned roll out complete: {updated} new pods have been updated..."
    )


def daemon_set(body: Body) -> Health:
    """Every node that should have a pod has an available one of the newest template."""
    if outdated(body):
        return _waiting("the newest spec was not observed yet")
    status = mapping(body, "status")
    wanted, updated = number(status, "desiredNumberScheduled"), number(status, "updatedNumberScheduled")
    count = f"{updated} out of {wanted} new pods have been updated"
    if text(body, "spec", "updateStrategy", "type") == "OnDelete":
        return Health(HealthCode.HEALTHY, f"daemon set {count}")
    if updated < wanted:
        return _waiting(count)
    if (available := number(status, "numberAvailable")) < wanted:
        return _waiting(f"{available} of {wanted} updated pods are available")
    return HEALTHY


def _waiting(what: str) -> Health:
    return Health(HealthCode.PROGRESSING, f"Waiting for rollout to finish: {what}...")
