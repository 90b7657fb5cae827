"""A page of the documentation, played: each command as it stands there, and what the page says that it prints."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from journeys.conftest import Platform

CHECKOUT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\S+)(?: exit=(\d))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
END = "---- end of step"
PATIENCE = 180.0
SET_BY_OTHERS = ("XDG_STATE_HOME", "KUBECONFIG", "TIPHYS_", "ARGOCD_")


@dataclass(frozen=True)
class Step:
    """A block of commands, how its last one ends, and the lines that the page shows below it."""

    commands: str
    code: int
    shown: str


def play(page: str, home: Path, **environment: str) -> str:
    """Run all commands of a page in one shell, in the checkout, as somebody with that home; answers what they print."""
    told = list(steps(page))
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SET_BY_OTHERS)}
    done = subprocess.run(
        ["bash", "-c", script(told)],
        cwd=CHECKOUT,
        env={**kept, "HOME": str(home), "XDG_CACHE_HOME": cache, "NO_COLOR": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    printed = re.split(rf"^{END} (\d+)\n", done.stdout, flags=re.MULTILINE)
    assert len(printed) == 2 * len(told) + 1, done.stdout
    for step, output, code in zip(told, printed[::2], printed[1::2], strict=False):
        asked = f"$ {step.commands}\n{output}"
        assert int(code) == step.code, asked
        assert step.code or "failed: " not in output, asked
        said = "\n".join(line for line in output.splitlines() if not line.startswith("failed: "))
        assert looks_like(step.shown, said), f"{asked}\nand the page says:\n{step.shown}"
    return done.stdout


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


def home_of(platform: Platform, folder: Path) -> Path:
    """A home in a folder, in which the platform is where a newcomer has it."""
    state = folder / ".local" / "state" / "tiphys"
    state.mkdir(parents=True)
    (state / "local").symlink_to(platform.place.folder)
    return folder
