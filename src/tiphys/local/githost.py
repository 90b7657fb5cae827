"""
The Git server of a place as a program in the background: ``python -m tiphys.local.githost FOLDER``.

Its port is written into what it serves (a chart names its repository, the root its own), so it is chosen once
and kept. What is served is for others to lay down.
"""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tiphys.local.background import Background, launch, wait_for
from tiphys.local.place import Place, Served
from tiphys.model.errors import TiphysError, Unavailable

# What the files in examples/ call it; another one is taken at the first start where this is in use.
USUAL_PORT = 7480
START_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class _Ready:
    pid: int
    port: int


def program(place: Place) -> Background:
    """The Git server of a place."""
    return Background("the Git server", place.folder / "git.lock", place.log("git"))


def status(place: Place) -> Served | None:
    """Where it answers, if it runs."""
    pid, ready = program(place).pid(), _announced(place)
    return Served(f"http://127.0.0.1:{ready.port}") if ready and ready.pid == pid else None


def start(place: Place) -> Served:
    """Start it where it does not run, and wait until it answers."""
    server = program(place)
    process = None
    if server.pid() is None:
        process = launch(server, [sys.executable, "-m", "tiphys.local.githost", place.folder])
    return wait_for(server, process, lambda: status(place), START_WITHIN)


def stop(place: Place) -> bool:
    """Stop it, and answer whether it ran."""
    return program(place).stop(within=5.0)


async def serve(place: Place) -> None:
    """Serve the place's repositories and charts until SIGTERM."""
    # Imported by the server alone: whoever only asks after it starts faster without.
    from tiphys.local.gitserver import serving  # noqa: PLC0415

    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    place.repositories.mkdir(parents=True, exist_ok=True)
    remembered = _announced(place)
    async with serving(place.repositories, place.charts, await _port(remembered)) as served:
        ready = _Ready(os.getpid(), int(served.address.rpartition(":")[2]))
        new = _file(place).with_suffix(".new")
        new.write_bytes(msgspec.json.encode(ready))
        new.replace(_file(place))
        await ended.wait()


async def _port(remembered: _Ready | None) -> int:
    if remembered:
        if await _taken(remembered.port):
            raise Unavailable(
                f"port {remembered.port} of 127.0.0.1, by which the repositories here know each other, is "
                "used by another program; end that one, or begin anew with: tiphys local reset"
            )
        return remembered.port
    return 0 if await _taken(USUAL_PORT) else USUAL_PORT


async def _taken(port: int) -> bool:
    try:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
    except OSError:
        return True
    server.close()
    await server.wait_closed()
    return False


def _file(place: Place) -> Path:
    return place.folder / "git.json"


def _announced(place: Place) -> _Ready | None:
    try:
        return msgspec.json.decode(_file(place).read_bytes(), type=_Ready)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


if __name__ == "__main__":
    try:
        asyncio.run(serve(Place(Path(sys.argv[1]))))
    except TiphysError as error:
        sys.exit(f"{error}")
