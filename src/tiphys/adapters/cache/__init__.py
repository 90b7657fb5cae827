"""What was rendered, kept by the key of what the render read, so that a restart renders nothing twice."""

from tiphys.adapters.cache.sqlite import SqliteCache

__all__ = ["SqliteCache"]
