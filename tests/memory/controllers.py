"""
What a controller manager does, one round at a time: rollouts, garbage, namespaces, definitions.

A round does of each thing one step, so that what is between is there to be seen.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import orjson

from memory.kinds import DEFINITION, DEPLOYMENT, JOB, NAMESPACE, REPLICA_SET, defined
from memory.merging import Writer
from memory.server import CLEANUP, FOREGROUND, ORPHAN, Record, Server, dependents
from tiphys.model.objects import Body, Key, Kind, part

MANAGER = "kube-controller-manager"
_STATUS = Writer("Update", MANAGER, subresource="status")
_PLAIN = Writer("Update", MANAGER)
_SCALE = Writer("Update", MANAGER, "apps/v1", "scale")
AUTOSCALER = Kind("autoscaling", "HorizontalPodAutoscaler")
BROKEN = "broken"
"""An image whose tag has this word never gets ready."""


def step(server: Server) -> bool:
    """One round; answers whether there was anything to do."""
    before = server.version
    for key, record in tuple(server.records.items()):
        if server.records.get(key) is record:
            _tend(server, key, record)
    return server.version != before


def settle(server: Server, rounds: int = 50) -> None:
    """Rounds until there is nothing left to do."""
    for _ in range(rounds):
        if not step(server):
            return
    raise AssertionError("the controllers never come to rest")


def scale(server: Server, key: Key, replicas: int) -> None:
    """What an autoscaler does: an update of the scale subresource."""
    server.update(key, lambda body: {**body, "spec": {**body["spec"], "replicas": replicas}}, _SCALE)


def _tend(server: Server, key: Key, record: Record) -> None:
    if record.metadata.get("deletionTimestamp"):
        _bury(server, key, record)
    elif _orphaned(server, record):
        server.delete(key, who=MANAGER)
    elif key.of == DEPLOYMENT:
        _roll_out(server, key, record.body)
    elif key.of == JOB:
        _run(server, key, record.body)
    elif key.of == AUTOSCALER:
        _say(
            server,
            key,
            {"conditions": [{"type": t, "status": "True"} for t in ("AbleToScale", "ScalingActive")]},
        )
    elif key.of == DEFINITION:
        _establish(server, key, record.body)


def _roll_out(server: Server, key: Key, body: Body) -> None:
    """A Deployment's status follows its spec in three steps: observed, started, available."""
    spec, replicas = body["spec"], body["spec"]["replicas"]
    generation = body["metadata"]["generation"]
    if part(body, "status").get("observedGeneration", 0) < generation:
        told = {**part(body, "status"), "observedGeneration": generation}
        if _replica_set(server, key, body) is None:
            server.create(_new_replica_set(key, body), _PLAIN)
            told |= {"updatedReplicas": 0}
        _say(server, key, told)
        return
    broken = any(BROKEN in c.get("image", "") for c in spec["template"]["spec"].get("containers", ()))
    ready = 0 if broken else replicas
    counts = {
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": ready,
        "availableReplicas": ready,
    }
    available = {"type": "Available", "status": "False" if broken else "True"}
    _say(server, key, {"observedGeneration": generation, **counts, "conditions": [available]})


def _run(server: Server, key: Key, body: Body) -> None:
    """A Job starts, then completes."""
    status = part(body, "status")
    if not status:
        _say(server, key, {"active": 1})
    elif status.get("active"):
        _say(server, key, {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]})


def _establish(server: Server, key: Key, body: Body) -> None:
    served = defined(body)
    if server.kinds.get(served.kind) == served:
        return
    server.kinds[served.kind] = served
    names = [{"type": name, "status": "True"} for name in ("NamesAccepted", "Established")]
    _say(server, key, {"conditions": names})


def _bury(server: Server, key: Key, record: Record) -> None:
    """Let go of what is to be deleted as soon as what hangs on it is gone."""
    if key.of == NAMESPACE:
        _bury_all(server, key, [k for k in server.records if k.namespace == key.name])
        return
    finalizers = record.metadata.get("finalizers", ())
    if CLEANUP in finalizers:
        kind = defined(record.body).kind
        left = [k for k in server.records if k.of == kind]
        for each in left:
            _ask(server, each)
        if not left:
            _unhold(server, key, CLEANUP)
    if FOREGROUND in finalizers:
        blocking = list(_blocking(server, record))
        for each in blocking:
            _ask(server, each, "Foreground")
        if not blocking:
            _unhold(server, key, FOREGROUND)
    if ORPHAN in finalizers:
        for each, _, reference in list(dependents(server, record.metadata["uid"])):
            _disown(server, each, reference)
        _unhold(server, key, ORPHAN)


def _bury_all(server: Server, namespace: Key, left: list[Key]) -> None:
    for each in left:
        _ask(server, each)
    if not left:
        server._remove(namespace, MANAGER)


def _ask(server: Server, key: Key, propagation: str = "Background") -> None:
    record = server.records.get(key)
    if record and not record.metadata.get("deletionTimestamp"):
        server.delete(key, propagation=propagation, who=MANAGER)


def _blocking(server: Server, record: Record) -> Iterator[Key]:
    found = dependents(server, record.metadata["uid"])
    return (key for key, _, reference in found if reference.get("blockOwnerDeletion"))


def _unhold(server: Server, key: Key, finalizer: str) -> None:
    if key in server.records:
        server.update(key, lambda body: _with_metadata(body, finalizers=_less(body, finalizer)), _PLAIN)


def _less(body: Mapping[str, Any], finalizer: str) -> list[str]:
    return [each for each in body["metadata"].get("finalizers", ()) if each != finalizer]


def _disown(server: Server, key: Key, reference: Body) -> None:
    def without(body: dict[str, Any]) -> Body:
        left = [each for each in body["metadata"]["ownerReferences"] if each["uid"] != reference["uid"]]
        return _with_metadata(body, ownerReferences=left)

    server.update(key, without, _PLAIN)


def _with_metadata(body: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    metadata = {k: v for k, v in {**body["metadata"], **changed}.items() if v != []}
    return {**body, "metadata": metadata}


def _orphaned(server: Server, record: Record) -> bool:
    owners = record.metadata.get("ownerReferences", ())
    uids = {each.metadata["uid"] for each in server.records.values()} if owners else set()
    return bool(owners) and not any(reference["uid"] in uids for reference in owners)


def _replica_set(server: Server, key: Key, body: Body) -> Record | None:
    return server.records.get(Key(*REPLICA_SET, key.namespace, f"{key.name}-{_digest(body)}"))


def _digest(body: Body) -> str:
    return sha256(orjson.dumps(body["spec"]["template"], option=orjson.OPT_SORT_KEYS)).hexdigest()[:10]


def _new_replica_set(key: Key, body: Body) -> dict[str, Any]:
    """With the Deployment's annotations, its tracking id among them, as the real controller copies them."""
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": key.name, "uid": body["metadata"]["uid"]}
    metadata = {
        "name": f"{key.name}-{_digest(body)}",
        "namespace": key.namespace,
        "annotations": dict(part(body, "metadata", "annotations")),
        "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
    }
    spec = {name: body["spec"][name] for name in ("replicas", "selector", "template")}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}


def _say(server: Server, key: Key, status: Mapping[str, Any]) -> None:
    server.update(key, lambda body: {**body, "status": status}, _STATUS)
