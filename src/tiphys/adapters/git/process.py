"""
Running git: out of reach of the machine's and the user's configuration, and never for ever.

What its words mean, ``troubles`` knows.
"""

import asyncio
import contextlib
import os
import resource
import signal
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from tiphys.adapters.git.settings import MIB, Settings
from tiphys.model.errors import Unavailable

_PASSED_ON = (
    "PATH",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
)
_HARDENED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
}
_CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.fsync": "committed",
    "core.askPass": "",
    "credential.helper": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # One pack for each fetch: it appears whole or not at all, however git ends.
    "fetch.unpackLimit": "1",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
    "protocol.version": "2",
    "protocol.allow": "never",
    "submodule.recurse": "false",
    # For our own clones, whoever owns the volume; upload-pack of a file:// repository does not inherit it.
    "safe.directory": "*",
}
_MOST_OUTPUT = 64 * MIB
_MOST_WORDS = 64 * 1024
_MOST_DYING = 10.0


@dataclass(frozen=True, slots=True)
class Output:
    """How a git process ended."""

    code: int
    """The exit code; negative if a signal ended it."""
    text: str
    words: str
    """What it said on stderr, the last 64 kB of it."""
    late: bool = False
    """Whether it was killed at its deadline."""


def allowed_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that git may see: where programs, certificates and proxies are."""
    return {name: environment[name] for name in _PASSED_ON if name in environment}


class Guest(Protocol):
    """As whom git comes to a repository."""

    def options(self, url: str) -> Sequence[str]:
        """What git is told before its command."""

    def environment(self, folder: Path) -> Mapping[str, str]:
        """What git sees of it; files of it are in the folder, and gone when git is."""


class Git:
    """The ``git`` program, so many at once."""

    def __init__(self, settings: Settings) -> None:
        config = _CONFIG | {f"protocol.{scheme}.allow": "always" for scheme in settings.schemes}
        self._options = [part for item in config.items() for part in ("-c", "=".join(item))]
        self._environment = {"PATH": os.defpath, **settings.environment, **_HARDENED}
        self._most_bytes = settings.pack_bytes
        self._places = asyncio.Semaphore(settings.processes)

    async def visit(
        self, who: Guest, url: str, *arguments: str, seconds: float, folder: Path | None = None
    ) -> Output:
        """Run git as somebody; ``url`` is the repository's, of which the arguments tell."""
        with tempfile.TemporaryDirectory(prefix="tiphys-git-", ignore_cleanup_errors=True) as ours:
            environment = await asyncio.to_thread(who.environment, Path(ours))
            options = who.options(url)
            return await self(*options, *arguments, seconds=seconds, folder=folder, environment=environment)

    async def __call__(
        self,
        *arguments: str,
        seconds: float,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Output:
        """Run git; a deadline that passes ends it and its children. ``FileNotFoundError``: there is no such folder."""
        async with self._places:
            try:
                transport, run = await asyncio.get_running_loop().subprocess_exec(
                    _Run,
                    "git",
                    *self._options,
                    *arguments,
                    cwd=folder or "/",
                    env={**self._environment, **(environment or {})},
                    stdin=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                    # Python ignores SIGXFSZ, and so should git: it then says that the file is too large.
                    restore_signals=False,
                )
            except FileNotFoundError as error:
                if folder and not await asyncio.to_thread(folder.exists):
                    raise
                raise Unavailable("the program git is not in PATH; install Git 2.39 or newer") from error
            try:
                self._bound(transport.get_pid())
                late = await run.is_late(seconds)
            finally:
                await run.end()
                transport.close()
            return run.output(transport.get_returncode(), late)

    def _bound(self, pid: int) -> None:
        # No file of a clone grows past the limit: a repository without end cannot fill the disk.
        with contextlib.suppress(OSError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (self._most_bytes, self._most_bytes))


class _Run(asyncio.SubprocessProtocol):
    """A git process: what it printed, and that neither it nor a child of it stays."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._words = bytearray()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pid = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is a subprocess transport by what it can do, and not by its class.
        self._pid = cast("asyncio.SubprocessTransport", transport).get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._text += data[: _MOST_OUTPUT - len(self._text)]
        else:
            self._words += data
            del self._words[:-_MOST_WORDS]

    def process_exited(self) -> None:
        # A git that was killed leaves children that hold its pipes open.
        self._kill()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio tells it
        if not self._ended.done():
            self._ended.set_result(None)

    async def is_late(self, seconds: float) -> bool:
        """Wait until it has ended; whether the time was up before that."""
        done, _ = await asyncio.wait([self._ended], timeout=seconds)
        return not done

    async def end(self) -> None:
        """Nothing of it runs when this returns."""
        if not self._ended.done():
            self._kill()
            await asyncio.wait([self._ended], timeout=_MOST_DYING)

    def output(self, code: int | None, late: bool) -> Output:
        """What there is to say about it, at its end."""
        text, words = (b.decode("utf-8", "replace") for b in (self._text, self._words))
        return Output(-signal.SIGKILL if code is None else code, text, words, late)

    def _kill(self) -> None:
        # Group 0 would be our own.
        if self._pid > 0:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
