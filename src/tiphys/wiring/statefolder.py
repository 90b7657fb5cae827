"""
The engine's state folder: made private, used by one process at a time, and the name by which a restart knows itself.

Who was killed lets go of the folder's lock at once, so who holds it knows that the one before cannot act any more.
"""

import asyncio
import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from tiphys.model.errors import Unavailable

log = structlog.get_logger()
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PAUSE = 1.0


def make_folder(state: Path) -> None:
    """Make the folder if it is missing, for its owner alone. Raises ``Unavailable``."""
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unavailable(f"make the state folder {state}: {error.strerror}; set TIPHYS_STATE") from error


@dataclass
class FolderGate:
    """A gate that is open while no other process uses the folder. ``open_folder`` makes one."""

    folder: Path
    lock: BinaryIO
    tell: Callable[[], None] = lambda: None
    """Is called when we begin to wait."""

    @property
    def name(self) -> str:
        """
        Names the folder on this machine since its boot: the same after a restart, and another for every copy of it.

        A folder on a network disk has another name on each machine, for a lock there may not reach over both.
        """
        self.lock.seek(0)
        found = os.fstat(self.lock.fileno())
        boot = _BOOT.read_text().strip() if _BOOT.exists() else ""
        words = f"{self.lock.read(64).decode()} {boot} {found.st_dev}:{found.st_ino}"
        return hashlib.sha256(words.encode()).hexdigest()[:12]

    async def opened(self) -> None:
        """Returns when no other process uses the folder."""
        if ours := self._locked():
            return
        log.warning(
            "standing by: another engine uses the state folder",
            folder=str(self.folder),
            remedy="end it, or give this one a folder of its own by TIPHYS_STATE",
        )
        self.tell()
        while not ours:
            await asyncio.sleep(_PAUSE)
            ours = self._locked()

    async def shut(self) -> None:
        """Never returns: nobody takes a lock away."""
        await asyncio.get_running_loop().create_future()

    def _locked(self) -> bool:
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            what = f"lock the state folder {self.folder}: {error.strerror}"
            raise Unavailable(
                f"{what}; set TIPHYS_STATE to a local one, or TIPHYS_LEADER_ELECTION=false"
            ) from error
        return True


def open_folder(state: Path) -> FolderGate:
    """The gate of a folder; closing its lock, or the end of the process, lets go of it. Raises ``Unavailable``."""
    make_folder(state)
    try:
        lock = (state / "engine.lock").open("a+b")
        if os.fstat(lock.fileno()).st_size == 0:
            lock.write(secrets.token_hex(8).encode())
            lock.flush()
    except OSError as error:
        raise Unavailable(f"write to the state folder {state}: {error.strerror}; set TIPHYS_STATE") from error
    return FolderGate(state, lock)
