"""
Where clones lie on disk: ``<root>/<repository>/<number>``, made and removed so that half of one is never found.

A clone that is made anew gets another number: libgit2 remembers packs by their path, damaged ones too.
"""

import contextlib
import shutil
import tempfile
import time
from pathlib import Path


def newest(home: Path) -> Path | None:
    """The clone that lies in a repository's home, if one does."""
    whole = sorted(path.parent for path in home.glob("[0-9]*/HEAD"))
    return whole[-1] if whole else None


def begun(home: Path) -> Path:
    """An empty folder to make a clone in; it counts once it is ``settled``."""
    home.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=".new-", dir=home))


def settled(fresh: Path) -> Path:
    """The clone in its place, and no other beside it."""
    place = fresh.with_name(str(time.time_ns()))
    fresh.rename(place)
    for other in place.parent.glob("[0-9]*"):
        if other != place:
            discard(other)
    return place


def discard(clone: Path) -> None:
    """Remove a clone. It is moved first: a removal that is cut short must not leave half of it to be found."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(clone.rename(clone.with_name(f".old-{clone.name}")), ignore_errors=True)


def packs(clone: Path) -> int:
    """How many packs there are; each fetch brings one."""
    return len(list(clone.glob("objects/pack/*.pack")))


def sweep_homes(root: Path, born: float) -> None:
    """Remove the half-made and half-removed clones that a process before ours (``born``) left."""
    for left in [*root.glob("*/.new-*"), *root.glob("*/.old-*")]:
        if _older(left, born):
            shutil.rmtree(left, ignore_errors=True)


def sweep_clone(clone: Path, born: float | None = None) -> None:
    """
    Remove what a git that was killed left in a clone: locks that nobody holds, packs that never became whole.

    With ``born``, only what is older: another process may be at work.
    """
    locks = [*clone.glob("*.lock"), *clone.glob("refs/**/*.lock"), *clone.glob("objects/*/*.lock")]
    for left in [*locks, *clone.glob("objects/**/tmp_*")]:
        if born is None or _older(left, born):
            with contextlib.suppress(OSError):
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def _older(path: Path, born: float) -> bool:
    try:
        return path.stat().st_mtime < born
    except OSError:
        return False
