"""
One child process of the toolbox: started, asked one thing at a time, and ended.

Knows frames, pipes and exit codes. Which child is asked, and what its death means, the pool decides.
"""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path

from tiphys.model.errors import Unavailable

EXIT_MEMORY = 86
"""The exit code by which the toolbox says that it passed its memory cap."""

_FATAL = ("fatal error: ", "runtime: goroutine stack exceeds")
"""How the line begins in which Go says why it gives up; pages of traces follow it."""

_WANT_OF_MEMORY = ("out of memory", "cannot allocate memory", "stack exceeds", "stack overflow")
_TAIL = 64 * 1024
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TZ": "UTC", "GOTRACEBACK": "none"}
"""All that a child sees of the environment: nothing of ours, so nothing to give away."""


@dataclass(frozen=True, slots=True)
class Death:
    """How a child ended: its exit code (negative for a signal) and what it said last."""

    code: int
    said: str
    of_memory: bool

    def __str__(self) -> str:
        how = f"exit code {self.code}" if self.code >= 0 else f"signal {-self.code}"
        return f"{how}: {self.said}" if self.said else how


class Died(Exception):
    """The child ended before it answered."""

    def __init__(self, death: Death) -> None:
        super().__init__(str(death))
        self.death = death


class Child:
    """A running child. Whoever started it calls ``kill`` or ``stop``, then awaits ``ended``."""

    def __init__(self, process: Process) -> None:
        assert process.stdin  # noqa: S101 - all three were asked for
        assert process.stdout  # noqa: S101
        assert process.stderr  # noqa: S101
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._said = bytearray()
        self._listening = asyncio.create_task(self._listen(process.stderr))

    @classmethod
    async def start(cls, binary: Path, memory_mib: int, folder: Path) -> "Child":
        """Start the program in an empty folder. Raises ``Unavailable`` where it cannot run."""
        try:
            process = await asyncio.create_subprocess_exec(
                binary,
                "--memory-mib",
                str(memory_mib),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd=folder,
                env=_ENVIRONMENT,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise Unavailable(
                f"start the toolbox: {binary} is missing; build it with `make build`"
            ) from error
        except OSError as error:
            raise Unavailable(f"start the toolbox: {binary}: {error.strerror}") from error
        return cls(process)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self._process.returncode is None and not self._stdin.is_closing()

    async def ask(self, request: bytes) -> bytes:
        """
        Send a request and wait for its answer, both JSON. Raises ``Died`` if the child ends instead.

        After a cancellation the pipe may hold half a frame: the child is good for nothing but ``kill``.
        """
        try:
            self._stdin.write(len(request).to_bytes(4, "big") + request)
            await self._stdin.drain()
            head = await self._stdout.readexactly(4)
            return await self._stdout.readexactly(int.from_bytes(head, "big"))
        except (asyncio.IncompleteReadError, ConnectionError, BrokenPipeError) as error:
            self.kill()
            raise Died(await self.ended()) from error

    def kill(self) -> None:
        """End it now, with all that it may have started."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Let it end: a child whose requests have ended goes by itself."""
        self._stdin.close()

    async def ended(self) -> Death:
        """Wait until it is gone, and tell how."""
        code = await self._process.wait()
        await asyncio.wait([self._listening])
        with contextlib.suppress(ConnectionError, BrokenPipeError):
            self._stdin.close()
            await self._stdin.wait_closed()
        said = _last_words(self._said.decode("utf-8", "replace"))
        return Death(code, said, code == EXIT_MEMORY or any(sign in said for sign in _WANT_OF_MEMORY))

    async def _listen(self, stderr: asyncio.StreamReader) -> None:
        while heard := await stderr.read(_TAIL):
            self._said += heard
            del self._said[:-_TAIL]


def _last_words(said: str) -> str:
    """The line that says why, if one does, or else the last one."""
    lines = [line for line in said.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith(_FATAL)), lines[-1] if lines else "")
