"""How long ``tiphys --help`` takes, beside a bare Python and beside Python with click."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import click'": [sys.executable, "-c", "import click"],
    "tiphys --help": [str(Path(sys.executable).with_name("tiphys")), "--help"],
}


def measured(command: list[str]) -> float:
    """Milliseconds of one run."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Interleave the commands, so that noise hits all alike."""
    runs: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(20):
        for name, command in COMMANDS.items():
            runs[name].append(measured(command))
    bare = statistics.median(runs["python -c pass"])
    for name, times in runs.items():
        median = statistics.median(times)
        print(f"{name:28} {median:7.1f} ms  {median / bare:5.2f} x bare")


if __name__ == "__main__":
    main()
