"""The server's doors: a request of the Kubernetes API becomes a verb, and what came of it an answer."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson

from memory.kinds import Served
from memory.merging import Writer
from memory.rules import Refusal
from memory.server import Record, Server
from tiphys.adapters.cluster.api import Answer, Request
from tiphys.adapters.cluster.requests import APPLY
from tiphys.model.objects import Key

VERSION = "v1.36.0"
_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


@dataclass(frozen=True)
class Place:
    """What a path leads to."""

    served: Served
    version: str
    namespace: str
    name: str

    @property
    def key(self) -> Key:
        """The key of the object."""
        return Key(*self.served.kind, self.namespace, self.name)

    @property
    def api_version(self) -> str:
        """The version in which the caller wants to see it."""
        return self.served.api_version(self.version)


def answer(server: Server, request: Request) -> Answer:
    """What the server says to anything but a watch."""
    try:
        return _answered(server, request)
    except Refusal as refusal:
        return refused(refusal)


def refused(refusal: Refusal) -> Answer:
    """A refusal as an answer."""
    told = {"message": refusal.message, "reason": refusal.reason, "code": refusal.code}
    return Answer(refusal.code, orjson.dumps({"kind": "Status", "status": "Failure", **told}))


def place_of(server: Server, path: str) -> Place:
    """Where a path leads; raises ``Refusal`` where nothing is served."""
    root, *words = [unquote(word) for word in path.strip("/").split("/")]
    group = words.pop(0) if root == "apis" else ""
    version = words.pop(0)
    namespace = ""
    if words[0] == "namespaces" and len(words) > 2:
        namespace, words = words[1], words[2:]
    for served in server.kinds.values():
        if (served.kind.group, served.plural) == (group, words[0]) and version in served.versions:
            return Place(served, version, namespace, words[1] if len(words) > 1 else "")
    raise Refusal(404, "NotFound", "the server could not find the requested resource")


def _answered(server: Server, request: Request) -> Answer:
    if request.path == "/version":
        return _json({"gitVersion": VERSION})
    if request.path in ("/api", "/apis"):
        return _discovery(server, request)
    place = place_of(server, request.path)
    match request.method:
        case "GET" if place.name:
            return _object(server.get(place.key), place)
        case "GET":
            return _json(_list(server, place))
        case "DELETE":
            return _deleted(server, place, request)
    return _object(_written(server, place, request), place)


def _written(server: Server, place: Place, request: Request) -> Record:
    body = orjson.loads(request.body)
    dry_run = "dryRun" in request.query
    manager = request.query.get("fieldManager", "unknown")
    if request.method == "POST":
        body = {**body, "metadata": {**body["metadata"], **_where(place)}}
        return server.create(body, Writer("Update", manager, place.api_version), dry_run=dry_run)
    body = body | {"metadata": {**body.get("metadata", {}), **_where(place), "name": place.name}}
    if request.method == "PUT":
        return server.replace(body, Writer("Update", manager, place.api_version), dry_run=dry_run)
    if request.content_type == APPLY:
        return server.apply(body, Writer("Apply", manager, place.api_version), dry_run=dry_run)
    return server.patch(place.key, body, Writer("Update", manager, place.api_version))


def _where(place: Place) -> dict[str, str]:
    return {"namespace": place.namespace} if place.namespace else {}


def _deleted(server: Server, place: Place, request: Request) -> Answer:
    options: Mapping[str, Any] = orjson.loads(request.body or b"{}")
    uid = (options.get("preconditions") or {}).get("uid", "")
    left = server.delete(place.key, uid, options.get("propagationPolicy", "Background"), "argocd-controller")
    return _object(left, place) if left else _json({"kind": "Status", "status": "Success"})


def _list(server: Server, place: Place) -> dict[str, Any]:
    found = [
        record.read(place.api_version)
        for key, record in server.of_kind(place.served.kind)
        if place.namespace in ("", key.namespace)
    ]
    return {
        "kind": f"{place.served.kind.kind}List",
        "apiVersion": place.api_version,
        "metadata": {"resourceVersion": str(server.version)},
        "items": found,
    }


def _object(record: Record, place: Place) -> Answer:
    return _json(record.read(place.api_version))


def _discovery(server: Server, request: Request) -> Answer:
    groups: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for served in server.kinds.values():
        if bool(served.kind.group) == (request.path == "/apis"):
            for version in served.versions:
                groups.setdefault(served.kind.group, {}).setdefault(version, []).append(_resource(served))
    items = [
        {
            "metadata": {"name": group},
            "versions": [{"version": v, "resources": r} for v, r in versions.items()],
        }
        for group, versions in groups.items()
    ]
    body = orjson.dumps({"kind": "APIGroupDiscoveryList", "items": items})
    tag = hashlib.sha256(body).hexdigest()
    return Answer(304, b"", tag) if request.etag == tag else Answer(200, body, tag)


def _resource(served: Served) -> dict[str, Any]:
    return {
        "resource": served.plural,
        "responseKind": {"kind": served.kind.kind},
        "scope": "Namespaced" if served.namespaced else "Cluster",
        "verbs": _VERBS,
    }


def _json(value: Any) -> Answer:
    return Answer(200, orjson.dumps(value))
