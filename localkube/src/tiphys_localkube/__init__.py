"""
Where the program ``localkube`` is.

Knows the places of the program and of its sources. Building, starting and stopping it is left to
``tiphys.local``.
"""

from pathlib import Path

__version__ = "0.1.0"


def binary() -> Path:
    """The path of the program. In a checkout it may not be built yet, so it may not exist."""
    return Path(__file__).parent / "bin" / "localkube"


def sources() -> Path | None:
    """The folder of the Go module when this is a checkout, else None."""
    folder = Path(__file__).parents[2]
    return folder if (folder / "go.mod").is_file() else None
