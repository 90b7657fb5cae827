"""The checkout that a folder is in: its commit, where it came from, and what is not as the commit has it."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pygit2

from tiphys.adapters.git.troubles import printable
from tiphys.model.errors import Unavailable

_STATUS = (
    *("git", "--no-optional-locks", "-c", "core.fsmonitor=false"),
    # A CI's container often runs as another user than the one who checked out.
    *("-c", "safe.directory=*"),
    *("status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal", "--"),
)
_NOT_THERE = "not a git repository"


def head(folder: Path) -> str:
    """The commit that is checked out around the folder; empty where there is none."""
    repository = _around(folder)
    return "" if repository is None or repository.head_is_unborn else str(repository.head.target)


def cloned_from(folder: Path) -> str:
    """The URL that the checkout around the folder calls origin; empty where there is none."""
    repository = _around(folder)
    known = repository.remotes if repository else ()
    return next((remote.url or "" for remote in known if remote.name == "origin"), "")


def changed(path: Path, environment: Mapping[str, str]) -> Sequence[str]:
    """
    What of a file or a folder's content the checkout's commit has otherwise or not at all, ignored files left out.

    As ``git status`` tells it, with the user's own configuration. Nothing where there is no checkout. Raises
    ``Unavailable`` where git is not there or cannot tell.
    """
    folder, name = (path, ".") if path.is_dir() else (path.parent, path.name)
    try:
        done = subprocess.run(
            [*_STATUS, f":(literal){name}"],
            cwd=folder,
            env={**environment, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise Unavailable("the program git is not in PATH") from error
    told, words = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    if done.returncode and _NOT_THERE not in words:
        raise Unavailable(f"git status of {path} failed: {printable(words.strip())[:300]}")
    return [printable(entry[3:]) for entry in told.split("\0") if entry]


def _around(folder: Path) -> pygit2.Repository | None:
    found = pygit2.discover_repository(str(folder))
    return pygit2.Repository(found) if found else None
