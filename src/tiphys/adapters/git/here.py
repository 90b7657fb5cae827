"""The checkout that a folder is in."""

from pathlib import Path

import pygit2


def head(folder: Path) -> str:
    """The commit that is checked out around the folder; empty where there is none."""
    found = pygit2.discover_repository(str(folder))
    if not found:
        return ""
    repository = pygit2.Repository(found)
    return "" if repository.head_is_unborn else str(repository.head.target)
