"""
Running git: out of reach of the machine's and the user's configuration, and never for ever.

What its words mean, ``troubles`` knows.
"""

import asyncio
import contextlib
import os
import resource
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tiphys.adapters.git.settings import MIB, Settings

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


class Git:
    """The ``git`` program, so many at once."""

    def __init__(self, settings: Settings) -> None:
        config = _CONFIG | {f"protocol.{scheme}.allow": "always" for scheme in settings.schemes}
        self._options = [part for item in config.items() for part in ("-c", "=".join(item))]
        self._environment = {"PATH": os.defpath, **settings.environment, **_HARDENED}
        self._most_bytes = settings.pack_bytes
        self._places = asyncio.Semaphore(settings.processes)

    async def __call__(self, *arguments: str, seconds: float, folder: Path | None = None) -> Output:
        """Run git; a deadline that passes ends it and all its children."""
        async with self._places:
            process = await asyncio.create_subprocess_exec(
                "git",
                *self._options,
                *arguments,
                cwd=folder or "/",
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            try:
                self._bound(process.pid)
                return await _output(process, seconds)
            finally:
                await _ended(process)

    def _bound(self, pid: int) -> None:
        # No file of a clone grows past the limit: a repository without end cannot fill the disk.
        with contextlib.suppress(OSError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (self._most_bytes, self._most_bytes))


async def _output(process: asyncio.subprocess.Process, seconds: float) -> Output:
    if process.stdout is None or process.stderr is None:
        raise RuntimeError("git was started without pipes")
    words = bytearray()
    late = False
    reading = asyncio.create_task(_tail(process.stderr, words))
    text = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while (chunk := await process.stdout.read(65536)) and len(text) < _MOST_OUTPUT:
                text += chunk
            await reading
            await process.wait()
    except TimeoutError:
        late = True
    finally:
        reading.cancel()
    code = -signal.SIGKILL if process.returncode is None else process.returncode
    return Output(code, text.decode("utf-8", "replace"), words.decode("utf-8", "replace"), late)


async def _tail(stream: asyncio.StreamReader, kept: bytearray) -> None:
    while chunk := await stream.read(65536):
        kept += chunk
        del kept[:-_MOST_WORDS]


async def _ended(process: asyncio.subprocess.Process) -> None:
    """No process of the group is left when this returns, even if we are being cancelled."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())
