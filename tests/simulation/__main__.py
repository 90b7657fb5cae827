"""Play seeds: ``python -m simulation 17``, ``python -m simulation 0-999``."""

import os
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog

from simulation.engine import BEGINNING, now
from simulation.loop import simulated
from simulation.play import Play
from simulation.verdict import unrest, unwell, wrongs

QUICK = 30.0
"""Seconds within which a commit and a drift must be dealt with while nothing goes wrong."""
QUIET = 400.0
"""Seconds in which nothing may be written when there is nothing to do: longer than between two looks."""

TRACEBACKS: list[str] = []
"""What was logged as a bug."""


def main(words: list[str]) -> int:
    """Play each seed; answers how many went wrong."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(  # noqa: S606 - ourselves
            sys.executable,
            [sys.executable, "-m", "simulation", *words],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    seeds = [seed for word in words for seed in _seeds(word)]
    loud = len(seeds) == 1
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[_noted, _timed, plain] if loud else [_noted, _dropped])
    return sum(_failed(seed, loud=loud) for seed in seeds)


def _failed(seed: int, *, loud: bool) -> bool:
    began = time.perf_counter()
    try:
        wrong = simulated(played(seed, loud=loud))
    except Exception as error:
        if loud:
            raise
        wrong = [f"{type(error).__name__}: {error}"]
    print(f"seed {seed}: {'; '.join(wrong[:4]) or 'well'} ({time.perf_counter() - began:.1f} s)", flush=True)  # noqa: T201
    return bool(wrong)


async def played(seed: int, *, loud: bool = False) -> list[str]:
    """Play a seed; answers what is wrong in the end."""
    TRACEBACKS.clear()
    play = Play(seed, _say if loud else lambda _: None)
    async with play.on_stage():
        await play.turmoil()
        await play.peace()
        wrong = [f"after all: {each}" for each in unwell(play)]
        play.stir()
        await play.passes(QUICK)
        wrong += [f"after a drift in peace: {each}" for each in unwell(play)]
        version = play.server.version
        await play.passes(QUIET)
        wrong += [f"no peace: {each}" for each in unrest(play, version)]
        return [*wrong, *wrongs(play), *TRACEBACKS]


def _say(what: str) -> None:
    structlog.get_logger().info(f"-- {what}")


def _timed(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {"timestamp": f"{(now() - BEGINNING).total_seconds() - 1000:8.2f}", **event}


def _noted(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Whatever is logged with a traceback is a bug."""
    if event.get("exc_info"):
        TRACEBACKS.append(f"{event['event']}: {sys.exc_info()[1]!r}")
    return event


def _dropped(_: object, __: str, ___: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    raise structlog.DropEvent


def _seeds(word: str) -> range:
    first, _, last = word.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 99))
