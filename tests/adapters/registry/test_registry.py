"""A client of a real registry: tags, digests, when images were built, and how little is asked for."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from adapters.registry.conftest import Kept
from adapters.registry.shelf import Shelf
from tiphys.adapters.registry import Registries
from tiphys.model.errors import SpecError, Unavailable
from tiphys.model.images import ANY, Built, Platform, Repository

ARM = Platform("linux", "arm64")


async def test_tags_and_digests_are_those_that_were_pushed(shelf: Shelf, client: Registries):
    web = Repository(shelf.host, "one/web")
    digest = shelf.push("one/web", "1.0")
    shelf.push("one/web", "1.1")
    assert sorted(await client.tags(web)) == ["1.0", "1.1"]
    assert await client.digest(web, "1.0") == digest


async def test_an_image_says_when_it_was_built(shelf: Shelf, client: Registries):
    web = Repository(shelf.host, "two/web")
    digest = shelf.push("two/web", "a", "2026-05-01T10:11:12.123456789Z")
    built = datetime(2026, 5, 1, 10, 11, 12, 123456, UTC)
    assert await client.built(web, "a", ANY) == Built(digest, built)


async def test_an_image_for_several_platforms_is_known_by_its_index(shelf: Shelf, client: Registries):
    web = Repository(shelf.host, "three/web")
    digest = shelf.push("three/web", "a", platforms=["linux/amd64", "linux/arm64"])
    found = await client.built(web, "a", ARM)
    assert found
    assert found.digest == digest
    assert await client.built(web, "a", Platform("linux", "riscv64")) is None


async def test_an_image_for_another_platform_alone_is_none(shelf: Shelf, client: Registries):
    shelf.push("four/web", "a")
    assert await client.built(Repository(shelf.host, "four/web"), "a", ARM) is None


async def test_what_was_built_is_asked_once_and_outlives_a_restart(
    shelf: Shelf, client: Registries, kept: Kept, stack: AsyncExitStack
):
    web = Repository(shelf.host, "five/web")
    shelf.push("five/web", "a")
    first = await client.built(web, "a", ANY)
    assert len(shelf.requests) == 3
    assert await client.built(web, "a", ANY) == first
    assert len(shelf.requests) == 3
    restarted = await stack.enter_async_context(Registries(kept))
    assert await restarted.built(web, "a", ANY) == first
    assert shelf.requests[3:] == ["HEAD five/web/manifests/a"]


async def test_a_tag_that_is_said_to_point_elsewhere_is_asked_again(shelf: Shelf, client: Registries):
    web = Repository(shelf.host, "six/web")
    shelf.push("six/web", "a", "2026-01-01T00:00:00Z")
    await client.built(web, "a", ANY)
    digest = shelf.push("six/web", "a", "2026-02-02T00:00:00Z")
    client.forget(web, "a")
    assert await client.built(web, "a", ANY) == Built(digest, datetime(2026, 2, 2, tzinfo=UTC))


async def test_what_is_not_there_is_told(shelf: Shelf, client: Registries):
    with pytest.raises(SpecError, match="has no repository no/such"):
        await client.tags(Repository(shelf.host, "no/such"))
    shelf.push("seven/web", "a")
    with pytest.raises(SpecError, match="seven/web has no tag b"):
        await client.digest(Repository(shelf.host, "seven/web"), "b")


async def test_a_registry_that_is_down_is_left_alone_for_a_while(shelf: Shelf, client: Registries):
    web = Repository(shelf.host, "eight/web")
    shelf.broken = 503
    with pytest.raises(Unavailable, match="answers with HTTP 503"):
        await client.tags(web)
    for _ in range(5):
        with pytest.raises(Unavailable, match=r"HTTP 503; it is asked again in \d s"):
            await client.tags(web)
    assert len(shelf.requests) == 1
