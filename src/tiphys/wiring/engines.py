"""Where the program is that renders, and which build of it."""

import os
from pathlib import Path

import tiphys_toolbox
from tiphys.model.errors import Unavailable


def toolbox_binary() -> Path:
    """The program that renders. Raises ``Unavailable`` if it was not built."""
    binary = Path(os.environ.get("TIPHYS_TOOLBOX") or tiphys_toolbox.binary())
    if not binary.exists():
        raise Unavailable(f"the toolbox is not at {binary}: build it with `make build`")
    return binary


def version_of(binary: Path) -> str:
    """Tells one build of the engines from another, so that a new one renders anew."""
    found = binary.stat()
    return f"{tiphys_toolbox.__version__}-{found.st_size}-{found.st_mtime_ns}"
