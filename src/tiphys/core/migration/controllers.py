"""
The workloads that act on Applications: Argo CD's controllers and our engine; how one steps back and comes again.

All that a migration has to remember stands in an annotation of the workload that steps back, so that whoever is
interrupted begins again and goes on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tiphys.model.objects import Body, Key, annotations_of, part

BEFORE = "tiphys.dev/replicas-before-migration"
"""The annotation of a workload that stepped back: how many replicas it had."""
SELECTOR = "app.kubernetes.io/component=application-controller"
"""The label of Argo CD's application controller in its manifests, its Helm chart, and what its operator makes."""
KINDS = ("StatefulSet", "Deployment")
"""Argo CD's application controller is the one, or the other where clusters are distributed dynamically."""
_NAME, _COMPONENT, _PART = (f"app.kubernetes.io/{word}" for word in ("name", "component", "part-of"))


class Role(StrEnum):
    """What a workload does with Applications."""

    APPLICATIONS = "application-controller"
    """Argo CD's engine."""
    GENERATOR = "applicationset-controller"
    """Makes Applications of Argo CD's ApplicationSets."""
    ENGINE = "engine"
    """Ours."""


@dataclass(frozen=True, slots=True)
class Controller:
    """A workload that acts on Applications."""

    key: Key
    role: Role
    replicas: int = 1
    """As wanted."""
    pods: int = 0
    """As far as its own status tells."""
    before: int | None = None
    """How many replicas it had when it stepped back; ``None`` if it did not."""
    selector: str = ""
    """The labels of its pods."""
    image: str = ""
    account: str = ""
    """Its service account, ``namespace:name``."""
    resource_version: str = ""

    def __str__(self) -> str:
        return f"{self.key.kind} {self.key.namespace}/{self.key.name}"

    @property
    def at_work(self) -> bool:
        """Whether it acts, or may in a moment."""
        return self.replicas > 0 or self.pods > 0

    @property
    def version(self) -> str:
        """The version that its image's tag names, empty if it names none."""
        return self.image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def controllers(kind: str, bodies: Iterable[Body]) -> list[Controller]:
    """Those among workloads of a kind that act on Applications."""
    return [_read(kind, body, role) for body in bodies if (role := role_of(part(body, "metadata", "labels")))]


def role_of(labels: Mapping[str, object]) -> Role | None:
    """What the workload with these labels does with Applications."""
    name, component, belongs = (str(labels.get(key) or "") for key in (_NAME, _COMPONENT, _PART))
    for role in (Role.APPLICATIONS, Role.GENERATOR):
        if name == f"argocd-{role}" or (component == role and belongs in ("argocd", "")):
            return role
    if name == "tiphys" or (component == Role.ENGINE and belongs == "tiphys"):
        return Role.ENGINE
    return None


def stepping_back(controller: Controller) -> Body | None:
    """The merge patch by which it steps back; ``None`` if it has."""
    if controller.replicas == 0:
        return None
    return _patch(controller, str(controller.replicas), 0)


def coming_again(controller: Controller) -> Body | None:
    """The merge patch by which it is again what it was; ``None`` where it never stepped back."""
    if controller.before is None:
        return None
    # Who started it meanwhile had a reason.
    return _patch(controller, None, controller.replicas or controller.before)


def _patch(controller: Controller, before: str | None, replicas: int) -> Body:
    metadata = {"annotations": {BEFORE: before}, "resourceVersion": controller.resource_version}
    return {"metadata": metadata, "spec": {"replicas": replicas}}


def _read(kind: str, body: Body, role: Role) -> Controller:
    metadata, spec = part(body, "metadata"), part(body, "spec")
    pod = part(spec, "template", "spec")
    namespace = str(metadata.get("namespace") or "")
    before = annotations_of(body).get(BEFORE, "")
    containers = [each for each in pod.get("containers") or () if isinstance(each, Mapping)]
    return Controller(
        key=Key("apps", kind, namespace, str(metadata.get("name") or "")),
        role=role,
        replicas=_number(spec.get("replicas"), 1),
        pods=_number(part(body, "status").get("replicas"), 0),
        before=int(before) if before.isascii() and before.isdigit() else None,
        selector=",".join(f"{k}={v}" for k, v in part(spec, "selector", "matchLabels").items()),
        image=str(containers[0].get("image") or "") if containers else "",
        account=f"{namespace}:{pod.get('serviceAccountName') or 'default'}",
        resource_version=str(metadata.get("resourceVersion") or ""),
    )


def _number(value: object, usual: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else usual
