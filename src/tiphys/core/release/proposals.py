"""
A change that is proposed instead of made: by what name its branch goes, and what its pull request says.

The name follows from what is set where, so whoever proposes the same again meets the same branch.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence

from tiphys.core.release.images import Wish

FOLDER = "tiphys"
"""Of branches: people see who made them, and may protect or sweep them together."""
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._]+")
_MOST_LETTERS = 80
_MOST_DIGITS = 19
"""Of a digest, its algorithm counted in."""
_USUAL = re.compile(r"(^|/)(values|kustomization)\.ya?ml$|(^|/)Kustomization$")


def head_of(charts: Sequence[str], wishes: Sequence[Wish], base: str = "") -> str:
    """
    ``tiphys/homepage-1f3a2b4``: the branch of a change that sets these images in these charts.

    ``charts`` are folders, or files in them. What is not the usual is named (file, branch, image), so that different
    changes never share a branch.
    """
    words = [base, *map(_chart, charts), *_told(wishes)]
    return f"{FOLDER}/{_short('-'.join(filter(None, map(_plain, words))))}"


def text_of(message: str) -> tuple[str, str]:
    """Title and text of the request for a commit with this message."""
    title, _, text = message.strip().partition("\n")
    return title.strip(), text.strip()


def _chart(path: str) -> str:
    path = _USUAL.sub("", path.strip("/"))
    return re.sub(r"\.ya?ml$", "", path.removeprefix("charts/"))


def _told(wishes: Sequence[Wish]) -> Iterator[str]:
    """What is set, each tag once, where it is set only if somebody said so."""
    told = [
        (wish.path or wish.name.rpartition("/")[2], wish.tag or wish.digest[:_MOST_DIGITS]) for wish in wishes
    ]
    return iter(dict.fromkeys(word for pair in told for word in pair if word))


def _plain(word: str) -> str:
    """The word of letters that Git and every forge allow in a branch."""
    return re.sub(r"\.{2,}", ".", _NOT_PLAIN.sub("-", word)).strip("-.").removesuffix(".lock")


def _short(name: str) -> str:
    name = name or "change"
    if len(name) <= _MOST_LETTERS:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _MOST_LETTERS - 9].rstrip('-.')}-{digest}"
