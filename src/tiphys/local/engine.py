"""The engine of a local platform as a program in the background: ``tiphys controller`` on its cluster."""

import os
import sys
from pathlib import Path

from tiphys.local.background import Background, launch
from tiphys.local.place import NAMESPACE, Place


def program(place: Place) -> Background:
    """The engine of a place."""
    return Background("the engine", place.folder / "engine.lock", place.log("engine"))


def start(place: Place) -> bool:
    """Start it where it does not run, and answer whether this call did. What it does shows in its log."""
    engine = program(place)
    if engine.pid() is not None:
        return False
    place.engine.mkdir(parents=True, exist_ok=True, mode=0o700)
    launch(engine, _command(place), _environment())
    return True


def stop(place: Place) -> bool:
    """Let it end what it is at, and answer whether it ran."""
    return program(place).stop(within=20.0)


def _command(place: Place) -> list[str | Path]:
    engine: list[str | Path] = [sys.executable, "-m", "tiphys.cli.main", "controller"]
    where: list[str | Path] = ["--kubeconfig", place.kubeconfig, "--state", place.engine]
    return [*engine, *where, "--namespace", NAMESPACE, "--log-format", "text"]


def _environment() -> dict[str, str]:
    """This process's, but for proxies: what the engine asks of this machine stays on it."""
    kept = [os.environ.get("NO_PROXY") or os.environ.get("no_proxy", ""), "127.0.0.1", "localhost"]
    names = ",".join(filter(None, kept))
    # Several platforms may run on one machine, so any free port does; the log tells which.
    listen = os.environ.get("TIPHYS_LISTEN", "127.0.0.1:0")
    return {**os.environ, "NO_PROXY": names, "no_proxy": names, "TIPHYS_LISTEN": listen}
