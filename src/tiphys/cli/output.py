"""
How answers look: tables as kubectl and argocd print them, JSON, YAML, and times as Go writes them.

Values in, text out. Text from a cluster or a repository reaches a table without control characters.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import click
import orjson

if TYPE_CHECKING:
    import yaml

_GAP = 2
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COLOURS = {
    "Synced": "green",
    "Healthy": "green",
    "Succeeded": "green",
    "OutOfSync": "yellow",
    "Missing": "yellow",
    "Suspended": "blue",
    "Progressing": "cyan",
    "Running": "cyan",
    "Degraded": "red",
    "Failed": "red",
    "Error": "red",
    "Unknown": "magenta",
}
_WORD = re.compile(rf"\b({'|'.join(_COLOURS)})\b")
# What Go's YAML reads as something else than a string, and PyYAML does not.
_GO_BOOLEAN = re.compile(r"^(?:y|Y|n|N)$")
_GO_NUMBER = re.compile(r"^(?:[-+]?[0-9][0-9_.]*[eE][-+]?[0-9]+|[-+]?0o[0-7_]+)$")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns set apart by two spaces, as wide as their widest cell; no line ends in spaces."""
    lines = [list(header), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(c.ljust(w + _GAP) for c, w in zip(cells, widths, strict=True)).rstrip()


def fields(rows: Iterable[tuple[str, str]]) -> str:
    """``Name:               homepage``, a line each, as ``argocd app get`` begins."""
    return "\n".join(f"{name:<20}{one_line(value)}".rstrip() for name, value in rows)


def one_line(text: str) -> str:
    """The text on one line, without control characters."""
    return _CONTROL.sub("", " ".join(text.split()) if "\n" in text else text)


def say(text: str) -> None:
    """Print data; on a terminal the words of sync and health get their colours, unless NO_COLOR is set."""
    click.echo(_painted(text) if coloured() else text)


def tell(text: str) -> None:
    """Say something about the work, on stderr."""
    click.echo(text, err=True)


def without_logs() -> None:
    """Let what we use of the engine log its bugs alone: all else that goes wrong ends in an error that we tell."""
    from tiphys.wiring.logs import begin_logs  # noqa: PLC0415 - only what uses the engine loads it

    begin_logs("error", "text")


def coloured() -> bool:
    """Whether stdout is a terminal that wants colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _painted(text: str) -> str:
    return _WORD.sub(lambda found: click.style(found[0], fg=_COLOURS[found[0]]), text)


def data(value: object, output: str) -> None:
    """Print a value whole, as ``json`` or ``yaml``."""
    text = json_text(value) if output == "json" else yaml_text(value)
    click.echo(text.rstrip("\n"))


def json_text(value: object) -> str:
    """Indented JSON, in the order given."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def yaml_text(value: object) -> str:
    """YAML that Kubernetes reads back as it was, keys sorted as its own tools have them."""
    import yaml  # noqa: PLC0415 - only who prints YAML loads it

    text: str = yaml.dump(value, Dumper=_dumper(), sort_keys=True, allow_unicode=True, width=2**20)
    return text


def yaml_documents(values: Iterable[Mapping[str, Any]]) -> str:
    """A stream of YAML documents, each after its ``---``."""
    return "".join(f"---\n{yaml_text(value)}" for value in values)


@cache
def _dumper() -> "type[yaml.CSafeDumper]":
    import yaml  # noqa: PLC0415

    class KubernetesDumper(yaml.CSafeDumper):
        """Literal blocks for several lines, no anchors, and quotes where Go would not see a string."""

        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
            return True

    def text(dumper: yaml.CSafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    KubernetesDumper.add_representer(str, text)
    KubernetesDumper.add_implicit_resolver("tag:yaml.org,2002:bool", _GO_BOOLEAN, list("yYnN"))
    KubernetesDumper.add_implicit_resolver("tag:yaml.org,2002:float", _GO_NUMBER, list("-+0123456789"))
    return KubernetesDumper


def moment(text: str) -> str:
    """An RFC 3339 time in the user's time zone, as Go prints it: ``2026-09-21 10:00:00 +0200 CEST``."""
    if not text:
        return ""
    return f"{instant(text).astimezone():%Y-%m-%d %H:%M:%S %z %Z}"


def instant(text: str) -> datetime:
    """The time that an RFC 3339 text names."""
    return datetime.fromisoformat(text)


def span(length: timedelta) -> str:
    """A duration as Go prints it, in whole seconds: ``1h2m3s``, ``0s``."""
    seconds = max(0, int(length.total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    parts = [f"{hours}h"] * bool(hours) + [f"{minutes}m"] * bool(hours or minutes)
    return "".join([*parts, f"{seconds % 60}s"])
