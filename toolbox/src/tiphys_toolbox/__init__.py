"""Where the toolbox is: the program that renders charts, reads YAML and runs jq for Tiphys."""

from pathlib import Path

__version__ = "0.1.0"


def binary() -> Path:
    """Where the program is, or will be once it is built."""
    return Path(__file__).parent / "bin" / "toolbox"


def sources() -> Path | None:
    """The Go module to build it from, if this is a checkout; an installed wheel brings the program itself."""
    module = Path(__file__).parents[2]
    return module if (module / "go.mod").is_file() else None
