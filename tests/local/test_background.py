"""Programs in the background, known by the locks that they hold."""

import subprocess
import sys
from pathlib import Path

import pytest

from tiphys.local.background import Background, launch
from tiphys.model.errors import Unavailable


@pytest.fixture
def program(tmp_path: Path) -> Background:
    return Background("the sleeper", tmp_path / "lock", tmp_path / "log")


def test_it_runs_until_it_is_stopped(program: Background) -> None:
    process = launch(program, ["sleep", "60"])
    assert program.pid() == process.pid
    assert program.stop()
    assert process.ended() == -15
    assert program.pid() is None


def test_the_same_program_is_not_started_twice(program: Background) -> None:
    process = launch(program, ["sleep", "60"])
    with pytest.raises(Unavailable, match=rf"the sleeper runs already, with pid {process.pid}"):
        launch(program, ["sleep", "60"])
    program.stop()


def test_one_that_does_not_want_to_end_is_ended(program: Background) -> None:
    process = launch(program, [sys.executable, "-c", DEAF])
    while "deaf" not in program.last_words():
        assert process.ended() is None
    assert program.stop(within=0.2)
    assert process.ended() == -9


def test_it_survives_the_command_that_started_it(program: Background) -> None:
    starter = (
        "from pathlib import Path; from tiphys.local.background import Background, launch; import sys;"
        "launch(Background('x', Path(sys.argv[1]), Path(sys.argv[2])), ['sleep', '60'])"
    )
    subprocess.run([sys.executable, "-c", starter, program.lock, program.log], check=True)
    assert program.pid() is not None
    assert program.stop()


def test_a_program_that_is_not_there_is_named_and_not_held_to_be_running(program: Background) -> None:
    with pytest.raises(Unavailable, match=r"cannot start the sleeper: .*/nowhere/sleep"):
        launch(program, ["/nowhere/sleep"])
    assert program.pid() is None


DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
