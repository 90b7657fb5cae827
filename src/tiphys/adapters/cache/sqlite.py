"""
A cache in one SQLite file.

It never fails its callers: where the disk is full, read-only or broken it forgets, and says so once. What was not
asked for in the longest time goes first when it grows past its limit. What was asked for lately is at hand in memory,
within a small limit. Keys and values mean nothing to it.
"""

import asyncio
import contextlib
import sqlite3
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import structlog

MIB = 1024 * 1024
_PACK_FROM = 1024
_STAMP_EVERY = 3600.0
"""Seconds within which one reading of a row is as good as another; a write for each would wear a card out."""
_REOPEN_EVERY = 60.0
_SCHEMA_NUMBER = 1
_SCHEMA = f"""
DROP TABLE IF EXISTS kept;
CREATE TABLE kept (
    key TEXT PRIMARY KEY,
    used REAL NOT NULL,
    size INTEGER NOT NULL,
    packed INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT;
CREATE INDEX kept_used ON kept (used);
PRAGMA user_version = {_SCHEMA_NUMBER};
"""

_AT_HAND = 4 * MIB
_AT_HAND_EACH = 64 * 1024

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class AtHand:
    """Small values that were asked for lately, for as long as one reading of a row is as good as another."""

    def __init__(self, limit: int, now: Callable[[], float]) -> None:
        self._limit = limit
        self._now = now
        self._size = 0
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """The value, if it is at hand."""
        since, value = self._kept.get(key, (0.0, None))
        if value is None or self._now() - since > _STAMP_EVERY:
            return None
        self._kept.move_to_end(key)
        return value

    def put(self, key: str, value: bytes) -> None:
        """Have it at hand, unless it is large; what was not asked for in the longest time gives way."""
        self.drop(key)
        if len(value) > _AT_HAND_EACH:
            return
        self._kept[key] = (self._now(), value)
        self._size += len(value)
        while self._size > self._limit:
            self._size -= len(self._kept.popitem(last=False)[1][1])

    def drop(self, key: str) -> None:
        """It is to be read anew."""
        self._size -= len(self._kept.pop(key, (0.0, b""))[1])


class SqliteCache:
    """Fulfils ``RenderCache``. One thread does all the work, so that the event loop never waits for a disk."""

    def __init__(self, path: Path, limit: int = 256 * MIB, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._limit = limit
        self._now = now
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cache")
        self._file: sqlite3.Connection | None = None
        self._size = 0
        self._stamps: dict[str, float] = {}
        self._at_hand = AtHand(_AT_HAND, now)
        self._told = False
        self._opened = -_REOPEN_EVERY

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def get(self, key: str) -> bytes | None:
        """What was kept under the key, if it still is."""
        if (value := self._at_hand.get(key)) is not None:
            return value
        value = await self._do(lambda file: self._get(file, key))
        if value is not None:
            self._at_hand.put(key, value)
        return value

    async def put(self, key: str, value: bytes) -> None:
        """Keep the value; what was not asked for in a long time may be forgotten for it."""
        try:
            await self._do(lambda file: self._put(file, key, value))
        finally:
            self._at_hand.drop(key)

    async def aclose(self) -> None:
        """Write what is left to write and close the file."""
        if self._file:
            await self._do(self._stamp)
        await asyncio.to_thread(self._thread.shutdown)
        self._close()

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._try, work)

    def _try(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do work on the file; a file that turns out to be broken is set aside, and the work done on a new one."""
        for _ in range(2):
            try:
                file = self._file or self._open()
                if file is None:
                    return None
                with file:
                    done = work(file)
            except sqlite3.Error as error:
                if not _is_broken(error):
                    self._tell(error)
                    return None
                self._set_aside(error)
            else:
                self._told = False
                return done
        return None

    def _get(self, file: sqlite3.Connection, key: str) -> bytes | None:
        row = file.execute("SELECT packed, value, used FROM kept WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        packed, value, used = row
        if self._now() - used > _STAMP_EVERY:
            self._stamps[key] = self._now()
        try:
            return zlib.decompress(value) if packed else bytes(value)
        except zlib.error:
            return None

    def _put(self, file: sqlite3.Connection, key: str, value: bytes) -> None:
        packed = len(value) >= _PACK_FROM
        stored = zlib.compress(value, 1) if packed else value
        if len(stored) > self._limit // 4:
            return
        before = file.execute("SELECT size FROM kept WHERE key = ?", (key,)).fetchone()
        file.execute(
            "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)",
            (key, self._now(), len(stored), packed, stored),
        )
        self._size += len(stored) - (before[0] if before else 0)
        if self._stamps:
            self._stamp(file)
        if self._size > self._limit:
            self._forget(file)

    def _stamp(self, file: sqlite3.Connection) -> None:
        file.executemany("UPDATE kept SET used = ? WHERE key = ?", [(t, k) for k, t in self._stamps.items()])
        self._stamps.clear()

    def _forget(self, file: sqlite3.Connection) -> None:
        """Drop the oldest until a tenth of the limit is free."""
        surplus = self._size - self._limit * 9 // 10
        oldest = []
        for key, size in file.execute("SELECT key, size FROM kept ORDER BY used"):
            if surplus <= 0:
                break
            oldest.append((key,))
            surplus -= size
        file.executemany("DELETE FROM kept WHERE key = ?", oldest)
        self._size = _size(file)

    def _open(self) -> sqlite3.Connection | None:
        """Open the file; not more than once a minute, if that fails."""
        if time.monotonic() - self._opened < _REOPEN_EVERY:
            return None
        self._opened = time.monotonic()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)  # SQLite gives its other files the same mode
        except OSError as error:
            self._tell(error)
            return None
        file = sqlite3.connect(self._path, timeout=2, check_same_thread=False)
        try:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
            if file.execute("PRAGMA user_version").fetchone() != (_SCHEMA_NUMBER,):
                file.executescript(_SCHEMA)
            self._size = _size(file)
        except sqlite3.Error:
            file.close()
            raise
        self._file = file
        return file

    def _set_aside(self, error: sqlite3.Error) -> None:
        """Move a broken file out of the way, for whoever wants to look at it, and begin a new one."""
        _log.warning("the cache is broken; a new one is begun", file=str(self._path), reason=str(error))
        self._close()
        self._opened = -_REOPEN_EVERY
        with contextlib.suppress(OSError):
            self._path.replace(self._path.with_name(f"{self._path.name}.broken"))
        for rest in ("-wal", "-shm"):
            with contextlib.suppress(OSError):
                self._path.with_name(self._path.name + rest).unlink(missing_ok=True)

    def _close(self) -> None:
        if self._file:
            with contextlib.suppress(sqlite3.Error):
                self._file.close()
            self._file = None

    def _tell(self, error: Exception) -> None:
        if not self._told:
            _log.warning("the cache cannot be used; it forgets", file=str(self._path), reason=str(error))
        self._told = True


def _size(file: sqlite3.Connection) -> int:
    (size,) = file.execute("SELECT coalesce(sum(size), 0) FROM kept").fetchone()
    return int(size)


def _is_broken(error: sqlite3.Error) -> bool:
    """Whether the file itself is at fault."""
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))
