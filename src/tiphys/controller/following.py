"""
From what happens in the cluster to the names that have to be looked at.

An event that can change nothing of an application's state puts nobody into the queue: our own writes of a status among
them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from tiphys.controller.queue import Queue
from tiphys.core.diff.autoscaling import AUTOSCALERS, scaled_workloads
from tiphys.core.diff.compare import fingerprint
from tiphys.core.health import assess
from tiphys.model.objects import AppName, Key, Live, annotations_of, part
from tiphys.model.tracking import TIMELINE, app_name
from tiphys.reconcile.system import settings_key
from tiphys.reconcile.world import World


class Heard(Protocol):
    """What happened to an object. Decoding one costs more than most events are worth, so it is done when asked for."""

    @property
    def key(self) -> Key:
        """The object."""

    @property
    def applications(self) -> Collection[str]:
        """The applications that the object is or was tracked by, in the tracking annotation's words."""

    @property
    def old(self) -> Live | None:
        """The object before."""

    @property
    def new(self) -> Live | None:
        """The object now."""


@dataclass(frozen=True)
class Following:
    """Puts names into the queue. Its methods are called with what the watches hear and never raise."""

    world: World
    queue: Queue[AppName]

    def application(self, name: AppName, old: Live | None, new: Live | None) -> bool:
        """An Application came, went, or changed; answers whether in more than what we told of it ourselves."""
        asked = _asked(old) != _asked(new)
        if asked:
            self.queue.add(name)
        return asked

    def project(self) -> None:
        """A project changed: what it permits concerns all."""
        self.everybody()

    def everybody(self) -> None:
        """Something changed that concerns all."""
        for name in self.world.applications.names():
            self.queue.add(name)

    def changed(self, heard: Heard) -> None:
        """An object changed that applications track, or that one of them wants; or what holds for all of them."""
        if heard.key == settings_key(self.world) and _data(heard.old) != _data(heard.new):
            self.everybody()
        if heard.key.of in AUTOSCALERS:
            self._scaled(heard.old, heard.new)
        concerned = self._concerned(heard)
        if concerned and _matters(heard.old, heard.new):
            for name in concerned:
                self.queue.add(name)

    def _concerned(self, heard: Heard) -> set[AppName]:
        owner = self.world.memory.owners.get(heard.key)
        trackers = {app_name(each, self.world.namespace) for each in heard.applications}
        return trackers | ({owner} if owner else set())

    def _scaled(self, before: Live | None, after: Live | None) -> None:
        """An autoscaler came, went or turned to another workload."""
        was, now = (scaled_workloads([live.body] if live else []) for live in (before, after))
        for key in was ^ now:
            if name := self.world.memory.owners.get(key):
                self.queue.add(name)


def _asked(live: Live | None) -> tuple[object, ...] | None:
    """What of an Application is asked by others, rather than told by us."""
    if live is None:
        return None
    metadata = live.metadata
    state = part(live.body, "status", "operationState")
    return (
        live.body.get("spec"),
        live.body.get("operation") if state.get("phase") != "Running" else None,
        state.get("phase") == "Terminating",
        {name: text for name, text in annotations_of(live.body).items() if name != TIMELINE},
        metadata.get("finalizers"),
        metadata.get("deletionTimestamp"),
        metadata.get("uid"),
    )


def _data(live: Live | None) -> object:
    return live.body.get("data") if live else None


def _matters(before: Live | None, after: Live | None) -> bool:
    """Whether an object's comparison, health or images can have changed."""
    if before is None or after is None:
        return True
    return (
        assess(before) != assess(after)
        or before.deleting != after.deleting
        or fingerprint(before.body) != fingerprint(after.body)
    )
