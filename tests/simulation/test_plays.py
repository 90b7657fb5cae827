"""
Whatever happens, in the end what is live is what Git says, nothing of others was touched, and there is peace.

``TIPHYS_SEEDS=0-9999`` plays more seeds than the usual few.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SEEDS = os.environ.get("TIPHYS_SEEDS", "0-39")
TOGETHER = 10
"""Seeds that one process plays."""


def batches(seeds: str) -> list[str]:
    first, _, last = seeds.partition("-")
    starts = range(int(first), int(last or first) + 1, TOGETHER)
    return [f"{start}-{min(start + TOGETHER - 1, int(last or first))}" for start in starts]


@pytest.mark.parametrize("seeds", batches(SEEDS))
def test_all_is_well_in_the_end(seeds: str) -> None:
    # In a process of its own, where sets have the same order each time, so that a seed says everything.
    command = [sys.executable, "-m", "simulation", seeds]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], env=environment, capture_output=True, text=True, check=False
    )
    wrong = [line for line in done.stdout.splitlines() if ": well (" not in line]
    assert done.returncode == 0, "\n".join([*wrong, done.stderr[-3000:]])
