"""
Writes ``docs/reference/chart-values.md`` from the chart's ``values.yaml``: `make chart-values`.

The comment above a value is its description. A value without a comment belongs to the one that it is in.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[1]
VALUES = ROOT / "deploy/chart/values.yaml"
PAGE = ROOT / "docs/reference/chart-values.md"
LONGEST = 40
"""A default that takes more letters is left to the file."""

HEAD = """\
# Values of the chart

What `deploy/chart` can be told. This page is made from its
[values.yaml](../../deploy/chart/values.yaml) by `make chart-values`. A value that is not here is refused by name.
[Install](../how-to/install.md) tells how to give them.

| Value | Default | What it is |
|---|---|---|
"""
_KEY = re.compile(r"^( *)(\w+):")


class Value(NamedTuple):
    """A value that has a description: where it stands, and what is said of it."""

    path: tuple[str, ...]
    said: str


def page() -> str:
    """The whole page."""
    values = yaml.safe_load(VALUES.read_text())
    described = list(read(VALUES.read_text()))
    groups = {value.path[:length] for value in described for length in range(1, len(value.path))}
    rows = (_row(value, "" if value.path in groups else _default(values, value.path)) for value in described)
    return HEAD + "".join(rows)


def read(text: str) -> Iterator[Value]:
    """The described values of a file, in its order."""
    above: list[str] = []
    path: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("# "):
            above.append(line.lstrip()[2:])
            continue
        if key := _KEY.match(line):
            path = [*path[: len(key[1]) // 2], key[2]]
            if above:
                yield Value(tuple(path), " ".join(above))
        above = []


def _row(value: Value, default: str) -> str:
    return f"| `{'.'.join(value.path)}` | {default} | {value.said} |\n"


def _default(values: Any, path: tuple[str, ...]) -> str:
    for key in path:
        values = values[key]
    if values == "":
        return ""
    text = json.dumps(values) if isinstance(values, (dict, list, bool)) else str(values)
    return f"`{text}`" if len(text) <= LONGEST else "see the file"


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"{PAGE.name}: {len(list(read(VALUES.read_text())))} values")
