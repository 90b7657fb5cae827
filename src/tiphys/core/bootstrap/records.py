"""
Releases as Helm keeps them: one Secret for each revision, readable by Helm and by us.

The format is Helm's storage driver for Secrets: ``data.release`` is Base64 of Base64 of gzip of JSON, and what one
searches by stands in labels.
"""

import base64
import binascii
import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from tiphys.model.errors import SpecError
from tiphys.model.objects import Body, Key, Live, part

TYPE = "helm.sh/release.v1"
SYSTEM_LABELS = frozenset({"name", "owner", "status", "version", "createdAt", "modifiedAt"})
BEAT = "tiphys.dev/at-work"
"""The annotation that changes every few seconds while we work on a revision; where it rests, nobody does any more."""
LARGEST = 256 << 20
"""Bytes of JSON that a record may unpack to; a Secret holds 1 MiB of it, packed."""

DEPLOYED, SUPERSEDED, FAILED = "deployed", "superseded", "failed"
UNINSTALLED, UNINSTALLING = "uninstalled", "uninstalling"
PENDING_INSTALL, PENDING_UPGRADE = "pending-install", "pending-upgrade"
PENDING = frozenset({PENDING_INSTALL, PENDING_UPGRADE, "pending-rollback"})


@dataclass(frozen=True)
class Record:
    """One revision of a release."""

    body: Body
    """The release as Helm serialises it."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The user's own."""
    made: str = ""
    """When its Secret was made, RFC 3339."""
    beat: str | None = None
    """What the annotation ``BEAT`` says; ``None`` where nobody of ours is or was at work."""

    @property
    def name(self) -> str:
        """The release."""
        return str(self.body.get("name") or "")

    @property
    def namespace(self) -> str:
        """Where it is recorded."""
        return str(self.body.get("namespace") or "")

    @property
    def version(self) -> int:
        """The revision."""
        return int(self.body.get("version") or 0)

    @property
    def status(self) -> str:
        """``deployed``, ``failed``, ``pending-upgrade`` …"""
        return str(part(self.body, "info").get("status") or "")

    @property
    def manifest(self) -> str:
        """What it installed, but for hooks and definitions, as YAML."""
        return str(self.body.get("manifest") or "")

    @property
    def config(self) -> Body:
        """The values that were given to it."""
        return part(self.body, "config")

    @property
    def key(self) -> Key:
        """Its Secret."""
        return secret_key(self.namespace, self.name, self.version)

    def told(self, status: str, description: str) -> "Record":
        """The same with another status."""
        info = {**part(self.body, "info"), "status": status, "description": description}
        return replace(self, body={**self.body, "info": info})

    def ran(self, place: int, run: Mapping[str, Any]) -> "Record":
        """The same with what became of one of its hooks, and with the policy that it has where it names none."""
        hooks = [dict(hook) for hook in self.body.get("hooks") or ()]
        policies = hooks[place].get("delete_policies") or ["before-hook-creation"]
        hooks[place] = {**hooks[place], "last_run": dict(run), "delete_policies": policies}
        return replace(self, body={**self.body, "hooks": hooks})

    def secret(self, now: datetime) -> Body:
        """The Secret that records it."""
        packed = gzip.compress(orjson.dumps(self.body), 9, mtime=0)
        stamp = {"modifiedAt": str(int(now.timestamp()))}
        labels = {
            **self.labels,
            **stamp,
            "name": self.name,
            "owner": "helm",
            "status": self.status,
            "version": str(self.version),
        }
        metadata: dict[str, Any] = {"name": self.key.name, "namespace": self.namespace, "labels": labels}
        if self.beat is not None:
            metadata["annotations"] = {BEAT: self.beat}
        data = {"release": base64.b64encode(base64.b64encode(packed)).decode()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": TYPE, "data": data}


def begun(body: Body, first: str, now: datetime, *, upgrade: bool) -> Record:
    """The record of a release that is about to be brought to the cluster; ``first`` is when its first one was."""
    stamp = time_of(now)
    info = {**part(body, "info"), "first_deployed": first or stamp, "last_deployed": stamp}
    record = Record({**body, "info": info}, beat=stamp)
    if upgrade:
        return record.told(PENDING_UPGRADE, "Preparing upgrade")
    return record.told(PENDING_INSTALL, "Initial install underway")


def record_of(secret: Live) -> Record:
    """What a Secret records. Raises ``SpecError`` if it is no record that can be read."""
    try:
        packed = base64.b64decode(base64.b64decode(part(secret.body, "data")["release"]))
        body = orjson.loads(_unpacked(packed))
        labels = part(secret.metadata, "labels")
        own = {k: v for k, v in labels.items() if k not in SYSTEM_LABELS}
        record = Record(
            body, own, str(secret.metadata.get("creationTimestamp") or ""), secret.annotations.get(BEAT)
        )
        whole = bool(record.name) and record.version > 0
    except (KeyError, TypeError, ValueError, AttributeError, zlib.error, binascii.Error) as error:
        raise _unreadable(secret, str(error)) from error
    if not whole:
        raise _unreadable(secret, "it names no release or no revision")
    return record


def _unreadable(secret: Live, why: str) -> SpecError:
    return SpecError(
        f"Secret {secret.key.namespace}/{secret.key.name} is no release that can be read ({why}): "
        "delete it if it is none of yours; what it installed stays"
    )


def secret_key(namespace: str, name: str, version: int) -> Key:
    """The Secret of a revision."""
    return Key("", "Secret", namespace, f"sh.helm.release.v1.{name}.v{version}")


def time_of(now: datetime) -> str:
    """A time as Helm writes it."""
    return now.isoformat().replace("+00:00", "Z")


def _unpacked(packed: bytes) -> bytes:
    if not packed.startswith(b"\x1f\x8b\x08"):
        return packed  # from before Helm packed them
    opened = zlib.decompressobj(wbits=31)
    text = opened.decompress(packed, LARGEST)
    if opened.unconsumed_tail:
        raise ValueError(f"it unpacks to more than {LARGEST >> 20} MiB")
    return text
