"""Every command of the first tutorial, as it stands on the page, and what the page says that it prints."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from journeys.conftest import Platform, until

CHECKOUT = Path(__file__).parents[2]
PAGE = CHECKOUT / "docs" / "tutorials" / "first-platform.md"
FENCE = re.compile(r"^```(\S+)(?: exit=(\d))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
END = "---- end of step"
PATIENCE = 180.0


@dataclass(frozen=True)
class Step:
    """A block of commands, how its last one ends, and the lines that the page shows below it."""

    commands: str
    code: int
    shown: str


def steps(page: str) -> Iterator[Step]:
    blocks = FENCE.findall(page)
    for (language, code, text), following in zip(blocks, [*blocks[1:], ("", "", "")], strict=True):
        if language == "sh":
            yield Step(text, int(code or 0), following[2] if following[0] == "text" else "")


def script(told: list[Step]) -> str:
    """All steps in one shell, since a reader has one too."""
    parts = [f"{step.commands}printf '\\n%s %d\\n' '{END}' $?\n" for step in told]
    # A command that fails in the middle of a step must not be hidden by the one after it.
    return "trap 'echo \"failed: $BASH_COMMAND\"' ERR\nset -o pipefail\n" + "".join(parts)


def looks_like(shown: str, output: str) -> bool:
    """Whether this is what the page shows: ``…`` is anything, as a line any lines; blanks have any width."""
    pattern = ""
    for line in map(str.split, shown.splitlines()):
        words = r"\s+".join(re.escape(word).replace("…", ".*") for word in line)
        pattern += r"(?:.*\n)*" if line == ["…"] else rf"\s*{words}\s*\n" if line else ""
    told = "".join(f"{line}\n" for line in output.splitlines() if line.strip())
    return re.fullmatch(pattern or r"(?:.*\n)*", told) is not None


@pytest.fixture(scope="module")
def made() -> None:
    """``make up`` has nothing to install: in the middle of tests it must not."""
    if not shutil.which("make"):
        pytest.skip("there is no make on this machine")
    if subprocess.run(["make", "--question", ".venv/.installed"], cwd=CHECKOUT, check=False).returncode:
        pytest.skip("the virtual environment is not up to date (make setup)")


@pytest.fixture
def home(platform: Platform, tmp_path: Path) -> Path:
    """A home in which the platform is where a newcomer has it."""
    state = tmp_path / ".local" / "state" / "tiphys"
    state.mkdir(parents=True)
    (state / "local").symlink_to(platform.place.folder)
    return tmp_path


@pytest.mark.usefixtures("made")
def test_the_tutorial_does_what_it_says(platform: Platform, home: Path):
    told = list(steps(PAGE.read_text()))
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    set_by_others = ("XDG_STATE_HOME", "KUBECONFIG", "TIPHYS_", "ARGOCD_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(set_by_others)}
    done = subprocess.run(
        ["bash", "-c", script(told)],
        cwd=CHECKOUT,
        env={**kept, "HOME": str(home), "XDG_CACHE_HOME": cache, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    printed = re.split(rf"^{END} (\d+)\n", done.stdout, flags=re.MULTILINE)
    assert len(printed) == 2 * len(told) + 1
    for step, output, code in zip(told, printed[::2], printed[1::2], strict=False):
        asked = f"$ {step.commands}\n{output}"
        assert int(code) == step.code, asked
        assert step.code or "failed: " not in output, asked
        said = "\n".join(line for line in output.splitlines() if not line.startswith("failed: "))
        assert looks_like(step.shown, said), f"{asked}\nand the page says:\n{step.shown}"
    until(platform.all_well, 30, "the platform is as it was")
    assert set(platform.apps()) == {"keda", "homepage", "api", "metrics"}
