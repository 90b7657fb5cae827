"""Every helm command of the page on installing, as it stands there, up to where it would change something."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from conftest import Plane
from deploy.conftest import ROOT, Helm
from house.pages import fences, page

COMMANDS = [
    line
    for language, block in fences(page("how-to/install.md"))
    if language == "sh"
    for line in re.sub(r"\\\n\s*", "", block).splitlines()
    if line.startswith("helm upgrade ")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_helm_would_do_what_the_page_says(
    command: str, helm: Helm, plane: Plane, namespace: str, tmp_path: Path
):
    # Before it does something, Helm brings no definitions, and knows no Application without.
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "deploy/chart/crds"))
    for folder in ("deploy/chart", "examples/root-chart"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    words = shlex.split(command.replace("--namespace argocd", f"--namespace {namespace}"))[1:]
    placed = [str(tmp_path / word) if (tmp_path / word).is_dir() else word for word in words]
    assert "STATUS: pending-install" in helm(*placed, "--dry-run=server")


def test_the_page_has_commands():
    assert len(COMMANDS) == 3
