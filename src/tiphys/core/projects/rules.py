"""
How the rules of a project are matched: globs of names, and of addresses in one spelling.

A malformed glob allows nothing and denies everything.
"""

import re

from tiphys.core.languages import globs

_SCP_LIKE = re.compile(r"(?:[^/@:]+@)?[^/@:]+:(?!//)")
"""``git@host:path``, Git's short spelling of an SSH address."""


def allows(pattern: str, text: str, separator: str = "") -> bool:
    """Whether a rule that allows is about the text. A lone ``*`` is about everything, separators or not."""
    try:
        return pattern == "*" or globs.matches(pattern, text, separator)
    except ValueError:
        return False


def denies(pattern: str, text: str, separator: str = "") -> bool:
    """Whether a rule that denies is about the text; a leading ``!`` is no part of the glob."""
    try:
        pattern = pattern.removeprefix("!")
        return pattern == "*" or globs.matches(pattern, text, separator)
    except ValueError:
        return True


def address(url: str) -> str:
    """
    A repository's address, or a glob of such, in the one spelling in which rules are compared.

    As in Argo CD: lower case, without ``.git`` at the end, and ``git@host:path`` is ``ssh://git@host/path``.
    """
    text = url.strip().lower()
    denied, text = ("!", text[1:]) if text.startswith("!") else ("", text)
    if "://" not in text and _SCP_LIKE.match(text):
        text = text.replace(":", "/", 1)
    return denied + text.removeprefix("ssh://").removesuffix(".git")
