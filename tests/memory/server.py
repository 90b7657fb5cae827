"""
What an API server does: keeps objects, tells their history, and holds writers to the rules.

Everything here happens at once and in one piece; delays, losses and the wire are for ``wire``.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from memory.defaults import defaulted
from memory.fields import Shape, encoded
from memory.kinds import BUILT_IN, DEFINITION, NAMESPACE, Served, defined
from memory.merging import Owners, Writer, apply, update
from memory.rules import Refusal, check
from tiphys.model.objects import Body, Key, Kind, key_of, part

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


@dataclass(frozen=True)
class Record:
    """An object as it is kept: without ``managedFields``, which are made when it is read."""

    body: Mapping[str, Any]
    owners: Owners = field(default_factory=dict)
    times: Mapping[Writer, str] = field(default_factory=dict)

    @property
    def metadata(self) -> Body:
        """Its metadata."""
        return part(self.body, "metadata")

    def read(self, api_version: str = "") -> dict[str, Any]:
        """As the API server gives it out."""
        managed = [self._entry(writer) for writer in sorted(self.owners)]
        metadata = {**self.metadata, **({"managedFields": managed} if managed else {})}
        return {**self.body, "apiVersion": api_version or self.body["apiVersion"], "metadata": metadata}

    def _entry(self, writer: Writer) -> dict[str, Any]:
        entry = {
            "manager": writer.manager,
            "operation": writer.operation,
            "apiVersion": writer.version,
            "time": self.times.get(writer, ""),
            "fieldsType": "FieldsV1",
            "fieldsV1": encoded(self.owners[writer]),
        }
        return {**entry, "subresource": writer.subresource} if writer.subresource else entry


@dataclass(frozen=True)
class Event:
    """A moment of the history: ``before`` and ``after`` are absent where there was or is nothing."""

    version: int
    key: Key
    before: Record | None
    after: Record | None
    writer: str


class Server:
    """An API server and its etcd."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC), seed: int = 0) -> None:
        self.now = now
        self.records: dict[Key, Record] = {}
        self.history: list[Event] = []
        self.kinds: dict[Kind, Served] = {served.kind: served for served in BUILT_IN}
        self.compacted = 0
        self.listeners: list[Callable[[Event], None]] = []
        self._random = Random(seed)  # noqa: S311 - no secret
        self._count = 0
        for name in ("default", "kube-system"):
            self.create(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
                Writer("Update", "setup"),
            )

    @property
    def version(self) -> int:
        """The resource version of the newest write."""
        return self._count

    def get(self, key: Key) -> Record:
        """An object; raises ``Refusal`` if there is none."""
        if record := self.records.get(key):
            return record
        raise Refusal(404, "NotFound", f'{self.served(key.of).noun} "{key.name}" not found')

    def body(self, key: Key) -> dict[str, Any] | None:
        """An object as it is given out, ``None`` if there is none."""
        record = self.records.get(key)
        return record.read() if record else None

    def of_kind(self, kind: Kind) -> Iterator[tuple[Key, Record]]:
        """Every object of a kind."""
        return ((key, record) for key, record in tuple(self.records.items()) if key.of == kind)

    def served(self, kind: Kind) -> Served:
        """How a kind is served; raises ``Refusal`` if it is not."""
        if served := self.kinds.get(kind):
            return served
        raise Refusal(404, "NotFound", "the server could not find the requested resource")

    def events(self, key: Key) -> list[Event]:
        """The history of one object."""
        return [event for event in self.history if event.key == key]

    def create(self, body: Body, who: Writer, *, dry_run: bool = False) -> Record:
        """POST."""
        key = self._key(body)
        self._expect_namespace(key)
        fresh = self._fresh(defaulted(key.of, _without_server_fields(body)))
        check(self.served(key.of), fresh, None)
        if key in self.records:
            raise Refusal(409, "AlreadyExists", f'{self.served(key.of).noun} "{key.name}" already exists')
        owners = update({}, {}, fresh, who, self._shape(key))
        return self._commit(key, None, fresh, owners, who, dry_run)

    def apply(self, body: Body, who: Writer, *, dry_run: bool = False) -> Record:
        """PATCH with server-side apply, forced."""
        key = self._key(body)
        live = self.records.get(key)
        self._expect_version(key, live, part(body, "metadata"))
        if live is None:
            self._expect_namespace(key)
        config = defaulted(Kind("", ""), _without_server_fields(body))
        if self.served(key.of).status:
            config.pop("status", None)
        merged, owners = self._applied(key, live, config, who)
        new = defaulted(key.of, {**merged, "apiVersion": self.served(key.of).api_version()})
        new = self._fresh(new) if live is None else new
        check(self.served(key.of), new, live.body if live else None)
        return self._commit(key, live, new, owners, who, dry_run)

    def _applied(
        self, key: Key, live: Record | None, config: Body, who: Writer
    ) -> tuple[dict[str, Any], Owners]:
        if live is None:
            return apply({}, {}, config, who, self._shape(key))
        unnoted = update({}, {}, live.body, Writer("Update", "before-first-apply"), self._shape(key))
        return apply(live.body, live.owners or unnoted, config, who, self._shape(key))

    def replace(self, body: Body, who: Writer, *, dry_run: bool = False) -> Record:
        """PUT."""
        key = self._key(body)
        live = self.get(key)
        self._expect_version(key, live, part(body, "metadata"))
        return self.update(key, lambda _: _without_server_fields(body), who, dry_run=dry_run)

    def update(
        self, key: Key, change: Callable[[dict[str, Any]], Body], who: Writer, *, dry_run: bool = False
    ) -> Record:
        """Write what ``change`` makes of an object, as everybody does who does not apply."""
        live = self.get(key)
        wanted = defaulted(key.of, change(defaulted(Kind("", ""), live.body)))
        new = self._scoped(key, live.body, wanted, who.subresource)
        check(self.served(key.of), new, live.body)
        # Whose owners nobody ever noted, theirs are not noted from now on either, until somebody applies.
        owners = update(live.body, live.owners, new, who, self._shape(key)) if live.owners else {}
        return self._commit(key, live, new, owners, who, dry_run)

    def patch(self, key: Key, patch: Body, who: Writer) -> Record:
        """PATCH with a merge patch (RFC 7386)."""
        self._expect_version(key, self.get(key), part(patch, "metadata"))
        return self.update(key, lambda body: _merge_patched(body, patch), who)

    def delete(
        self, key: Key, uid: str = "", propagation: str = "Background", who: str = ""
    ) -> Record | None:
        """DELETE; answers with the object if it is still there."""
        live = self.get(key)
        if uid and live.metadata["uid"] != uid:
            raise Refusal(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on {self.served(key.of).noun} "{key.name}": Precondition failed: '
                f"UID in precondition: {uid}, UID in object meta: {live.metadata['uid']}",
            )
        finalizers = list(live.metadata.get("finalizers", ()))
        wanted = {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(propagation)
        if wanted and wanted not in finalizers and not live.metadata.get("deletionTimestamp"):
            finalizers.append(wanted)
        if key.of == DEFINITION and CLEANUP not in finalizers and not live.metadata.get("deletionTimestamp"):
            finalizers.append(CLEANUP)
        if not finalizers and key.of != NAMESPACE:
            self._remove(key, who)
            return None
        return self._marked(key, live, finalizers, who)

    def compact(self) -> None:
        """Forget the history, so that whoever watches from an older version has to list again."""
        self.compacted = self._count

    def _marked(self, key: Key, live: Record, finalizers: list[str], who: str) -> Record:
        """Set to be deleted, as long as something holds it."""
        metadata = {"deletionTimestamp": _stamp(self.now()), "deletionGracePeriodSeconds": 0, **live.metadata}
        if finalizers:
            metadata["finalizers"] = finalizers
        body = {**live.body, "metadata": metadata}
        if key.of == NAMESPACE:
            body["status"] = {"phase": "Terminating"}
        return self._commit(key, live, body, live.owners, Writer("Update", who or "deleter"), dry_run=False)

    def _commit(
        self,
        key: Key,
        old: Record | None,
        body: Body,
        owners: Owners,
        who: Writer,
        dry_run: bool,
    ) -> Record:
        """Keep a body, unless nothing changed; a dry run only tells what would be kept."""
        generation = self._generation(key, old, body)
        metadata = {**part(body, "metadata"), **({"generation": generation} if generation else {})}
        same = old and (old.body | {"metadata": {**old.metadata}}) == {**body, "metadata": metadata}
        if old and same and old.owners == owners:
            return old
        times = {**(old.times if old else {}), who: _stamp(self.now())}
        metadata["resourceVersion"] = str(self._count + 1)
        new = Record({**body, "metadata": metadata}, owners, times)
        if dry_run:
            return replace(new, body={**body, "metadata": {**metadata, "resourceVersion": _version(old)}})
        self._count += 1
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers") and key.of != NAMESPACE:
            return self._removed(key, old, new, who.manager)
        self.records[key] = new
        self._tell(Event(self._count, key, old, new, who.manager))
        return new

    def _remove(self, key: Key, who: str = "") -> None:
        """Gone, whatever held it."""
        old = self.records[key]
        self._count += 1
        last = Record(
            {**old.body, "metadata": {**old.metadata, "resourceVersion": str(self._count)}}, old.owners
        )
        self._removed(key, old, last, who)

    def _removed(self, key: Key, old: Record | None, last: Record, who: str) -> Record:
        self.records.pop(key, None)
        self._tell(Event(self._count, key, old, None, who))
        return last

    def _tell(self, event: Event) -> None:
        self.history.append(event)
        if event.key.of == DEFINITION:
            self._define(event)
        for listener in tuple(self.listeners):
            listener(event)

    def _define(self, event: Event) -> None:
        if event.after is None and event.before:
            self.kinds.pop(defined(event.before.body).kind, None)

    def _key(self, body: Body) -> Key:
        served = self.served(key_of(body).of)
        key = key_of(body, "default" if served.namespaced else "")
        return key if served.namespaced else key._replace(namespace="")

    def _shape(self, key: Key) -> Shape:
        return Shape(custom=self.served(key.of).custom)

    def _expect_namespace(self, key: Key) -> None:
        if not key.namespace:
            return
        namespace = self.records.get(Key(*NAMESPACE, "", key.namespace))
        if namespace is None:
            raise Refusal(404, "NotFound", f'namespaces "{key.namespace}" not found')
        if namespace.metadata.get("deletionTimestamp"):
            raise Refusal(
                403,
                "Forbidden",
                f'{self.served(key.of).noun} "{key.name}" is forbidden: unable to create new content in namespace '
                f"{key.namespace} because it is being terminated",
            )

    def _expect_version(self, key: Key, live: Record | None, metadata: Body) -> None:
        uid, version = metadata.get("uid"), metadata.get("resourceVersion")
        noun = f'Operation cannot be fulfilled on {self.served(key.of).noun} "{key.name}"'
        if live is None and uid:
            raise Refusal(409, "Conflict", f"{noun}: uid mismatch: no existing object was found")
        if live and uid and live.metadata["uid"] != uid:
            raise Refusal(409, "Conflict", f"{noun}: uid mismatch: the existing object has another one")
        if live and version and live.metadata["resourceVersion"] != version:
            raise Refusal(
                409,
                "Conflict",
                f"{noun}: the object has been modified; please apply your changes to the latest version and try again",
            )

    def _fresh(self, body: Body) -> dict[str, Any]:
        """A new object's identity."""
        uid = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        metadata = {**part(body, "metadata"), "uid": uid, "creationTimestamp": _stamp(self.now())}
        served = self.served(key_of(body).of)
        metadata.pop("managedFields", None)
        if served.namespaced:
            metadata.setdefault("namespace", "default")
        new = {**body, "apiVersion": served.api_version(), "metadata": metadata}
        if served.status:
            new.pop("status", None)
        if served.kind == NAMESPACE:
            new["status"] = {"phase": "Active"}
        return new

    def _scoped(self, key: Key, old: Body, wanted: Body, subresource: str) -> dict[str, Any]:
        """Only what a write may change: identity never, status and the rest each by its own way."""
        served = self.served(key.of)
        metadata = {**part(wanted, "metadata")}
        metadata.pop("managedFields", None)
        kept = (
            "name",
            "namespace",
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        )
        for name in (*kept, "generation", "resourceVersion"):
            metadata.pop(name, None)
            if name in old["metadata"]:
                metadata[name] = old["metadata"][name]
        if served.status and subresource == "status":
            return {**old, **({"status": wanted["status"]} if "status" in wanted else {})}
        new = {**wanted, "apiVersion": served.api_version(), "metadata": metadata}
        if served.status:
            new.pop("status", None)
            new.update({"status": old["status"]} if "status" in old else {})
        return new

    def _generation(self, key: Key, old: Record | None, body: Body) -> int:
        if not self.served(key.of).generation:
            return 0
        if old is None:
            return 1
        now: int = old.metadata.get("generation", 1)
        return now + 1 if _asked(key.of, old.body) != _asked(key.of, body) else now


def _asked(kind: Kind, body: Body) -> Any:
    """What counts for the generation; with Deployments, annotations count too."""
    metadata = part(body, "metadata")
    rest = {name: value for name, value in body.items() if name not in ("metadata", "status", "apiVersion")}
    noted = metadata.get("annotations") if kind == ("apps", "Deployment") else None
    return rest, noted, metadata.get("deletionTimestamp")


def _version(old: Record | None) -> str:
    return str(old.metadata.get("resourceVersion", "")) if old else ""


def _without_server_fields(body: Body) -> dict[str, Any]:
    metadata = {
        k: v
        for k, v in part(body, "metadata").items()
        if k not in ("managedFields", "resourceVersion", "uid")
    }
    return {**body, "metadata": metadata}


def _merge_patched(body: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(body) if isinstance(body, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge_patched(merged.get(name), value)
    return merged


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def dependents(server: Server, uid: str) -> Iterable[tuple[Key, Record, Body]]:
    """The objects that an object owns, each with the reference that says so."""
    for key, record in tuple(server.records.items()):
        for reference in record.metadata.get("ownerReferences", ()):
            if reference.get("uid") == uid:
                yield key, record, reference
