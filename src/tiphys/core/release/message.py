"""
The message of a release's commit: what changed, and trailers that machines read (git-interpret-trailers(1)).

What comes from a CI's environment is hostile until it is one line of printable text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TRAILER = re.compile(r"[A-Za-z0-9-]+: .*")
_MOST_LETTERS = 500
_MOST_CHARTS = 3


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a release comes from: what its commit tells besides the change."""

    digest: str = ""
    source_commit: str = ""
    """Of the application's repository: a SHA, or the URL of a commit."""
    author: str = ""
    """Who wrote that commit: ``Ada <ada@example.org>``."""

    def trailers(self, images: Sequence[str]) -> Sequence[str]:
        """A line for each thing that is known."""
        told = [
            *(("Image", image) for image in dict.fromkeys(images)),
            ("Digest", self.digest),
            ("Source-Commit", self.source_commit),
            ("Author", self.author),
        ]
        return [f"{name}: {one_line(value)}" for name, value in told if one_line(value)]


def subject(charts: Sequence[str], what: str) -> str:
    """``Set homepage, api to 1.2.3``."""
    names = [path.rstrip("/").rpartition("/")[2] or path for path in charts]
    told = ", ".join(names[:_MOST_CHARTS]) + f" and {len(names) - _MOST_CHARTS} more" * (
        len(names) > _MOST_CHARTS
    )
    return one_line(f"Set {told} to {what}")


def message(text: str, origin: Origin, images: Sequence[str]) -> str:
    """The whole message: a text of the user's or a subject, then the trailers, joined to those it ends with."""
    text = "\n".join(
        "".join(c for c in line if c.isprintable()).rstrip() for line in text.splitlines()
    ).strip()
    trailers = "\n".join(origin.trailers(images))
    if not trailers:
        return f"{text}\n"
    paragraphs = text.split("\n\n")
    ends_with_trailers = len(paragraphs) > 1 and all(map(_TRAILER.fullmatch, paragraphs[-1].splitlines()))
    return f"{text}{chr(10) if ends_with_trailers else chr(10) * 2}{trailers}\n"


def one_line(text: str) -> str:
    """The text on one line, without control characters, not longer than a line should be."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())[:_MOST_LETTERS]
