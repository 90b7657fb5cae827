"""
The values that flow through a look at an application, from pairing to the recorded sync.

Each is made by one package of the core and read by another, which is why they live here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tiphys.model.objects import Key, Kind, Live, Manifest


class HealthCode(StrEnum):
    """Health as Argo CD words it, best first; the worst of an application's objects is the application's."""

    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    MISSING = "Missing"
    DEGRADED = "Degraded"
    UNKNOWN = "Unknown"


class SyncCode(StrEnum):
    """Whether a target and its live object agree."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Health:
    """How a live object does, and why."""

    code: HealthCode
    message: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A target and the live object of the same key; at least one of the two is there."""

    key: Key
    target: Manifest | None
    live: Live | None


@dataclass(frozen=True, slots=True)
class Difference:
    """
    One field that an apply would change.

    ``path`` is a JSON pointer (RFC 6901). ``before`` and ``after`` are absent (``None`` with the flag unset) where
    the field would be added or removed.
    """

    path: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing a pair found."""

    key: Key
    code: SyncCode
    differences: tuple[Difference, ...] = ()
    requires_pruning: bool = False
    """Live, ours, and wanted by nobody: a sync with prune would delete it."""
    message: str = ""
    """Why it could not be compared (``code`` is UNKNOWN), in the API server's words."""


@dataclass(frozen=True, slots=True)
class NeedDryRun:
    """The comparison lacks a fact: what a server-side dry-run apply of ``target`` would give."""

    key: Key
    target: Manifest


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a dry-run apply gave: the object as it would be, or why the API server refused."""

    body: Mapping[str, Any] | None
    refusal: str = ""
    live: Mapping[str, Any] | None = None
    """The live object in the target's version, where that is not the version that is watched."""


class Phase(StrEnum):
    """Where an operation, or the sync of one object, stands (Argo CD's ``OperationPhase``)."""

    RUNNING = "Running"
    TERMINATING = "Terminating"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERROR = "Error"

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self in (Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR)


@dataclass(frozen=True, slots=True)
class Task:
    """One object that a sync is to bring about: apply ``target``, or delete what is live where there is none."""

    key: Key
    target: Manifest | None
    phase: str = "Sync"
    wave: int = 0
    options: frozenset[str] = frozenset()
    """``ServerSideApply=true`` …, the application's and the object's own, the object's winning."""
    in_sync: bool = False
    """Applying would change nothing, so it is not asked for; a wave still waits for its health."""
    resource_version: str = ""
    """The live version that the target was made for, where it carries a live value; a race ends in a conflict."""

    @property
    def prunes(self) -> bool:
        """Whether this is a deletion."""
        return self.target is None


@dataclass(frozen=True, slots=True)
class Apply:
    """Ask for a server-side apply. Safe to give twice."""

    key: Key
    target: Manifest
    dry_run: bool = False
    validate: bool = True
    replace: bool = False
    """Replace the object whole (PUT, or create) instead of applying (``Replace=true``)."""
    force: bool = False
    """Delete and create again where the API server refuses a change (``Force=true``)."""
    resource_version: str = ""
    """Apply only to this version of the live object; a conflict means: look again."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Ask for a deletion of exactly this object (by UID). Safe to give twice; an absent object is success."""

    key: Key
    uid: str
    propagation: str = "Foreground"
    """``Foreground``, ``Background`` or ``Orphan``."""


Command = Apply | Delete


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a command."""

    key: Key
    phase: Phase
    message: str = ""
    live: Live | None = None
    """The object as our own write left it, if the API server gave it back."""
    conflict: bool = False
    """The live object had moved on from the version we named (409): look again, nothing failed."""


@dataclass(frozen=True)
class Seen:
    """What is known of the tasks' objects when ``advance`` is asked."""

    live: Mapping[Key, Live]
    health: Mapping[Key, Health | None]
    served: Callable[[Kind], bool]
    """Whether the API server serves a kind by now."""
    now: datetime
    last_write: datetime | None = None
    """When the operation last changed something in the cluster, as far as is remembered."""
    unreadable: Collection[Key] = ()
    """The objects of which nobody could tell whether they are there."""
