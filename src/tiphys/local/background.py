"""
Programs of ours that run on when the command that started them has ended.

Each is known by a lock file that it holds as long as it lives, with its pid inside. The kernel lets go of
the lock even after ``kill -9``, so a stale one cannot exist and nobody else's process is ever taken for ours.
What the programs do, and when they are ready, is for others to know.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tiphys.model.errors import Unavailable

T = TypeVar("T")

LOOK_EVERY = 0.05
LOG_KEPT = 5 << 20


@dataclass(frozen=True, slots=True)
class Background:
    """A program in the background: what users call it, the lock that it holds, and where it writes."""

    title: str
    lock: Path
    log: Path

    def pid(self) -> int | None:
        """The process that runs it now, if one does."""
        try:
            with self.lock.open("rb") as file:
                return None if _free(file.fileno()) else int(file.read().strip() or 0) or None
        except (FileNotFoundError, NotADirectoryError):
            return None

    def stop(self, within: float = 30.0) -> bool:
        """Ask it to end, and end it if it has not after ``within`` seconds. Answers whether it ran."""
        pid = self.pid()
        if pid is None:
            return False
        with _process(pid) as process:
            # Looked at again with the process in hand: it may have ended since, and its pid been reused.
            if process is None or self.pid() != pid:
                return True
            signal.pidfd_send_signal(process, signal.SIGTERM)
            if not _until(lambda: self.pid() is None, within):
                signal.pidfd_send_signal(process, signal.SIGKILL)
                _until(lambda: self.pid() is None, 5.0)
        return True

    def last_words(self, lines: int = 12) -> str:
        """The end of its log, for a message about its death."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


@dataclass(slots=True)
class Launched:
    """A program that this process has started, and may outlive or not."""

    pid: int
    code: int | None = None

    def ended(self) -> int | None:
        """Its exit code if it has ended, negative for a signal."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code


def launch(
    program: Background,
    command: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    *,
    locks_itself: bool = False,
) -> Launched:
    """
    Start a program in a session of its own, so that a Ctrl-C in this terminal does not reach it.

    The lock is taken here and inherited by the program, unless it takes it by itself.
    Raises ``Unavailable`` when it runs already, or when its files cannot be written or started.
    """
    try:
        program.lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.ExitStack() as files:
            log = files.enter_context(_log(program.log))
            held = [] if locks_itself else [files.enter_context(_taken(program))]
            pid = os.posix_spawnp(
                str(command[0]),
                [str(part) for part in command],
                os.environ if env is None else env,
                file_actions=_files(log, held),
                setsid=True,
                setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ],
            )
            for lock in held:
                os.pwrite(lock, f"{pid}\n".encode(), 0)
            return Launched(pid)
    except OSError as error:
        raise Unavailable(f"cannot start {program.title}: {error}") from error


def wait_for(
    program: Background,
    process: Launched | None,
    ready: Callable[[], T | None],
    within: float,
) -> T:
    """What ``ready`` answers, once it does; ``Unavailable`` with the last words of a program that dies."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if (answer := ready()) is not None:
            return answer
        if process.ended() is not None if process else program.pid() is None:
            raise died(program, process)
        time.sleep(LOOK_EVERY)
    raise Unavailable(f"{program.title} was not ready after {within:.0f} s.\n{_told(program)}")


def died(program: Background, process: Launched | None = None) -> Unavailable:
    """The error that a program has ended that should run, with its last words."""
    code = f" with exit code {process.code}" if process and process.code is not None else ""
    return Unavailable(f"{program.title} has ended{code}.\n{_told(program)}")


def _files(log: int, held: Sequence[int]) -> list[tuple[Any, ...]]:
    """Which files the program finds open: none to read from, the log, and its lock under the number it has."""
    nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    return [
        nothing,
        *((os.POSIX_SPAWN_DUP2, *pair) for pair in [(log, 1), (log, 2), *zip(held, held, strict=True)]),
    ]


def _told(program: Background) -> str:
    return f"{program.last_words()}\nIts log is {program.log}".strip()


def _free(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(lock, fcntl.LOCK_UN)
    return True


@contextlib.contextmanager
def _taken(program: Background) -> Iterator[int]:
    lock = os.open(program.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable(f"{program.title} runs already, with pid {program.pid()}") from error
        os.ftruncate(lock, 0)
        yield lock
    finally:
        os.close(lock)


@contextlib.contextmanager
def _log(path: Path) -> Iterator[int]:
    """The log to append to; an old one that has grown large is moved aside first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.stat().st_size > LOG_KEPT:
        path.replace(path.with_suffix(".log.old"))
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        yield file
    finally:
        os.close(file)


@contextlib.contextmanager
def _process(pid: int) -> Iterator[int | None]:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield process
    finally:
        os.close(process)


def _until(done: Callable[[], bool], within: float) -> bool:
    end = time.monotonic() + within
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_EVERY)
    return True
