"""A real registry on loopback, and clients of it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from adapters.images.registry import registry  # noqa: F401 - a fixture
from adapters.registry.shelf import Shelf, shelf_of
from tiphys.adapters.registry import Registries, Settings


class Kept(dict[str, bytes]):
    """A cache as long as a test."""

    async def get(self, key: str) -> bytes | None:  # type: ignore[override]
        return super().get(key)

    async def put(self, key: str, value: bytes) -> None:
        self[key] = value


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def shelf(registry: str, stack: AsyncExitStack) -> Shelf:  # noqa: F811
    return await shelf_of(registry, stack)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def client(kept: Kept, stack: AsyncExitStack) -> Registries:
    return await stack.enter_async_context(Registries(kept, Settings(seconds=5)))
