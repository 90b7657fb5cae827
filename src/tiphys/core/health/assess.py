"""
The health of one live object: which judge judges it.

Argo CD's built-in checks decide for the kinds that it knows (its page on resource health); custom resources
are judged by their conditions. A built-in kind without a judge has no health, like a ConfigMap.
"""

from collections.abc import Callable, Mapping

from tiphys.core.health import application, conditions, jobs, pods, services, workloads
from tiphys.core.health.reading import MalformedError, flag_of
from tiphys.model.flow import Health, HealthCode
from tiphys.model.objects import Body, Kind, Live

IGNORED = "argocd.argoproj.io/ignore-healthcheck"

Judge = Callable[[Body], Health | None]

JUDGES: Mapping[Kind, Judge] = {
    Kind("", "PersistentVolumeClaim"): services.claim,
    Kind("", "Pod"): pods.pod,
    Kind("", "Service"): services.service,
    Kind("apiextensions.k8s.io", "CustomResourceDefinition"): services.definition,
    Kind("apiregistration.k8s.io", "APIService"): services.api_service,
    Kind("apps", "DaemonSet"): workloads.daemon_set,
    Kind("apps", "Deployment"): workloads.deployment,
    Kind("apps", "ReplicaSet"): workloads.replica_set,
    Kind("apps", "StatefulSet"): workloads.stateful_set,
    Kind("argoproj.io", "Application"): application.application,
    Kind("autoscaling", "HorizontalPodAutoscaler"): services.autoscaler,
    Kind("batch", "CronJob"): jobs.cron_job,
    Kind("batch", "Job"): jobs.job,
    Kind("extensions", "Ingress"): services.ingress,
    Kind("networking.k8s.io", "Ingress"): services.ingress,
}

BUILT_IN = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)
"""The groups that the API server itself serves; every other group is somebody's custom resources."""


def assess(live: Live) -> Health | None:
    """
    The health of an object, ``None`` where it has none. Never raises, whatever the object looks like.

    ``None`` too for an object whose annotation asks not to be checked: it counts for nothing.
    """
    if flag_of(live.annotations.get(IGNORED)):
        return None
    if live.deleting:
        return Health(HealthCode.PROGRESSING, "Pending deletion")
    judge = JUDGES.get(live.key.of)
    if judge is None:
        judge = _without_health if live.key.group in BUILT_IN else conditions.judge
    try:
        return judge(live.body)
    except MalformedError as trouble:
        return Health(HealthCode.UNKNOWN, f"The health cannot be told: {trouble}")


def _without_health(_: Body) -> None:
    return None
