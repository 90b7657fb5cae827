"""Every command of the first tutorial, as it stands on the page, and what the page says that it prints."""

import shutil
import subprocess
from pathlib import Path

import pytest

from journeys.conftest import Platform, until
from journeys.pages import CHECKOUT, home_of, play

PAGE = CHECKOUT / "docs" / "tutorials" / "first-platform.md"


@pytest.fixture(scope="module")
def made() -> None:
    """``make up`` has nothing to install: in the middle of tests it must not."""
    if not shutil.which("make"):
        pytest.skip("there is no make on this machine")
    if subprocess.run(["make", "--question", ".venv/.installed"], cwd=CHECKOUT, check=False).returncode:
        pytest.skip("the virtual environment is not up to date (make setup)")


@pytest.mark.usefixtures("made")
def test_the_tutorial_does_what_it_says(platform: Platform, tmp_path: Path):
    play(PAGE.read_text(), home_of(platform, tmp_path))
    until(platform.all_well, 30, "the platform is as it was")
    assert set(platform.apps()) == {"keda", "homepage", "api", "metrics"}
