"""How long a registry may take, how much it may send, and how often it is asked."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """Times in seconds, sizes in bytes."""

    plain: frozenset[str] = frozenset()
    """Registries, as ``host:port``, that are asked by HTTP without TLS; those of this machine always may be."""
    seconds: float = 30
    """For one request, redirects and signing in included."""
    list_bytes: int = 8 * MIB
    """The largest page of a list of tags."""
    document_bytes: int = 4 * MIB
    """The largest manifest or configuration."""
    pages: int = 100
    """The most pages of tags that one repository may have."""
    page_tags: int = 1000
    """How many tags are asked for at once; a registry may send fewer."""
    per_minute: float = 300
    """How many requests one registry gets, over some minutes."""
    burst: int = 300
    """How many of them may come at once."""
    parallel: int = 4
    """How many may be under way at once, at one registry."""
    hold_seconds: float = 3600
    """How long what a tag points to counts as known, where it matters when images were built."""
    longest_silence: float = 3600
    """The longest that a registry may ask to be left alone."""
