"""
A batch for ``tiphys image set``: a list, in YAML or JSON, of what to set where, read into the parts of one commit.

The names in it are those of the flags, so what ``tiphys image build -o json`` prints becomes an entry with a chart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click
import yaml

from tiphys.cli.image.outcome import Flags, origin_for
from tiphys.cli.image.wishes import TIME, wishes
from tiphys.core.release.message import Origin
from tiphys.model.errors import SpecError
from tiphys.reconcile.release import Part

_LISTS = {"charts": "chart", "images": "image", "paths": "path"}
_TEXTS = ("tag", "digest", "file", "source-commit", "author", "built", "pushed")
_MOST = 10_000


def parts(text: str, name: str, flags: Flags) -> Sequence[Part]:
    """The parts of a batch, its flags being what the entries leave open. Raises ``SpecError``."""
    try:
        # It reads every value as the text that stands there: a tag 1.10 stays one.
        entries = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506 - makes no objects
    except (yaml.YAMLError, RecursionError) as error:
        raise SpecError(
            f"the batch {name} is neither YAML nor JSON: {' '.join(str(error).split())}"
        ) from error
    if not isinstance(entries, list) or not entries or len(entries) > _MOST:
        raise SpecError(f"the batch {name} is no list of at least one entry like {{chart: web, tag: v2}}")
    return [_part(entry, f"the batch {name}, entry {at}", flags) for at, entry in enumerate(entries, 1)]


def _part(entry: Any, where: str, flags: Flags) -> Part:
    found = _fields(entry, where)
    if not found["charts"]:
        raise SpecError(f"{where} names no chart")
    try:
        times = [
            TIME.convert(found[name], None, None) if found[name] else None for name in ("built", "pushed")
        ]
        known = replace(
            origin_for(Origin(found["digest"]), flags, found["source-commit"]),
            built=times[0],
            pushed=times[1],
        )
        origin = replace(known, author=found["author"] or known.author)
        return Part(found["charts"], wishes(found), origin, found["file"] or flags["file"])
    except (SpecError, click.BadParameter) as error:
        raise SpecError(f"{where} ({', '.join(found['charts'])}): {error}") from error


def _fields(entry: Any, where: str) -> Mapping[str, Any]:
    """Every field, empty where it is not given."""
    if not isinstance(entry, dict):
        raise SpecError(f"{where} is no mapping like {{chart: web, tag: v2}}")
    known = (*_LISTS, *_LISTS.values(), *_TEXTS)
    if unknown := [str(key) for key in entry if key not in known]:
        raise SpecError(f"{where} has no field {unknown[0]!r}; there are: {', '.join(known)}")
    for key, value in entry.items():
        several = key in _LISTS and isinstance(value, list)
        for text in value if several else [value]:
            # As jq writes what it does not find.
            if not isinstance(text, str) or text in ("null", "~"):
                raise SpecError(
                    f"{where}: {key} is {text if isinstance(text, str) else 'no text'}; name it or leave it out"
                )
    lists = {many: _several(entry.get(many)) + _several(entry.get(one)) for many, one in _LISTS.items()}
    return {**{name: entry.get(name, "") for name in _TEXTS}, **lists}


def _several(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value] * bool(value)
