"""What is kept, what is forgotten, and what happens to a broken file."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tiphys.adapters.cache import SqliteCache


async def test_what_was_kept_survives_a_restart(tmp_path: Path):
    large, small = b"kind: Deployment\n" * 10_000, b"capabilities"
    async with SqliteCache(tmp_path / "state/cache.sqlite") as cache:
        await cache.put("large", large)
        await cache.put("small", small)
        await cache.put("small", small + b"!")
    async with SqliteCache(tmp_path / "state/cache.sqlite") as cache:
        assert await cache.get("large") == large
        assert await cache.get("small") == small + b"!"
        assert await cache.get("none") is None
    assert (tmp_path / "state/cache.sqlite").stat().st_size < len(large) / 2


async def test_a_process_that_is_killed_loses_nothing_that_was_put(tmp_path: Path):
    cache = SqliteCache(tmp_path / "cache.sqlite")
    await cache.put("a", b"1")
    async with SqliteCache(tmp_path / "cache.sqlite") as other:
        assert await other.get("a") == b"1"
    await cache.aclose()


async def test_what_was_not_asked_for_in_the_longest_time_goes_first(tmp_path: Path):
    day = 0
    async with SqliteCache(tmp_path / "cache.sqlite", limit=100_000, now=lambda: day * 86400.0) as cache:
        for day in range(1, 10):
            await cache.put(f"day {day}", os.urandom(10_000))
        day = 10
        await cache.get("day 1")
        for day in range(11, 14):
            await cache.put(f"day {day}", os.urandom(10_000))
        kept = [n for n in range(1, 14) if await cache.get(f"day {n}")]
    assert 1 in kept
    assert 13 in kept
    assert 2 not in kept
    assert len(kept) <= 9


async def test_a_value_that_would_drive_out_all_others_is_not_kept(tmp_path: Path):
    async with SqliteCache(tmp_path / "cache.sqlite", limit=100_000) as cache:
        await cache.put("a", b"1")
        await cache.put("huge", os.urandom(90_000))
        assert await cache.get("a") == b"1"
        assert await cache.get("huge") is None


async def test_what_is_kept_anew_is_what_is_found_from_then_on(tmp_path: Path):
    async with SqliteCache(tmp_path / "cache.sqlite") as cache:
        for word in (b"1", b"2"):
            await cache.put("a", word)
            assert [await cache.get("a") for _ in range(2)] == [word, word]


async def test_what_is_asked_for_often_is_not_forgotten_for_being_at_hand(tmp_path: Path):
    hour = 0
    async with SqliteCache(tmp_path / "cache.sqlite", limit=100_000, now=lambda: hour * 3600.0) as cache:
        await cache.put("often", os.urandom(1000))
        for hour in range(2, 40, 2):
            assert await cache.get("often")
            await cache.put(f"{hour}", os.urandom(10_000))


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


def cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(5000)


def scribbled(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(60_000))


@pytest.mark.parametrize("damage", [garbage, cut, scribbled])
async def test_a_broken_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, damage: Callable[[Path], None]):
    path = tmp_path / "cache.sqlite"
    async with SqliteCache(path) as cache:
        for number in range(50):
            await cache.put(f"{number}", os.urandom(5000))
    damage(path)
    with capture_logs() as logs:
        async with SqliteCache(path) as cache:
            for number in range(50):
                await cache.get(f"{number}")
            await cache.put("new", b"1")
            assert await cache.get("new") == b"1"
    assert [log["event"] for log in logs] == ["the cache is broken; a new one is begun"]
    assert path.with_name("cache.sqlite.broken").exists()


async def test_a_file_of_another_version_is_begun_anew(tmp_path: Path):
    with sqlite3.connect(tmp_path / "cache.sqlite") as file:
        file.executescript("CREATE TABLE kept (other); PRAGMA user_version = 99")
    file.close()
    async with SqliteCache(tmp_path / "cache.sqlite") as cache:
        await cache.put("a", b"1")
        assert await cache.get("a") == b"1"


async def test_where_it_cannot_be_written_it_forgets_and_says_so_once(tmp_path: Path):
    (tmp_path / "state").write_text("a file where a folder should be")
    with capture_logs() as logs:
        async with SqliteCache(tmp_path / "state/cache.sqlite") as cache:
            for _ in range(3):
                await cache.put("a", b"1")
                assert await cache.get("a") is None
    assert [log["event"] for log in logs] == ["the cache cannot be used; it forgets"]


async def test_on_a_full_disk_it_forgets_what_is_new_and_keeps_what_is_old(tmp_path: Path):
    with capture_logs() as logs:
        async with SqliteCache(tmp_path / "cache.sqlite") as cache:
            await cache.put("old", b"1")
            assert cache._file
            cache._file.execute("PRAGMA max_page_count = 8")
            await cache.put("new", os.urandom(100_000))
            assert await cache.get("new") is None
            assert await cache.get("old") == b"1"
    assert [log["reason"] for log in logs] == ["database or disk is full"]


async def test_many_at_once_are_served(tmp_path: Path):
    async with SqliteCache(tmp_path / "cache.sqlite") as cache:
        await asyncio.gather(*(cache.put(f"{n}", f"{n}".encode() * 500) for n in range(100)))
        found = await asyncio.gather(*(cache.get(f"{n}") for n in range(100)))
    assert found == [f"{n}".encode() * 500 for n in range(100)]


async def test_nobody_else_may_read_what_is_kept(tmp_path: Path) -> None:
    async with SqliteCache(tmp_path / "renders.sqlite") as cache:
        await cache.put("key", b"what a chart made of a Secret")
        assert _modes(tmp_path) == {0o600}


def _modes(folder: Path) -> set[int]:
    return {file.stat().st_mode & 0o777 for file in folder.iterdir()}
