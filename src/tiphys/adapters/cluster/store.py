"""
What is kept of live objects, and which of two readings is the newer.

Keeps an object if it is tracked by an application, was asked for by its key, or is of a kind that is kept
whole; everything else is dropped as it comes, so that memory does not grow with the cluster. Readings come from
watches, from single reads and from our own writes, in any order: an older one never replaces a newer.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from tiphys.adapters.cluster.readings import Reading, newer
from tiphys.model.objects import Key, Kind, Live

_DECODED = 256
"""How many decoded objects are at hand."""
_BURIED = 10_000
"""How many deleted objects are remembered by UID."""


@dataclass(frozen=True)
class Change:
    """What happened to an object that is kept, or was; ``old`` and ``new`` are decoded when asked for."""

    key: Key
    before: Reading | None
    after: Reading | None
    decode: Callable[[Reading], Live]

    @cached_property
    def old(self) -> Live | None:
        """The object before, ``None`` if it was not there or not kept."""
        return self.decode(self.before) if self.before else None

    @cached_property
    def new(self) -> Live | None:
        """The object now, ``None`` if it is gone."""
        return self.decode(self.after) if self.after else None

    @property
    def applications(self) -> frozenset[str]:
        """The applications that the object is or was tracked by, in the tracking annotation's words."""
        return frozenset(r.application for r in (self.before, self.after) if r and r.application)


class Store:
    """The live objects that are kept, of one cluster."""

    def __init__(self, whole: Collection[Kind], tell: Callable[[Change], None]) -> None:
        self._whole = frozenset(whole)
        self._tell = tell
        self._kinds: dict[Kind, dict[Key, Reading]] = {}
        self._applications: dict[str, dict[Key, None]] = {}
        self._wanted: dict[Key, bool] = {}
        self._buried: OrderedDict[str, None] = OrderedDict()
        self._decoded: OrderedDict[tuple[Key, str, str], Live] = OrderedDict()

    def get(self, key: Key) -> Reading | None:
        """The newest reading of an object."""
        return self._kinds.get(key.of, {}).get(key)

    def live(self, reading: Reading) -> Live:
        """A reading, decoded once for all who ask soon."""
        name = (reading.key, reading.uid, reading.version)
        live = self._decoded.pop(name, None) or reading.live()
        self._decoded[name] = live
        if len(self._decoded) > _DECODED:
            self._decoded.popitem(last=False)
        return live

    def of_kind(self, kind: Kind) -> Iterator[Reading]:
        """Every object of a kind that is kept."""
        return iter(tuple(self._kinds.get(kind, {}).values()))

    def tracked(self, application: str) -> Iterator[Reading]:
        """Every object that is tracked by an application."""
        keys = tuple(self._applications.get(application, ()))
        return (reading for key in keys if (reading := self.get(key)))

    def want(self, key: Key) -> None:
        """From now on keep the object of this key, whoever it belongs to."""
        self._wanted.setdefault(key, False)

    def known_absent(self, key: Key) -> bool:
        """Whether the API server said that there is no such object, and no event since said otherwise."""
        return self._wanted.get(key, False)

    def see(self, reading: Reading) -> None:
        """Take in a reading, unless a newer one or the object's end is known."""
        before = self.get(reading.key)
        if reading.uid in self._buried or (before and not newer(reading.version, before.version)):
            return
        self._take(before, reading)

    def confirm(self, key: Key, before: Reading | None, found: Reading | None) -> None:
        """
        Take in the answer to a single read, and what was kept when it was asked.

        Nothing came between: the answer holds, whatever its version, so that a restored cluster is believed.
        """
        if self.get(key) is not before:
            if found:
                self.see(found)
        elif found is None:
            self._wanted[key] = True
            self._drop(before)
        elif found.uid not in self._buried and not (before and before.version == found.version):
            self._take(before, found)

    def gone(self, reading: Reading) -> None:
        """The object was deleted; ``reading`` is its last one, with the version of the deletion."""
        self.bury(reading.key, reading.uid)
        before = self.get(reading.key)
        if before and newer(reading.version, before.version):
            self._drop(before)

    def bury(self, key: Key, uid: str) -> None:
        """The object with this UID is gone for ever: what is still under way about it is old."""
        self._buried[uid] = None
        if len(self._buried) > _BURIED:
            self._buried.popitem(last=False)
        before = self.get(key)
        if before and before.uid == uid:
            self._drop(before)

    def complete(self, kind: Kind, listed: Collection[Key], version: str) -> None:
        """A list of a kind is through: what it lacks is gone, unless it is newer than the list."""
        for reading in self.of_kind(kind):
            if reading.key not in listed and not _later(reading.version, version):
                self._drop(reading)

    def rewind(self, kind: Kind) -> None:
        """The API server's history was set back (a restored backup): the next reading is the newer."""
        # Versions may come a second time now, with something else in them.
        self._decoded.clear()
        kept = self._kinds.get(kind, {})
        for key, r in kept.items():
            kept[key] = Reading(key, r.uid, "", r.application, r.data, r.packed)

    def _take(self, before: Reading | None, reading: Reading) -> None:
        if self._keeps(reading):
            self._index(before, reading.kept())
        elif before:
            self._index(before, None)
        else:
            return
        self._tell(Change(reading.key, before, reading, self.live))

    def _drop(self, before: Reading | None) -> None:
        if not before:
            return
        self._index(before, None)
        if before.key in self._wanted:
            self._wanted[before.key] = True
        self._tell(Change(before.key, before, None, self.live))

    def _keeps(self, reading: Reading) -> bool:
        return bool(reading.application) or reading.key in self._wanted or reading.key.of in self._whole

    def _index(self, before: Reading | None, after: Reading | None) -> None:
        if before and before.application:
            keys = self._applications[before.application]
            keys.pop(before.key, None)
            if not keys:
                del self._applications[before.application]
        if after:
            self._kinds.setdefault(after.key.of, {})[after.key] = after
            if after.application:
                self._applications.setdefault(after.application, {})[after.key] = None
            if after.key in self._wanted:
                self._wanted[after.key] = False
        elif before:
            del self._kinds[before.key.of][before.key]


def _later(version: str, than: str) -> bool:
    return version.isdecimal() and than.isdecimal() and int(version) > int(than)
