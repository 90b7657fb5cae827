"""What ``tiphys up`` prints and draws; the platform itself is played by the journeys."""

import re
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest
from rich.console import Console
from rich.live import Live

from tiphys.cli import tryit
from tiphys.cli.liveview import LiveView
from tiphys.local import demo, githost
from tiphys.local.looks import Look
from tiphys.local.place import Place


def drawn(width: int, look: Look, news: list[str]) -> str:
    console = Console(width=width, height=20, record=True, force_terminal=False)
    with Live(console=console, auto_refresh=False) as live:
        LiveView(live).show({look.name: look}, news)
    return console.export_text()


def test_a_long_message_gives_way_and_the_states_do_not() -> None:
    picture = drawn(
        80, Look("homepage", "OutOfSync", "Progressing", "0123456", "no " * 100), ["homepage: new"]
    )
    assert re.search(r"^homepage\s+OutOfSync\s+Progressing\s+0123456\s+no no", picture, re.MULTILINE)
    assert all(len(line) <= 80 for line in picture.splitlines())
    assert re.search(r"\d\d:\d\d:\d\d  homepage: new", picture)


def test_what_a_cluster_says_cannot_move_the_cursor() -> None:
    assert "\x1b" not in drawn(80, Look("web", message="\x1b[2J"), ["web: \x1b[2J"])


@pytest.fixture
def platform(place: Place) -> Place:
    demo.lay(place, githost.start(place))
    return place


def test_the_first_two_recipes_work_as_they_are_printed(
    platform: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiphys = tmp_path / "tiphys"
    tiphys.write_text('#!/bin/sh\necho "$@" >> "$(dirname "$0")/called"\n')
    tiphys.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(tiphys)])
    for _, commands in tryit.recipes(platform)[:2]:
        script = f"{tryit.begin(platform)}\n{dedent(commands)}"
        subprocess.run(["sh", "-ec", script], check=True, capture_output=True)
    shown = subprocess.run(
        ["git", "-C", platform.repositories / "charts.git", "show", "main:charts/homepage/values.yaml"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert 'tag: "1.0.1" # set by the CI' in shown.stdout
    assert "api-preview" in (platform.work / "charts/charts/tiphys/values.yaml").read_text()
    assert "helm upgrade --install tiphys charts/tiphys" in (tmp_path / "called").read_text()
