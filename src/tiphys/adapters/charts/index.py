"""
A chart repository's index: read as it streams by, of which only versions, URLs and digests are kept.

Whole, a large index takes hundreds of megabytes of memory and minutes to load; as a stream of YAML events it
takes neither. Anchors cost nothing either: an alias is never followed.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import orjson
import yaml

_Events = Iterator[yaml.Event]


class Listed(NamedTuple):
    """One version of a chart, as an index lists it."""

    version: str
    urls: tuple[str, ...]
    digest: str
    """SHA-256 of the archive in hexadecimal, empty where the index tells none."""


class Index(msgspec.Struct, frozen=True):
    """An index as it is kept on disk: each chart's list stays bytes until somebody asks for it."""

    charts: dict[str, msgspec.Raw]
    etag: str = ""
    modified: str = ""
    """``Last-Modified`` as the server wrote it."""

    def of(self, name: str) -> tuple[Listed, ...] | None:
        """The versions of a chart in the index's order; ``None`` if it does not list the chart."""
        found = self.charts.get(name)
        return None if found is None else msgspec.json.decode(found, type=tuple[Listed, ...])


def parsed(text: bytes, etag: str = "", modified: str = "") -> Index:
    """The index of an ``index.yaml``, which may be JSON; raises ``ValueError`` if it is none."""
    charts = _of_json(text) if text.lstrip()[:1] == b"{" else _of_yaml(text)
    encode = msgspec.json.encode
    return Index({name: msgspec.Raw(encode(found)) for name, found in charts.items()}, etag, modified)


def _of_json(text: bytes) -> dict[str, list[Listed]]:
    document = orjson.loads(text)
    entries = document.get("entries")
    if not isinstance(entries, dict):
        raise ValueError("it has no entries")  # noqa: TRY004 - the text is wrong
    return {
        name: [listed for x in found if isinstance(x, dict) and (listed := _listed(x))]
        for name, found in entries.items()
        if isinstance(found, list)
    }


def _of_yaml(text: bytes) -> dict[str, list[Listed]]:
    try:
        events = yaml.parse(text, Loader=yaml.CSafeLoader)
        for event in events:
            if isinstance(event, yaml.MappingStartEvent):
                return _entries(events)
            if isinstance(event, yaml.NodeEvent):
                break
    except yaml.YAMLError as error:
        raise ValueError(f"it is not YAML: {error}") from error
    raise ValueError("it is not a mapping")


def _entries(events: _Events) -> dict[str, list[Listed]]:
    found: dict[str, list[Listed]] | None = None
    for key, event in _pairs(events):
        if key == "entries" and isinstance(event, yaml.MappingStartEvent):
            found = {name: _versions(events, value) for name, value in _pairs(events)}
        else:
            _skip(events, event)
    if found is None:
        raise ValueError("it has no entries")
    return found


def _versions(events: _Events, event: yaml.Event) -> list[Listed]:
    found = []
    for item in _items(events, event):
        if not isinstance(item, yaml.MappingStartEvent):
            _skip(events, item)
        elif listed := _listed({key: _value(events, key, value) for key, value in _pairs(events)}):
            found.append(listed)
    return found


def _value(events: _Events, key: str, event: yaml.Event) -> str | list[str] | None:
    """The value of one field of an entry, if it is a field of interest."""
    if key in ("version", "digest") and isinstance(event, yaml.ScalarEvent):
        return str(event.value)
    if key != "urls":
        _skip(events, event)
        return None
    urls = []
    for item in _items(events, event):
        if isinstance(item, yaml.ScalarEvent):
            urls.append(str(item.value))
        else:
            _skip(events, item)
    return urls


def _listed(entry: dict[str, Any]) -> Listed | None:
    version, urls, digest = entry.get("version"), entry.get("urls"), entry.get("digest")
    if not isinstance(version, str):
        return None
    found = tuple(url for url in urls if isinstance(url, str)) if isinstance(urls, list) else ()
    return Listed(version, found, digest.removeprefix("sha256:").lower() if isinstance(digest, str) else "")


def _pairs(events: _Events) -> Iterator[tuple[str, yaml.Event]]:
    """Keys and the first events of their values, up to the end of a mapping that began."""
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            return
        _skip(events, key)
        yield (str(key.value) if isinstance(key, yaml.ScalarEvent) else "", next(events))


def _items(events: _Events, event: yaml.Event) -> Iterator[yaml.Event]:
    """The first events of the items of a list; nothing if the event begins no list."""
    if not isinstance(event, yaml.SequenceStartEvent):
        _skip(events, event)
        return
    for item in events:
        if isinstance(item, yaml.SequenceEndEvent):
            return
        yield item


def _skip(events: _Events, event: yaml.Event) -> None:
    """Pass over the rest of the value that an event begins."""
    depth = int(isinstance(event, yaml.CollectionStartEvent))
    while depth:
        event = next(events)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
