"""
What the revisions of a release so far mean for the next one.

Helm's rules where nothing went wrong. Where something did, ours: a revision that was begun and not ended does not
stand in the way for ever, and what it had brought to the cluster is not forgotten.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tiphys.core.bootstrap.records import DEPLOYED, PENDING, SUPERSEDED, UNINSTALLED, UNINSTALLING, Record
from tiphys.model.objects import part

KEPT = 10
"""Revisions that are kept, as with Helm."""


@dataclass(frozen=True)
class History:
    """The revisions of one release, the oldest first."""

    records: tuple[Record, ...] = ()

    @property
    def newest(self) -> Record | None:
        """The last revision, however it ended."""
        return self.records[-1] if self.records else None

    @property
    def pending(self) -> Record | None:
        """The last revision if it was begun and did not end."""
        newest = self.newest
        return newest if newest and newest.status in PENDING else None

    @property
    def deployed(self) -> Record | None:
        """What is in the cluster, if an install or an upgrade ever went well."""
        return next((r for r in reversed(self.records) if r.status == DEPLOYED), None)

    @property
    def revision(self) -> int:
        """The next one."""
        return self.newest.version + 1 if self.newest else 1

    @property
    def upgrades(self) -> bool:
        """
        Whether the next revision is an upgrade.

        For Helm every revision but the first is one. Here an install that never went well is begun again, so that
        hooks of the install run until they have succeeded.
        """
        newest = self.newest
        if not newest or newest.status in (UNINSTALLED, UNINSTALLING):
            return False
        return any(r.status in (DEPLOYED, SUPERSEDED) for r in self.records)

    @cached_property
    def baseline(self) -> tuple[Record, ...]:
        """The revisions that may have left objects behind: the deployed one, and what was tried since."""
        last = next((i for i, r in reversed(list(enumerate(self.records))) if r.status in _ENDED), 0)
        return tuple(r for r in self.records[last:] if r.status != UNINSTALLED)

    @property
    def first_deployed(self) -> str:
        """When the release was first installed, RFC 3339; empty if it is not."""
        if not self.upgrades or not self.newest:
            return ""
        return str(part((self.deployed or self.newest).body, "info").get("first_deployed") or "")

    def surplus(self, room: int = KEPT - 1) -> tuple[Record, ...]:
        """The oldest ones, without which there is room for one more; what is deployed stays."""
        spare = [r for r in self.records if r is not self.deployed]
        return tuple(spare[: max(0, len(self.records) - room)])


_ENDED = frozenset({DEPLOYED, SUPERSEDED, UNINSTALLED})


def history_of(records: Iterable[Record]) -> History:
    """Revisions in their order."""
    return History(tuple(sorted(records, key=lambda record: record.version)))


def differing(records: Sequence[Record]) -> tuple[str, ...]:
    """The manifests of records, each once."""
    return tuple(dict.fromkeys(record.manifest for record in records))
