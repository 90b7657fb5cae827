"""
What the application's objects made in turn: ReplicaSets, Jobs and Pods, by their owner references.

Only kinds that Kubernetes' own controllers make are looked for, in the namespaces of those objects.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tiphys.cli.kube import ControlPlane
from tiphys.core.health import assess
from tiphys.model.api import Application
from tiphys.model.objects import Body, Key, Live, group_of, key_of, part

MADE = {"ReplicaSet": "/apis/apps/v1", "Job": "/apis/batch/v1", "Pod": "/api/v1"}
_PLURALS = {"ReplicaSet": "replicasets", "Job": "jobs", "Pod": "pods"}


@dataclass(frozen=True, slots=True)
class Child:
    """An object that another one made."""

    key: Key
    health: str = ""


Family = Mapping[Key, list[Child]]
"""The children of each object that has some."""


async def family_of(app: Application, plane: ControlPlane) -> Family:
    """The children of the application's objects, and theirs; kinds that we may not list are left out."""
    namespaces = sorted({r.namespace for r in app.status.resources if r.namespace})
    found: dict[Key, list[Child]] = {}
    for namespace in namespaces:
        for kind, api in MADE.items():
            group = group_of(f"{api.removeprefix('/apis/').removeprefix('/api/')}")
            items = await plane.objects(f"{api}/namespaces/{namespace}/{_PLURALS[kind]}")
            _adopt(items, Key(group, kind, namespace, ""), found)
    return found


def _adopt(items: Iterable[Body], kind: Key, found: dict[Key, list[Child]]) -> None:
    """Put each object under those that it says own it. Items of a list leave their kind to the list."""
    for item in items:
        key = key_of(item, kind.namespace)._replace(group=kind.group, kind=kind.kind)
        health = assess(Live(key, {"apiVersion": "", **item, "kind": kind.kind}))
        if kind.kind == "ReplicaSet" and not item.get("spec", {}).get("replicas"):
            continue  # what earlier revisions of a Deployment left behind
        for owner in part(item, "metadata").get("ownerReferences", []):
            above = Key(group_of(owner["apiVersion"]), owner["kind"], kind.namespace, owner["name"])
            found.setdefault(above, []).append(Child(key, health.code if health else ""))
