"""How long a chart repository may take, and how much it may send."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MIB = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """Deadlines in seconds, sizes in bytes."""

    hold_seconds: float = 60
    """How long an index counts as new before the repository is asked again."""
    seconds: float = 60
    """For one index or one archive."""
    index_bytes: int = 100 * MIB
    archive_bytes: int = 20 * MIB
    """The largest archive, as it is sent."""
    unpacked_bytes: int = 100 * MIB
    """The most that an archive may unpack to; Helm has the same limit."""
    unpacked_files: int = 20_000
    environment: Mapping[str, str] = field(default_factory=dict)
    """Where proxies and certificates are."""
