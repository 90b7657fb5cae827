"""Play seeds: ``python -m simulation 17``, ``python -m simulation 0-999``."""

import os
import sys
import time

import structlog

from simulation.engine import BEGINNING, now
from simulation.loop import simulated
from simulation.play import Play
from simulation.verdict import QUIET, faults


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
    structlog.configure(
        processors=[_timed, structlog.dev.ConsoleRenderer(colors=False)] if loud else [_dropped],
    )
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
    play = Play(seed, _say if loud else lambda _: None)
    await play.run()
    peace = (now() - BEGINNING).total_seconds() - QUIET
    quiet_since = max((v for v, at in play.moments if at < peace), default=0)
    return faults(play, quiet_since)


def _say(what: str) -> None:
    structlog.get_logger().info(f"-- {what}")


def _timed(_: object, __: str, event: dict[str, object]) -> dict[str, object]:
    return {"timestamp": f"{(now() - BEGINNING).total_seconds() - 1000:8.2f}", **event}


def _dropped(_: object, __: str, ___: dict[str, object]) -> dict[str, object]:
    raise structlog.DropEvent


def _seeds(word: str) -> range:
    first, _, last = word.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 99))
