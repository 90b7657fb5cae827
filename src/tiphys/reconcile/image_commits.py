"""
Newer images of many applications as the order of one commit, and what that commit says.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tiphys.core.release.document import File
from tiphys.core.release.edit import edited
from tiphys.core.release.images import Wish, values
from tiphys.core.release.message import Origin, one_line
from tiphys.model.commits import Person
from tiphys.reconcile.release import Order, Part

AUTHOR = Person("Tiphys image watch", "tiphys@localhost")
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """An image that is to be set in a file."""

    application: str
    file: str
    wish: Wish
    why: str
    """For the commit's message: from what to what, and by which policy."""


def expect_possible(file: File, wish: Wish) -> None:
    """Raises ``SpecError`` if a file cannot be edited so: one such edit must not keep others from landing."""
    edited(file, values(file, [wish]))


def order_of(settings: Sequence[Setting]) -> Order:
    """All of them as one commit."""
    return Order([_part(setting) for setting in settings], AUTHOR, _message(settings))


def _part(setting: Setting) -> Part:
    folder, _, name = setting.file.rpartition("/")
    # A file that is not called .yaml is named beside its folder.
    chart, file = (setting.file, "") if name.endswith((".yaml", ".yml")) else (folder, name)
    return Part([chart], [setting.wish], Origin(setting.wish.digest), file)


def _message(settings: Sequence[Setting]) -> str:
    names = sorted({setting.application for setting in settings})
    tags = sorted({setting.wish.tag for setting in settings})
    lines = defaultdict[str, list[str]](list)
    for setting in settings:
        lines[setting.why].append(setting.application)
    told = "\n".join(f"- {', '.join(sorted(set(who)))}: {why}" for why, who in sorted(lines.items()))
    return f"{_subject(names, tags)}\n\n{told}"


def _subject(names: Sequence[str], tags: Sequence[str]) -> str:
    who = ", ".join(names[:_MOST_NAMES]) + f" and {len(names) - _MOST_NAMES} more" * (
        len(names) > _MOST_NAMES
    )
    return one_line(f"Set {who} to {tags[0] if len(tags) == 1 else 'newer images'}")
