"""The health of each kind, as tables: what an object looks like, and how it does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.health import assess
from tiphys.core.health.assess import JUDGES
from tiphys.model.flow import HealthCode
from tiphys.model.objects import Live, key_of

HEALTHY, SUSPENDED, PROGRESSING = HealthCode.HEALTHY, HealthCode.SUSPENDED, HealthCode.PROGRESSING
DEGRADED, UNKNOWN = HealthCode.DEGRADED, HealthCode.UNKNOWN

Case = tuple[dict[str, Any], dict[str, Any], HealthCode]


def live(kind: str, spec: Any = None, status: Any = None, **metadata: Any) -> Live:
    """An object of ``group/version Kind``, of generation 2 unless told otherwise."""
    api_version, _, name = kind.rpartition(" ")
    body = {"apiVersion": api_version, "kind": name, "metadata": {"name": "it", "generation": 2, **metadata}}
    body |= {k: v for k, v in (("spec", spec), ("status", status)) if v is not None}
    return Live(key_of(body, "shop"), body)


def code(kind: str, spec: Any = None, status: Any = None, **metadata: Any) -> HealthCode | None:
    health = assess(live(kind, spec, status, **metadata))
    return health.code if health else None


def seen(**status: Any) -> dict[str, Any]:
    return {"observedGeneration": 2, **status}


def holds(*kinds: str, status: str = "True", **more: Any) -> list[dict[str, Any]]:
    return [{"type": kind, "status": status, **more} for kind in kinds]


DONE = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


@pytest.mark.parametrize(
    ("spec", "status", "health"),
    [
        ({"replicas": 2}, seen(**DONE), HEALTHY),
        ({"replicas": 0}, seen(), HEALTHY),
        ({"replicas": 2}, {**DONE, "observedGeneration": 1}, PROGRESSING),
        ({"replicas": 2}, {}, PROGRESSING),
        ({"replicas": 3}, seen(**DONE), PROGRESSING),
        ({"replicas": 2}, seen(**DONE | {"replicas": 3}), PROGRESSING),
        ({"replicas": 2}, seen(**DONE | {"availableReplicas": 1}), PROGRESSING),
        ({"replicas": 2, "paused": True}, seen(), SUSPENDED),
        ({"replicas": 2}, seen(conditions=holds("Progressing", reason="ProgressDeadlineExceeded")), DEGRADED),
    ],
)
def test_deployment(spec: Any, status: Any, health: HealthCode):
    assert code("apps/v1 Deployment", spec, status) is health


@pytest.mark.parametrize(
    ("spec", "status", "health"),
    [
        ({"replicas": 2}, seen(availableReplicas=2), HEALTHY),
        ({"replicas": 2}, seen(availableReplicas=1), PROGRESSING),
        ({"replicas": 2}, {"availableReplicas": 2, "observedGeneration": 1}, PROGRESSING),
        ({"replicas": 2}, seen(conditions=holds("ReplicaFailure", message="quota")), DEGRADED),
        ({"replicas": 0}, seen(conditions=holds("ReplicaFailure", status="False")), HEALTHY),
    ],
)
def test_replica_set(spec: Any, status: Any, health: HealthCode):
    assert code("apps/v1 ReplicaSet", spec, status) is health


ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}


@pytest.mark.parametrize(
    ("spec", "status", "health"),
    [
        ({"replicas": 2}, seen(readyReplicas=2, currentRevision="a", updateRevision="a"), HEALTHY),
        ({"replicas": 2}, seen(readyReplicas=1), PROGRESSING),
        ({"replicas": 2}, seen(readyReplicas=2, currentRevision="a", updateRevision="b"), PROGRESSING),
        ({"replicas": 2}, {"readyReplicas": 2}, PROGRESSING),
        ({"replicas": 2, "updateStrategy": ROLLING}, seen(readyReplicas=2, updatedReplicas=0), PROGRESSING),
        ({"replicas": 2, "updateStrategy": ROLLING}, seen(readyReplicas=2, updatedReplicas=1), HEALTHY),
        ({"updateStrategy": {"type": "OnDelete"}}, seen(currentRevision="a", updateRevision="b"), HEALTHY),
    ],
)
def test_stateful_set(spec: Any, status: Any, health: HealthCode):
    assert code("apps/v1 StatefulSet", spec, status) is health


NODES = {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}


@pytest.mark.parametrize(
    ("spec", "status", "health"),
    [
        ({}, seen(**NODES), HEALTHY),
        ({}, seen(), HEALTHY),
        ({}, seen(**NODES | {"updatedNumberScheduled": 1}), PROGRESSING),
        ({}, seen(**NODES | {"numberAvailable": 1}), PROGRESSING),
        ({}, {**NODES, "observedGeneration": 1}, PROGRESSING),
        ({"updateStrategy": {"type": "OnDelete"}}, seen(**NODES | {"updatedNumberScheduled": 0}), HEALTHY),
    ],
)
def test_daemon_set(spec: Any, status: Any, health: HealthCode):
    assert code("apps/v1 DaemonSet", spec, status) is health


def waits(reason: str) -> dict[str, Any]:
    return {
        "phase": "Pending",
        "containerStatuses": [{"name": "c", "state": {"waiting": {"reason": reason}}}],
    }


RESTARTED = {"containerStatuses": [{"name": "c", "lastState": {"terminated": {"exitCode": 1}}}]}


@pytest.mark.parametrize(
    ("policy", "status", "health"),
    [
        ("Always", {"phase": "Running", "conditions": holds("Ready")}, HEALTHY),
        ("Always", {"phase": "Running", "conditions": holds("Ready", status="False")}, PROGRESSING),
        ("Always", {"phase": "Running", **RESTARTED}, DEGRADED),
        ("Always", {"phase": "Running", **RESTARTED, "conditions": holds("Ready")}, HEALTHY),
        ("Always", waits("ContainerCreating"), PROGRESSING),
        ("Always", waits("ErrImagePull"), DEGRADED),
        ("Always", waits("ImagePullBackOff"), DEGRADED),
        ("Always", waits("CrashLoopBackOff"), DEGRADED),
        ("Always", waits("CreateContainerConfigError"), DEGRADED),
        ("Never", waits("ErrImagePull"), PROGRESSING),
        ("OnFailure", {"phase": "Running", "conditions": holds("Ready")}, PROGRESSING),
        ("Never", {"phase": "Succeeded"}, HEALTHY),
        ("Never", {"phase": "Failed"}, DEGRADED),
        ("Never", {"phase": "Other"}, UNKNOWN),
        ("Never", {}, UNKNOWN),
    ],
)
def test_pod(policy: str, status: Any, health: HealthCode):
    assert code("v1 Pod", {"restartPolicy": policy}, status) is health


def test_a_pod_of_an_operator_may_be_judged_as_one_that_stays():
    ready = {"phase": "Running", "conditions": holds("Ready")}
    asked = {"argocd.argoproj.io/ignore-restart-policy": "true"}
    assert code("v1 Pod", {"restartPolicy": "Never"}, ready, annotations=asked) is HEALTHY


@pytest.mark.parametrize(
    ("ended", "message"),
    [
        ({"message": "no such file"}, "no such file"),
        ({"reason": "OOMKilled", "exitCode": 137}, "OOMKilled"),
        ({"exitCode": 3}, 'container "c" failed with exit code 3'),
    ],
)
def test_a_failed_pod_says_why(ended: dict[str, Any], message: str):
    status = {"phase": "Failed", "initContainerStatuses": [{"name": "c", "state": {"terminated": ended}}]}
    health = assess(live("v1 Pod", {"restartPolicy": "Never"}, status))
    assert health is not None
    assert health.message == message


ADDRESS = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}


@pytest.mark.parametrize(
    ("kind", "spec", "status", "health"),
    [
        ("v1 Service", {"type": "ClusterIP"}, {}, HEALTHY),
        ("v1 Service", {"type": "LoadBalancer"}, {"loadBalancer": {}}, PROGRESSING),
        ("v1 Service", {"type": "LoadBalancer"}, ADDRESS, HEALTHY),
        ("networking.k8s.io/v1 Ingress", {}, {"loadBalancer": {}}, PROGRESSING),
        ("networking.k8s.io/v1 Ingress", {}, ADDRESS, HEALTHY),
        ("v1 PersistentVolumeClaim", {}, {"phase": "Bound"}, HEALTHY),
        ("v1 PersistentVolumeClaim", {}, {"phase": "Pending"}, PROGRESSING),
        ("v1 PersistentVolumeClaim", {}, {"phase": "Lost"}, DEGRADED),
        ("v1 PersistentVolumeClaim", {}, {}, UNKNOWN),
        ("apiregistration.k8s.io/v1 APIService", {}, {"conditions": holds("Available")}, HEALTHY),
        (
            "apiregistration.k8s.io/v1 APIService",
            {},
            {"conditions": holds("Available", status="False")},
            PROGRESSING,
        ),
        ("apiregistration.k8s.io/v1 APIService", {}, {}, PROGRESSING),
    ],
)
def test_what_has_an_address_or_a_volume_or_an_answer(kind: str, spec: Any, status: Any, health: HealthCode):
    assert code(kind, spec, status) is health


CRD = "apiextensions.k8s.io/v1 CustomResourceDefinition"
ACCEPTED = holds("NamesAccepted", "Established")


@pytest.mark.parametrize(
    ("conditions", "health"),
    [
        ([], PROGRESSING),
        (ACCEPTED, HEALTHY),
        (holds("NamesAccepted"), PROGRESSING),
        (holds("NamesAccepted", status="False"), DEGRADED),
        ([*ACCEPTED, *holds("NonStructuralSchema")], DEGRADED),
        ([*ACCEPTED, *holds("Terminating")], PROGRESSING),
    ],
)
def test_custom_resource_definition(conditions: Any, health: HealthCode):
    assert code(CRD, {}, {"conditions": conditions}) is health


@pytest.mark.parametrize(
    ("conditions", "health"),
    [
        ([], PROGRESSING),
        (holds("AbleToScale", reason="SucceededRescale"), HEALTHY),
        (holds("AbleToScale", status="False", reason="FailedGetScale"), DEGRADED),
        (holds("ScalingActive", status="False", reason="FailedGetResourceMetric"), DEGRADED),
        (holds("ScalingActive", status="False", reason="ScalingDisabled"), PROGRESSING),
    ],
)
def test_horizontal_pod_autoscaler(conditions: Any, health: HealthCode):
    assert code("autoscaling/v2 HorizontalPodAutoscaler", {}, {"conditions": conditions}) is health


def test_an_old_autoscaler_has_its_conditions_in_an_annotation():
    told = {"autoscaling.alpha.kubernetes.io/conditions": '[{"type":"AbleToScale","status":"True"}]'}
    assert code("autoscaling/v1 HorizontalPodAutoscaler", annotations=told) is HEALTHY
    told = {"autoscaling.alpha.kubernetes.io/conditions": "{"}
    assert code("autoscaling/v1 HorizontalPodAutoscaler", annotations=told) is UNKNOWN


@pytest.mark.parametrize(
    ("conditions", "health"),
    [
        ([], PROGRESSING),
        (holds("Complete"), HEALTHY),
        (holds("Failed", message="BackoffLimitExceeded"), DEGRADED),
        (holds("Suspended"), SUSPENDED),
        (holds("Suspended", status="False"), PROGRESSING),
        (holds("FailureTarget"), PROGRESSING),
    ],
)
def test_job(conditions: Any, health: HealthCode):
    assert code("batch/v1 Job", {}, {"conditions": conditions}) is health


NOON, LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:00:07Z"


@pytest.mark.parametrize(
    ("spec", "status", "health"),
    [
        ({}, {}, HEALTHY),
        ({}, {"lastScheduleTime": NOON, "lastSuccessfulTime": LATER}, HEALTHY),
        ({}, {"lastScheduleTime": LATER, "lastSuccessfulTime": NOON}, DEGRADED),
        ({}, {"lastScheduleTime": NOON}, DEGRADED),
        ({}, {"lastScheduleTime": NOON, "active": [{"name": "it-1"}]}, PROGRESSING),
        ({"suspend": True}, {"lastScheduleTime": NOON}, SUSPENDED),
    ],
)
def test_cron_job(spec: Any, status: Any, health: HealthCode):
    assert code("batch/v1 CronJob", spec, status) is health


@pytest.mark.parametrize(
    ("status", "health"),
    [
        (None, None),
        ({}, None),
        ({"phase": "Sleeping"}, None),
        ({"conditions": holds("Active")}, None),
        ({"conditions": holds("Ready")}, HEALTHY),
        ({"conditions": holds("Ready", status="False", reason="BadSecret")}, DEGRADED),
        ({"conditions": holds("Ready", status="False", reason="Pending")}, PROGRESSING),
        ({"conditions": holds("Ready", status="False")}, PROGRESSING),
        ({"conditions": holds("Ready", status="Unknown", reason="BadSecret")}, PROGRESSING),
        ({"conditions": [*holds("Ready", status="False", reason="Old"), *holds("Issuing")]}, PROGRESSING),
        ({"conditions": holds("Ready", "Progressing")}, HEALTHY),
        ({"conditions": holds("Reconciling")}, PROGRESSING),
        ({"conditions": [*holds("Ready"), *holds("Stalled")]}, DEGRADED),
        ({"conditions": holds("Available")}, HEALTHY),
        ({"conditions": holds("Ready", "Paused")}, SUSPENDED),
        ({"observedGeneration": 1, "conditions": holds("Ready")}, PROGRESSING),
        ({"observedGeneration": 2, "conditions": holds("Ready")}, HEALTHY),
        ({"conditions": holds("Ready", observedGeneration=1)}, PROGRESSING),
        ({"conditions": "Ready"}, UNKNOWN),
        ({"observedGeneration": "2"}, UNKNOWN),
    ],
)
def test_a_custom_resource_is_judged_by_its_conditions(status: Any, health: HealthCode | None):
    assert code("example.com/v1 Widget", {}, status) is health


@pytest.mark.parametrize(
    "kind",
    ["v1 ConfigMap", "v1 Secret", "rbac.authorization.k8s.io/v1 Role", "policy/v1 PodDisruptionBudget"],
)
def test_a_built_in_kind_without_a_judge_has_no_health(kind: str):
    assert code(kind, {}, {"conditions": holds("Ready", status="False", reason="X")}) is None


def test_a_deleted_object_is_on_its_way():
    assert code("v1 ConfigMap", deletionTimestamp=NOON) is PROGRESSING


def test_an_object_that_asks_not_to_be_checked_has_no_health():
    asked = {"argocd.argoproj.io/ignore-healthcheck": "true"}
    assert code("batch/v1 Job", {}, {"conditions": holds("Failed")}, annotations=asked) is None


AUTOMATED = {"automated": {"prune": True}}


def application(spec: Any = None, operation: Any = None, **status: Any) -> HealthCode | None:
    source = {"repoURL": "https://git/charts", "path": "web"}
    full = {"project": "default", "destination": {"namespace": "shop"}, "source": source} | (spec or {})
    it = live("argoproj.io/v1alpha1 Application", full, status)
    health = assess(Live(it.key, {**it.body, **({"operation": operation} if operation else {})}))
    return health.code if health else None


FINE = {"health": {"status": "Healthy"}}
OLD, NEW = {"revision": "a"}, {"revision": "b", "status": "OutOfSync"}


@pytest.mark.parametrize(
    ("spec", "status", "health"),
    [
        ({}, {}, PROGRESSING),
        ({}, FINE, HEALTHY),
        ({}, {"health": {"status": "Degraded"}}, DEGRADED),
        ({}, {"health": {"status": "Missing"}}, HealthCode.MISSING),
        ({}, {"health": {"status": "Splendid"}}, UNKNOWN),
        ({}, {**FINE, "operationState": {"phase": "Running"}}, PROGRESSING),
        ({}, {**FINE, "sync": NEW}, HEALTHY),
        ({"syncPolicy": AUTOMATED}, {**FINE, "sync": NEW}, PROGRESSING),
        ({"syncPolicy": AUTOMATED}, {**FINE, "sync": NEW | {"status": "Synced"}}, HEALTHY),
        ({"syncPolicy": {"automated": {"enabled": False}}}, {**FINE, "sync": NEW}, HEALTHY),
        (
            {"syncPolicy": AUTOMATED},
            {**FINE, "sync": NEW, "operationState": {"phase": "Succeeded", "syncResult": OLD}},
            PROGRESSING,
        ),
        (
            {"syncPolicy": AUTOMATED},
            {**FINE, "sync": NEW, "operationState": {"phase": "Succeeded", "syncResult": {"revision": "b"}}},
            HEALTHY,
        ),
        (
            {"syncPolicy": AUTOMATED},
            {**FINE, "sync": NEW, "operationState": {"phase": "Failed", "syncResult": {"revision": "b"}}},
            DEGRADED,
        ),
        ({"project": 7}, FINE, UNKNOWN),
    ],
)
def test_application(spec: Any, status: Any, health: HealthCode):
    if state := status.get("operationState"):
        state = {"operation": {}, "startedAt": NOON, "message": "", **state}
        status = {**status, "operationState": state}
    if "sync" in status:
        status = {**status, "sync": {"status": "OutOfSync", **status["sync"]}}
    assert application(spec, **status) is health


def test_an_application_whose_spec_changed_since_it_looked_is_not_done():
    was = {"destination": {"namespace": "shop"}, "source": {"repoURL": "https://git/charts", "path": "old"}}
    now = {**was, "source": {"repoURL": "https://git/charts", "path": "web", "helm": {"skipCrds": False}}}
    assert application(None, **FINE, sync={"status": "Synced", "comparedTo": was}) is PROGRESSING
    assert application(now, **FINE, sync={"status": "Synced", "comparedTo": {**now}}) is HEALTHY


def test_an_application_that_was_asked_to_sync_is_not_done():
    assert application(None, {"sync": {}}, **FINE) is PROGRESSING


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda j: (
        st.lists(j, max_size=2)
        | st.dictionaries(
            st.sampled_from(["conditions", "replicas", "phase", "type", "status", "loadBalancer"]), j
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from([str(kind) for kind in JUDGES] + ["example.com/Widget"]), json, json, json)
def test_no_object_is_so_odd_that_judging_it_fails(kind: str, spec: Any, status: Any, annotations: Any):
    group, _, name = kind.rpartition("/")
    body = {
        "apiVersion": f"{group}/v1",
        "kind": name,
        "metadata": {"annotations": annotations, "generation": 1},
        "spec": spec,
        "status": status,
    }
    assess(Live(key_of(body)._replace(group=group), body))
