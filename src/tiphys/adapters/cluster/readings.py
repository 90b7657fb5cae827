"""
What the API server says of objects, read as little as needed: the head at once, the body when somebody asks.

Knows the documents of lists and watches, and how their resource versions are ordered.
"""

import sys
import zlib
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import orjson

from tiphys.model.objects import Key, Live, Resource
from tiphys.model.tracking import TRACKING_ID, parse_tracking_id

_SMALL = 512
"""Bytes below which compressing saves nothing."""


class _Metadata(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""  # noqa: N815  the wire's name
    annotations: dict[str, str] | None = None


class _Head(msgspec.Struct, frozen=True, gc=False):
    metadata: _Metadata
    apiVersion: str = ""  # noqa: N815  the wire's name
    kind: str = ""


class ListMetadata(msgspec.Struct, frozen=True):
    """Where a list stands in time, and where its next page is."""

    resourceVersion: str = ""  # noqa: N815  the wire's name
    next: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct, frozen=True):
    """A page of a list, its objects unread."""

    metadata: ListMetadata
    items: list[msgspec.Raw] | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """A line of a watch: ``ADDED``, ``MODIFIED``, ``DELETED``, ``BOOKMARK`` or ``ERROR``."""

    type: str
    object: msgspec.Raw


_head = msgspec.json.Decoder(_Head)
page = msgspec.json.Decoder(Page).decode
event = msgspec.json.Decoder(Event).decode


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of an object: its identity, whose it is, and its JSON."""

    key: Key
    uid: str
    version: str
    application: str
    """The application that the tracking id names (``name`` or ``namespace_name``), empty if none."""
    data: bytes
    packed: bool = False

    def json(self) -> bytes:
        """The object's JSON text."""
        return zlib.decompress(self.data) if self.packed else self.data

    def live(self) -> Live:
        """The object, decoded."""
        return Live(self.key, orjson.loads(self.json()))

    def kept(self) -> "Reading":
        """The same for keeping: a manifest of 2 kB takes less than half of it."""
        if self.packed or len(self.data) <= _SMALL:
            return self
        return replace(self, data=zlib.compress(self.data, 1), packed=True)


def read(raw: bytes | msgspec.Raw, resource: Resource) -> Reading:
    """A reading of an object of a kind; raises ``msgspec.MsgspecError`` if it is none."""
    head = _head.decode(raw)
    told = head.metadata
    key = Key(*resource.kind, sys.intern(told.namespace), told.name)
    return Reading(
        key=key,
        uid=told.uid,
        version=told.resourceVersion,
        application=tracked_by(key, (told.annotations or {}).get(TRACKING_ID, "")),
        data=_whole(bytes(raw), head, resource),
    )


def version_of(raw: bytes | msgspec.Raw) -> str:
    """The resource version of an object, such as a bookmark's."""
    return _head.decode(raw).metadata.resourceVersion


def tracked_by(key: Key, tracking_id: str) -> str:
    """The application of a tracking id that names the object of this key; empty if there is none."""
    found = parse_tracking_id(tracking_id) if tracking_id else None
    return sys.intern(found.application) if found and found.names(key) else ""


def newer(version: str, than: str) -> bool:
    """
    Whether one resource version is later than another.

    Kubernetes' own are decimal numbers of one history. An aggregated API may do otherwise; then what comes
    last wins.
    """
    if version.isdecimal() and than.isdecimal():
        return int(version) > int(than)
    return version != than


def _whole(raw: bytes, head: _Head, resource: Resource) -> bytes:
    """The JSON with apiVersion and kind, which lists leave out of their items."""
    if head.kind and head.apiVersion:
        return raw
    group, kind = resource.kind
    told: dict[str, Any] = {
        "apiVersion": f"{group}/{resource.version}" if group else resource.version,
        "kind": kind,
    }
    missing = {k: v for k, v in told.items() if not getattr(head, k)}
    return orjson.dumps(missing)[:-1] + b"," + raw.lstrip()[1:]
