"""
The Kubernetes API's verbs as requests: paths, parameters and media types. Nothing is sent here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

import orjson

from tiphys.adapters.cluster.api import LISTING, WRITE, Request
from tiphys.model.objects import Body, Key, Resource
from tiphys.model.tracking import FIELD_MANAGER

STATUS_MANAGER = "argocd-application-controller"
"""The field manager of patches to Applications: Argo CD's."""

APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

PAGE = 500
DRY_RUN: Mapping[str, str] = {"dryRun": "All"}


def collection(resource: Resource, namespace: str = "", version: str = "") -> str:
    """The path of all objects of a kind, in a namespace if one is given and the kind has one."""
    group, served = resource.kind.group, version or resource.version
    root = f"/apis/{group}/{served}" if group else f"/api/{served}"
    place = f"/namespaces/{quote(namespace, safe='')}" if namespace and resource.namespaced else ""
    return f"{root}{place}/{resource.plural}"


def path_of(resource: Resource, key: Key, version: str = "") -> str:
    """The path of one object."""
    return f"{collection(resource, key.namespace, version)}/{quote(key.name, safe='')}"


def get(resource: Resource, key: Key, version: str = "") -> Request:
    """Read one object as etcd has it now."""
    return Request("GET", path_of(resource, key, version))


def page(resource: Resource, cursor: str = "", limit: int = PAGE) -> Request:
    """Read a page of a kind's objects in all namespaces: the first, or the one that ``cursor`` names."""
    query = {"limit": str(limit)} if limit else {}
    if cursor:
        query["continue"] = cursor
    return Request("GET", collection(resource), query, deadline=LISTING)


def watch(resource: Resource, version: str, seconds: int) -> Request:
    """Follow all objects of a kind from a resource version on; the server ends it after ``seconds``."""
    query = {
        "watch": "true",
        "resourceVersion": version,
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(seconds),
    }
    return Request("GET", collection(resource), query, deadline=seconds + 30)


@dataclass(frozen=True, slots=True)
class Selection:
    """Some objects of a kind: those of a namespace that a selector names."""

    namespace: str
    labels: str = ""
    fields: str = ""


def selected(request: Request, resource: Resource, selection: Selection) -> Request:
    """The same list or watch of nothing but a selection."""
    selectors = {"labelSelector": selection.labels, "fieldSelector": selection.fields}
    query = {**request.query, **{name: text for name, text in selectors.items() if text}}
    return replace(request, path=collection(resource, selection.namespace), query=query)


def metadata_only(request: Request) -> Request:
    """The same list or watch with nothing but metadata in the answer."""
    return replace(request, accept=METADATA if "watch" in request.query else METADATA_LIST)


def apply(resource: Resource, key: Key, body: Body, options: Mapping[str, str]) -> Request:
    """Server-side apply, taking fields from whoever has them (kubectl's ``--force-conflicts``)."""
    query = {"fieldManager": FIELD_MANAGER, "force": "true", **options}
    path = path_of(resource, key, version_of(body))
    return Request("PATCH", path, query, orjson.dumps(body), APPLY, deadline=WRITE)


def create(resource: Resource, key: Key, body: Body, options: Mapping[str, str]) -> Request:
    """Create an object that must not be there yet."""
    query = {"fieldManager": FIELD_MANAGER, **options}
    path = collection(resource, key.namespace, version_of(body))
    return Request("POST", path, query, orjson.dumps(body), deadline=WRITE)


def put(resource: Resource, key: Key, body: Body, options: Mapping[str, str]) -> Request:
    """Replace an object whole; the body's ``metadata.resourceVersion`` says which reading of it."""
    query = {"fieldManager": FIELD_MANAGER, **options}
    path = path_of(resource, key, version_of(body))
    return Request("PUT", path, query, orjson.dumps(body), deadline=WRITE)


def merge_patch(resource: Resource, key: Key, patch: Body) -> Request:
    """Merge a patch (RFC 7386) into an object."""
    query = {"fieldManager": STATUS_MANAGER}
    return Request("PATCH", path_of(resource, key), query, orjson.dumps(patch), MERGE_PATCH, deadline=WRITE)


def delete(resource: Resource, key: Key, uid: str, propagation: str) -> Request:
    """Delete exactly the object with this UID."""
    options = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": propagation,
        "preconditions": {"uid": uid},
    }
    return Request("DELETE", path_of(resource, key), {}, orjson.dumps(options), deadline=WRITE)


def at(body: Body, resource_version: str, uid: str = "") -> Body:
    """The body, to be written only over this reading of the object; unchanged if none is given."""
    if not resource_version:
        return body
    # An apply with a version, but without a UID, would create the object if it is gone meanwhile.
    named = {"resourceVersion": resource_version, **({"uid": uid} if uid else {})}
    return {**body, "metadata": {**body.get("metadata", {}), **named}}


def version_of(body: Body) -> str:
    """The version in a body's ``apiVersion``: ``v1`` of ``apps/v1``."""
    return str(body.get("apiVersion") or "").rpartition("/")[2]
