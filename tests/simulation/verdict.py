"""Whether all is well after a play: what Git says is live, nothing of others was touched, and it is quiet."""

from collections.abc import Iterator, Mapping
from typing import Any

from memory.kinds import DEFINITION
from memory.server import Event
from simulation.books import rendered
from simulation.play import APPLICATION, DEPLOYMENT, NAMESPACES, Play
from tiphys.core.timeline.entries import read
from tiphys.model.objects import Body, Key, Kind, Live, key_of
from tiphys.model.tracking import FIELD_MANAGER, TIMELINE, tracked_by

AUTOSCALER = Kind("autoscaling", "HorizontalPodAutoscaler")


def unwell(play: Play) -> Iterator[str]:
    """What is not as Git says, in sentences."""
    yield from _statuses(play)
    yield from _contents(play)
    yield from _extras(play)


def wrongs(play: Play) -> Iterator[str]:
    """What should never have happened."""
    yield from (f"a bug was met: {type(bug).__name__}: {bug}" for bug in play.bugs)
    yield from _foreign(play)
    yield from _replicas(play)


def unrest(play: Play, version: int) -> Iterator[str]:
    """What was written after a version."""
    return (_told(event) for event in play.server.history if event.version > version)


def _statuses(play: Play) -> Iterator[str]:
    for name in play.names:
        body = play.server.body(Key(*APPLICATION, "argocd", name))
        if body is None:
            yield f"{name} is not there"
            continue
        status = body.get("status", {})
        says = status.get("sync", {}).get("status"), status.get("health", {}).get("status")
        state = status.get("operationState", {})
        if says != ("Synced", "Healthy") or status.get("sync", {}).get("revision") != play.books.tip:
            yield f"{name} is {says} at {status.get('sync', {}).get('revision')}: {state.get('message')}"
        if status.get("conditions"):
            yield f"{name} has conditions: {status['conditions']}"
        if state.get("phase") in ("Running", "Terminating") or "operation" in body:
            yield f"{name} has an operation under way: {state.get('message')}"
        timeline = read(body["metadata"].get("annotations", {}).get(TIMELINE, ""))
        if not timeline.at or not timeline.at.healthy:
            yield f"{name} is not healthy by its timeline: {timeline.at}"
        ids = [entry["id"] for entry in status.get("history", ())]
        if ids != list(range(ids[0], ids[0] + len(ids)) if ids else ()):
            yield f"{name} has a history with gaps: {ids}"


def _targets(play: Play) -> dict[Key, Mapping[str, Any]]:
    found: dict[Key, Mapping[str, Any]] = {}
    for name in play.names:
        spec = (play.server.body(Key(*APPLICATION, "argocd", name)) or {}).get("spec", {})
        for each in rendered(play.books.files, name):
            found[_key(each.body, spec.get("destination", {}).get("namespace", "shop"))] = each.body
    return found


def _key(body: Body, namespace: str) -> Key:
    key = key_of(body, namespace)
    return key._replace(namespace="") if key.of == DEFINITION else key


def _contents(play: Play) -> Iterator[str]:
    targets = _targets(play)
    for key, target in targets.items():
        live = play.server.body(key)
        if live is None:
            yield f"{key} is missing"
            continue
        scaled = key.of == DEPLOYMENT and Key(*AUTOSCALER, key.namespace, key.name) in targets
        wanted = {**target, "spec": {**target["spec"]}} if key.of == DEPLOYMENT else target
        if scaled:
            wanted["spec"].pop("replicas", None)
        if lack := next(_lacks(wanted, live), None):
            yield f"{key} lacks {lack}"
        ours = {
            e["manager"]: e["fieldsV1"]
            for e in live["metadata"]["managedFields"]
            if e["operation"] == "Apply"
        }
        extra = set(ours.get(FIELD_MANAGER, {}).get("f:data", {})) - {
            f"f:{name}" for name in target.get("data", {})
        }
        if extra:
            yield f"{key} has fields of ours that Git does not have: {extra}"


def _lacks(target: Any, live: Any, path: str = "") -> Iterator[str]:
    """Where a live object does not have what a target says."""
    if isinstance(target, Mapping) and isinstance(live, Mapping):
        for name, value in target.items():
            yield from _lacks(value, live.get(name), f"{path}/{name}")
    elif isinstance(target, list) and isinstance(live, list) and len(target) == len(live):
        for number, (value, found) in enumerate(zip(target, live, strict=True)):
            yield from _lacks(value, found, f"{path}/{number}")
    elif target != live:
        yield f"{path}: {target!r} is {live!r}"


def _extras(play: Play) -> Iterator[str]:
    targets = _targets(play)
    for key, record in play.server.records.items():
        # What carries no mark any more somebody took over: an edit of the play removes marks.
        mark = tracked_by(Live(key, record.body))
        ours = mark and not record.metadata.get("ownerReferences")
        # A definition outlives its application, and the next one of its name need not know of it.
        outlived = mark and key.of == DEFINITION and _was_deleted(play, mark.application)
        if ours and key not in targets and not outlived:
            yield f"{key} is live and nobody wants it"


def _was_deleted(play: Play, name: str) -> bool:
    return any(event.after is None for event in play.server.events(Key(*APPLICATION, "argocd", name)))


def _foreign(play: Play) -> Iterator[str]:
    """Nothing of others was written or deleted by us."""
    wanted = {
        _key(each.body, namespace)
        for sha in play.books.order
        for each in _all(play, sha)
        for namespace in NAMESPACES
    }
    wanted |= {Key("", "Namespace", "", namespace) for namespace in NAMESPACES}
    for event in play.server.history:
        if event.writer == FIELD_MANAGER and event.key not in wanted:
            yield f"not ours: {_told(event)}"
    for key in play.foreign:
        if key not in play.server.records:
            yield f"{key} of others is gone"


def _all(play: Play, sha: str) -> Iterator[Any]:
    files = {p: t for p, t in play.books.commits[sha].items() if not p.endswith("broken.json")}
    for name in play.names:
        yield from rendered(files, name)


def _replicas(play: Play) -> Iterator[str]:
    """Whoever has an autoscaler is never given another number by us."""
    scalers: set[Key] = set()
    for event in play.server.history:
        if event.key.of == AUTOSCALER:
            scalers = scalers | {event.key} if event.after else scalers - {event.key}
        if event.key.of != DEPLOYMENT or not event.before or not event.after:
            continue
        before, after = (each.body["spec"]["replicas"] for each in (event.before, event.after))
        scaled = Key(*AUTOSCALER, event.key.namespace, event.key.name) in scalers
        if scaled and before != after and event.writer == FIELD_MANAGER:
            yield f"replicas went from {before} to {after}: {_told(event)}"


def _told(event: Event) -> str:
    what = "deleted" if event.after is None else "changed" if event.before else "created"
    return f"{event.key} was {what} by {event.writer} at version {event.version}"
