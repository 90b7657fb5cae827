"""
The timeline of an application: one entry for each commit that changed what it renders, the newest last.

It is kept as JSON in an annotation of the Application, which anybody may write: what cannot be read of it is as if it
were not there. Times are in UTC, to the millisecond.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

LIMIT = 12
"""So many commits are kept."""
_LENGTH, _IMAGES = 300, 4
"""The most characters of a text, and the most images of a commit: etcd has to hold them."""
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Entry:
    """A commit on its way: what it says of itself, and when it came how far. ``None``: not yet, or not known."""

    revision: str
    subject: str = ""
    images: tuple[str, ...] = ()
    digest: str = ""
    source_commit: str = ""
    """Of the application's repository: a SHA, or the URL of a commit."""
    built: datetime | None = None
    pushed: datetime | None = None
    committed: datetime | None = None
    detected: datetime | None = None
    rendered: datetime | None = None
    started: datetime | None = None
    """When its sync began."""
    applied: datetime | None = None
    healthy: datetime | None = None
    """When the application was first seen Synced and Healthy with it."""
    tip: str = ""
    """The newest commit when it was detected, if that is another one: syncs and the status name this one."""
    failed: str = ""
    """Why nothing can be rendered from it."""
    superseded_by: str = ""
    """The commit that came before this one was live, and contains it."""
    first: bool = False
    """Whether it was there before its application was, so that its times tell nothing of how long things take."""

    def __post_init__(self) -> None:
        """What is longer than there is room for is cut."""
        object.__setattr__(self, "images", tuple(i[:_LENGTH] for i in self.images[:_IMAGES]))
        for name in ("subject", "digest", "source_commit", "failed"):
            object.__setattr__(self, name, getattr(self, name)[:_LENGTH])

    def is_at(self, revision: str) -> bool:
        """Whether a look at that revision was the first at this commit."""
        return revision in (self.revision, self.tip)


ENGINES_TIMES = ("detected", "rendered", "started", "applied", "healthy")
"""By one clock, the engine's, and so never one before another; the earlier ones are by other clocks."""
TIMES = ("built", "pushed", "committed", *ENGINES_TIMES)


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is noted of an application."""

    entries: tuple[Entry, ...] = ()
    reads: str = ""
    """A digest of the files that the last look rendered from."""
    current: str = ""
    """The revision of the entry that the last look was at; empty where that is not known."""

    def entry(self, revision: str) -> Entry | None:
        """The entry of a commit."""
        return next((entry for entry in self.entries if entry.revision == revision), None)

    @property
    def at(self) -> Entry | None:
        """The entry that the last look was at."""
        return self.entry(self.current)


@lru_cache(maxsize=32)
def read(text: str) -> Timeline:
    """What an annotation tells; total: what is malformed is left out."""
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return Timeline()
    if not isinstance(found, Mapping):
        return Timeline()
    listed = found.get("commits")
    entries = [_entry(each) for each in listed] if isinstance(listed, Sequence) else []
    known = {entry.revision: entry for entry in entries if entry}
    return Timeline(tuple(known.values())[-LIMIT:], _text(found.get("reads")), _text(found.get("current")))


def written(timeline: Timeline) -> str:
    """The annotation that tells it; empty if there is nothing to tell."""
    if not timeline.entries:
        return ""
    told = {"reads": timeline.reads, "current": timeline.current, "commits": facts_of(timeline.entries)}
    return orjson.dumps(told).decode()


def facts_of(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The entries in the words of the annotation, without what is not known."""
    return [
        {_NAMES[name]: _told(value) for name in _NAMES if (value := getattr(entry, name))}
        for entry in entries
    ]


def to_millisecond(at: datetime) -> datetime:
    """A time as it is kept."""
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def moment(text: object) -> datetime | None:
    """The time that an RFC 3339 text names, if it is one."""
    try:
        at = datetime.fromisoformat(_text(text))
        return to_millisecond(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _name(field: str) -> str:
    """``superseded_by`` is ``supersededBy``, and ``built`` is ``builtAt``."""
    first, *rest = field.split("_")
    return first + "".join(map(str.capitalize, rest)) + ("At" if field in TIMES else "")


_NAMES = {field.name: _name(field.name) for field in fields(Entry)}


def _told(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _entry(value: object) -> Entry | None:
    """An entry, as far as it can be read; ``None`` without a commit."""
    if not isinstance(value, Mapping) or not _SHA.fullmatch(_text(value.get("revision"))):
        return None
    images = value.get("images")
    known: dict[str, Any] = {name: _text(value.get(_NAMES[name])) for name in _TEXTS}
    known |= {name: moment(value.get(_NAMES[name])) for name in TIMES}
    return Entry(
        revision=value["revision"],
        images=tuple(filter(None, map(_text, images))) if isinstance(images, list) else (),
        first=value.get("first") is True,
        **known,
    )


_TEXTS = ("subject", "digest", "source_commit", "tip", "failed", "superseded_by")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
