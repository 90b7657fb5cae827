"""The kinds that the API server in memory serves from the start, and what tells them apart."""

from dataclasses import dataclass, field

from tiphys.model.objects import Body, Kind, part

NAMESPACE = Kind("", "Namespace")
DEFINITION = Kind("apiextensions.k8s.io", "CustomResourceDefinition")
DEPLOYMENT = Kind("apps", "Deployment")
REPLICA_SET = Kind("apps", "ReplicaSet")
JOB = Kind("batch", "Job")


@dataclass(frozen=True)
class Served:
    """How a kind is served. The first version is the preferred one, and the one it is kept in."""

    kind: Kind
    plural: str
    versions: tuple[str, ...] = ("v1",)
    namespaced: bool = True
    status: bool = False
    """Whether status is a subresource, so that ordinary writes leave it alone."""
    generation: bool = False
    """Whether changes of anything but metadata and status are counted."""
    custom: bool = field(default=False)

    @property
    def noun(self) -> str:
        """As errors name it: ``deployments.apps``."""
        return f"{self.plural}.{self.kind.group}" if self.kind.group else self.plural

    def api_version(self, version: str = "") -> str:
        """Group and version."""
        served = version or self.versions[0]
        return f"{self.kind.group}/{served}" if self.kind.group else served


def _kind(group: str, kind: str, plural: str, **more: object) -> Served:
    return Served(Kind(group, kind), plural, **more)  # type: ignore[arg-type]


_WORK = {"status": True, "generation": True}
_RBAC = "rbac.authorization.k8s.io"

BUILT_IN = (
    _kind("", "Namespace", "namespaces", namespaced=False, status=True),
    _kind("", "ConfigMap", "configmaps"),
    _kind("", "Secret", "secrets"),
    _kind("", "Service", "services", status=True),
    _kind("", "ServiceAccount", "serviceaccounts"),
    _kind("", "Pod", "pods", status=True),
    _kind("", "PersistentVolumeClaim", "persistentvolumeclaims", status=True),
    _kind("apps", "Deployment", "deployments", **_WORK),
    _kind("apps", "ReplicaSet", "replicasets", **_WORK),
    _kind("apps", "StatefulSet", "statefulsets", **_WORK),
    _kind("apps", "DaemonSet", "daemonsets", **_WORK),
    _kind("batch", "Job", "jobs", **_WORK),
    _kind("batch", "CronJob", "cronjobs", **_WORK),
    _kind(
        "autoscaling",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        versions=("v2", "v1"),
        status=True,
    ),
    _kind("networking.k8s.io", "Ingress", "ingresses", **_WORK),
    _kind("networking.k8s.io", "NetworkPolicy", "networkpolicies", generation=True),
    _kind("policy", "PodDisruptionBudget", "poddisruptionbudgets", **_WORK),
    _kind("coordination.k8s.io", "Lease", "leases"),
    _kind(_RBAC, "ClusterRole", "clusterroles", namespaced=False),
    _kind(_RBAC, "ClusterRoleBinding", "clusterrolebindings", namespaced=False),
    _kind(_RBAC, "Role", "roles"),
    _kind(_RBAC, "RoleBinding", "rolebindings"),
    _kind(*DEFINITION, "customresourcedefinitions", namespaced=False, **_WORK),
)


def defined(definition: Body) -> Served:
    """The kind that a custom resource definition brings."""
    spec = part(definition, "spec")
    served = [v for v in spec["versions"] if v.get("served", True)]
    first = sorted(served, key=lambda v: not v.get("storage"))
    return Served(
        Kind(spec["group"], spec["names"]["kind"]),
        spec["names"]["plural"],
        tuple(v["name"] for v in first),
        namespaced=spec.get("scope") != "Cluster",
        status="status" in (first[0].get("subresources") or {}),
        generation=True,
        custom=True,
    )
