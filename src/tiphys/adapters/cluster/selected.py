"""
A few objects of one namespace that a selector names, watched: settings and credentials, whole and in memory alone.

What they say is for others to read; one that cannot be read hurts no other.
"""

from collections.abc import Callable, Collection

import msgspec
import structlog

from tiphys.adapters.cluster.watches import Watch
from tiphys.model.objects import Body, Key, Resource, key_of

log = structlog.get_logger(__name__)


class Selected:
    """The objects, as the watch told last. ``open`` of a cluster's ``select`` makes one."""

    def __init__(self, heard: Callable[[], None]) -> None:
        self._found: dict[Key, Body] = {}
        self._heard = heard
        self._watch: Watch | None = None

    @property
    def bodies(self) -> Collection[Body]:
        """The objects."""
        return self._found.values()

    @property
    def trouble(self) -> str:
        """Why nothing is known of them; empty if it is, be it old."""
        return "" if not self._watch or self._watch.listed else self._watch.reason

    def follow(self, watch: Watch) -> None:
        """What tells of them."""
        self._watch = watch

    def seen(self, raw: msgspec.Raw, resource: Resource) -> Key | None:
        """An object is like this; answers its key."""
        try:
            body: Body = {
                "apiVersion": resource.version,
                "kind": resource.kind.kind,
                **msgspec.json.decode(raw, type=dict),
            }
            key = key_of(body)
        except (msgspec.MsgspecError, TypeError, KeyError):
            log.warning("an object cannot be read", kind=str(resource.kind))
            return None
        if self._found.get(key) != body:
            self._found[key] = body
            self._heard()
        return key

    def gone(self, raw: msgspec.Raw, resource: Resource) -> None:
        """An object was deleted, or is selected no more."""
        before = len(self._found)
        if key := self._key(raw, resource):
            self._found.pop(key, None)
        if len(self._found) != before:
            self._heard()

    def complete(self, listed: Collection[Key], version: str) -> None:  # noqa: ARG002 - all of it is new
        """A list is through: there are these objects and no others."""
        left = self._found.keys() - set(listed)
        for key in left:
            del self._found[key]
        if left:
            self._heard()

    def rewind(self) -> None:
        """Nothing here is ordered by version."""

    def _key(self, raw: msgspec.Raw, resource: Resource) -> Key | None:
        try:
            body = msgspec.json.decode(raw, type=dict)
            return key_of({"apiVersion": resource.version, "kind": resource.kind.kind, **body})
        except (msgspec.MsgspecError, TypeError, KeyError):
            return None
