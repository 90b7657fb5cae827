"""How long Git may take and how much it may bring. ``wiring`` reads it; nothing here reads an environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MIB = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """Deadlines in seconds, sizes in bytes."""

    schemes: frozenset[str] = frozenset({"http", "https", "ssh", "file"})
    """The URL schemes that a repository may have."""
    ask_seconds: float = 15
    """For asking a remote where its refs point to."""
    fetch_seconds: float = 300
    """For fetching a commit, the first clone included."""
    processes: int = 4
    """How many git processes may run at once."""
    file_bytes: int = 20 * MIB
    """The largest single file that is read or laid."""
    laid_bytes: int = 100 * MIB
    """The most that one ``lay`` writes, in all."""
    laid_files: int = 20_000
    """The most files and folders that one ``lay`` writes."""
    pack_bytes: int = 4096 * MIB
    """The most that one fetch may bring."""
    plain_tokens: bool = False
    """Whether a token may be sent over HTTP that is not encrypted to another machine."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What git sees of the environment: see ``allowed_environment``."""
