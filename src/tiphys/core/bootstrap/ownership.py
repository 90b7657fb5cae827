"""
Whose an object is by Helm's rules: the marks that it carries, and the manager of its fields.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tiphys.model.objects import Body, Live, Manifest, part
from tiphys.model.releases import FIELD_MANAGER

MANAGED_BY = "app.kubernetes.io/managed-by"
HELM = "Helm"
RELEASE_NAME = "meta.helm.sh/release-name"
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"
POLICY = "helm.sh/resource-policy"
KEEP = "keep"


def marked(target: Manifest, name: str, namespace: str) -> Manifest:
    """The object as a release's own."""
    metadata = part(target.body, "metadata")
    labels = {**part(metadata, "labels"), MANAGED_BY: HELM}
    annotations = {**part(metadata, "annotations"), RELEASE_NAME: name, RELEASE_NAMESPACE: namespace}
    body = {**target.body, "metadata": {**metadata, "labels": labels, "annotations": annotations}}
    return replace(target, body=body)


def owner(live: Live, name: str, namespace: str) -> str:
    """Who else's a live object is, for people; empty if it is the release's own."""
    manager = part(live.metadata, "labels").get(MANAGED_BY)
    of = (live.annotations.get(RELEASE_NAMESPACE, ""), live.annotations.get(RELEASE_NAME, ""))
    if of == (namespace, name) and manager == HELM:
        return ""
    if of[1] and of != (namespace, name):
        return f"it belongs to the release {of[0]}/{of[1]}"
    if manager and manager != HELM:
        return f"it is managed by {manager}"
    return "it was not installed by Helm"


def keeps(live: Live) -> bool:
    """Whether an object stays when its release does not want it any more."""
    return live.annotations.get(POLICY) == KEEP


def installed_by_helm(live: Live) -> bool:
    """Whether Helm, or we in its place, wrote the object at some time."""
    return any(_of_manager(entry) for entry in live.metadata.get("managedFields") or ())


def taken_over(live: Live) -> Body | None:
    """
    The merge patch that makes fields which Helm owns by updates its own by apply; ``None`` where there are none.

    Helm 3 wrote by updates. What is owned that way an apply neither removes nor may change without conflict with
    itself, so Helm 4 does the same before its first apply (client-go's ``csaupgrade``).
    """
    entries = [dict(entry) for entry in live.metadata.get("managedFields") or ()]
    updates = [e for e in entries if _of_manager(e) and e.get("operation") == "Update"]
    if not updates:
        return None
    applied = next((e for e in entries if _of_manager(e) and e.get("operation") == "Apply"), None)
    into = applied or {**updates[0], "operation": "Apply"}
    for update in updates:
        if update.get("apiVersion") == into.get("apiVersion"):
            into = {**into, "fieldsV1": _union(into.get("fieldsV1") or {}, update.get("fieldsV1") or {})}
    kept = [e for e in entries if e not in updates and e is not applied]
    fields = {"managedFields": [into, *kept], "resourceVersion": live.resource_version}
    return {"metadata": fields}


def _of_manager(entry: Mapping[str, Any]) -> bool:
    return entry.get("manager") == FIELD_MANAGER and not entry.get("subresource")


def _union(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    shared = {k: _union(left[k], right[k]) for k in left if k in right}
    return {**left, **right, **shared}
