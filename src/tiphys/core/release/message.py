"""
The message of a release's commit: what changed, and trailers that machines read (git-interpret-trailers(1)).

What comes from a CI's environment is hostile until it is one line of printable text. ``releases`` reads back what
``message`` wrote, also after a host joined further paragraphs of trailers to it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_TRAILER = re.compile(r"([A-Za-z0-9-]+): (.*)")
_IMAGE, _DIGEST, _SOURCE, _AUTHOR = "Image", "Digest", "Source-Commit", "Author"
_BUILT, _PUSHED = "Image-Built", "Image-Pushed"
_NAMES = {name.lower(): name for name in (_IMAGE, _DIGEST, _SOURCE, _AUTHOR, _BUILT, _PUSHED)}
"""Git does not heed how a trailer's name is capitalised."""
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
    built: datetime | None = None
    """When the image was built."""
    pushed: datetime | None = None
    """When a registry had taken the image."""


@dataclass(frozen=True, slots=True)
class Released:
    """A release as its commit tells of it."""

    images: Sequence[str] = ()
    """As far as the files told: ``ghcr.io/example/homepage:1f3a2b4``."""
    origin: Origin = Origin()

    def trailers(self) -> Sequence[str]:
        """A line for each thing that is known, the images first."""
        told = [
            *((_IMAGE, image) for image in dict.fromkeys(self.images)),
            (_DIGEST, self.origin.digest),
            (_SOURCE, self.origin.source_commit),
            (_AUTHOR, self.origin.author),
            (_BUILT, _written(self.origin.built)),
            (_PUSHED, _written(self.origin.pushed)),
        ]
        return [f"{name}: {one_line(value)}" for name, value in told if one_line(value)]


def subject(charts: Sequence[str], what: str) -> str:
    """``Set homepage, api to 1.2.3``."""
    names = [path.rstrip("/").rpartition("/")[2] or path for path in charts]
    told = ", ".join(names[:_MOST_CHARTS]) + f" and {len(names) - _MOST_CHARTS} more" * (
        len(names) > _MOST_CHARTS
    )
    return one_line(f"Set {told} to {what}")


def message(text: str, released: Sequence[Released]) -> str:
    """The whole message: a text of the user's or a subject, then the trailers, joined to those it ends with."""
    text = "\n".join(
        "".join(c for c in line if c.isprintable()).rstrip() for line in text.splitlines()
    ).strip()
    trailers = "\n".join(line for each in sorted(released, key=_clarity) for line in each.trailers())
    if not trailers:
        return f"{text}\n"
    paragraphs = text.split("\n\n")
    ends_with_trailers = len(paragraphs) > 1 and all(map(_TRAILER.fullmatch, paragraphs[-1].splitlines()))
    return f"{text}{chr(10) if ends_with_trailers else chr(10) * 2}{trailers}\n"


def _clarity(released: Released) -> int:
    """
    An order in which nothing is read as told of another's images.

    What names no image comes before all that do; what tells nothing but images comes last, where nothing follows it.
    """
    if not released.images:
        return 0
    return 1 if released.origin != Origin() else 2


def releases(message: str) -> Sequence[Released]:
    """
    The releases that a commit's message tells of: one, several for a batch, none for a commit of another kind.

    Never raises: what is malformed counts as not there.
    """
    return [_released(group) for group in _groups(_trailers(message))]


def _trailers(message: str) -> Iterator[tuple[str, str]]:
    """Those that are ours, of the paragraphs at the end that hold only trailers; the first paragraph is the subject."""
    found: list[re.Match[str]] = []
    for paragraph in reversed(re.split(r"\n(?:\s*\n)+", "\n".join(message.strip().splitlines()))[1:]):
        lines = [match for line in paragraph.splitlines() if (match := _TRAILER.fullmatch(line.strip()))]
        if len(lines) < len(paragraph.splitlines()):
            break
        found = lines + found
    return ((_NAMES[m[1].lower()], m[2].strip()) for m in found if m[1].lower() in _NAMES)


def _groups(trailers: Iterator[tuple[str, str]]) -> Iterator[dict[str, list[str]]]:
    """Those of each release: another one begins where images come again, or something is told a second time."""
    group: dict[str, list[str]] = {}
    for name, value in trailers:
        if (name == _IMAGE and group.keys() - {_IMAGE}) or (name != _IMAGE and name in group):
            yield group
            group = {}
        group.setdefault(name, []).append(value)
    if group:
        yield group


def _released(group: dict[str, list[str]]) -> Released:
    first = {name: values[0] for name, values in group.items()}
    digest, source, author = (first.get(name, "") for name in (_DIGEST, _SOURCE, _AUTHOR))
    built, pushed = (_read(first.get(name, "")) for name in (_BUILT, _PUSHED))
    return Released(tuple(group.get(_IMAGE, ())), Origin(digest, source, author, built, pushed))


def _written(at: datetime | None) -> str:
    """To the second, in UTC (RFC 3339)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def _read(text: str) -> datetime | None:
    """A time that says of which zone it is."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def one_line(text: str) -> str:
    """The text on one line, without control characters, not longer than a line should be."""
    words = "".join(c for c in text if c.isprintable() or c.isspace()).split()
    return " ".join(words)[:_MOST_LETTERS].rstrip()
