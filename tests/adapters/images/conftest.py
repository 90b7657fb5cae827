"""The registry that these tests share."""

from adapters.images.registry import registry, storage

__all__ = ["registry", "storage"]
