"""
The history of a commit: which ones before it changed what lies at some paths.

Nothing but what the clone holds is read, and never more commits than a look should wait for.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from itertools import islice

import pygit2
from pygit2.enums import SortMode

from tiphys.model.rendering import CommitMeta

_MOST, _MOST_BACK = 500, 50
"""So many commits are looked at, of those that are new, and where nobody knows which are."""


def about(commit: pygit2.Commit) -> CommitMeta:
    """Author, dates (UTC) and message of a commit."""
    author = commit.author
    return CommitMeta(
        f"{author.name} <{author.email}>",
        _date(author),
        commit.message,
        str(commit.id),
        _date(commit.committer),
    )


def changes(
    repository: pygit2.Repository, older: str, newer: str, paths: Collection[str]
) -> Iterator[pygit2.Commit]:
    """
    The commits of the history of ``newer``, without that of ``older``, that changed one of the paths, newest first.

    Without an ``older`` it is the newest one alone. Raises ``pygit2.GitError`` where the clone is damaged.
    """
    # Several commits a second are usual, so times alone do not order them; but an order of the whole takes all of it.
    walk = repository.walk(newer, SortMode.TOPOLOGICAL if older else SortMode.NONE)
    if older:
        walk.hide(older)
    found = (commit for commit in islice(walk, _MOST if older else _MOST_BACK) if _changed(commit, paths))
    return found if older else islice(found, 1)


def _changed(commit: pygit2.Commit, paths: Collection[str]) -> bool:
    """Whether it brought what lies there, rather than one of its parents: a merge brings what neither side had."""
    there = [_id(commit, path) for path in paths]
    if not commit.parents:
        return any(there)
    return all(there != [_id(parent, path) for path in paths] for parent in commit.parents)


def _id(commit: pygit2.Commit, path: str) -> str:
    """The id of what lies at a path, empty where nothing does."""
    if path in ("", "."):
        return str(commit.tree_id)
    try:
        return str(commit.tree[path].id)
    except KeyError:
        return ""


def _date(who: pygit2.Signature) -> str:
    return datetime.fromtimestamp(who.time, UTC).isoformat().replace("+00:00", "Z")
