"""Reading our own pages: the files that speak to people, and what stands in them."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "toolbox/*.md", "localkube/*.md")
    for page in ROOT.glob(pattern)
)
_FENCE = re.compile(r"^```(\w*).*?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")


def page(name: str) -> str:
    """A page of ``docs/``, by its path there."""
    return (ROOT / "docs" / name).read_text()


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", text)


def fences(text: str) -> Iterator[tuple[str, str]]:
    """Each fenced block: its language and what is in it."""
    yield from _FENCE.findall(text)


def code(text: str) -> Iterator[str]:
    """What stands between backticks in the running text."""
    yield from _CODE.findall(prose(text))


def rows(text: str) -> Iterator[list[str]]:
    """The rows of all tables, without heads and rulers, cell by cell."""
    lines = prose(text).splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        is_head = following.startswith("|--")
        if line.startswith("|") and not line.startswith("|--") and not is_head:
            yield [cell.strip() for cell in line.strip("|").split("|")]
