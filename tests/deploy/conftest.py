"""Helm as users call it, on the shared control plane, and a repository whose chart an installed engine can sync."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import LOCALKUBE, Plane

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/chart"
IMAGE = "image.repository=registry.example.com/tiphys"

Helm = Callable[..., str]


def run_helm(*words: str | Path) -> subprocess.CompletedProcess[str]:
    if not LOCALKUBE.exists():
        pytest.skip("localkube is not built (make build)")
    return subprocess.run([LOCALKUBE, "helm", *words], capture_output=True, text=True, check=False)


def template(*words: str | Path, chart: Path = CHART) -> str:
    """What ``helm template`` makes of the chart as the release ``tiphys`` in ``argocd``."""
    done = run_helm("template", "tiphys", chart, "--namespace", "argocd", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def helm(plane: Plane) -> Helm:
    """Runs helm on the shared control plane; answers with all that it says, warnings among it."""

    def run(*words: str | Path) -> str:
        done = run_helm("--kubeconfig", plane.kubeconfig, *words)
        assert done.returncode == 0, f"helm {' '.join(map(str, words))}: {done.stderr}"
        return done.stdout + done.stderr

    return run


@pytest.fixture
def repository(tmp_path: Path) -> str:
    """The address of a Git repository with the example's charts ``_common`` and ``api``, and a Secret in that."""
    folder = tmp_path / "charts-repository"
    for chart in ("_common", "api"):
        source = ROOT / "examples/platform/charts-repository/charts" / chart
        shutil.copytree(source, folder / "charts" / chart)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "api"}, "stringData": {"word": "x"}}
    (folder / "charts/api/templates/secret.yaml").write_text(json.dumps(secret))
    who = {f"GIT_{role}_{what}": "test" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "Begin")):
        subprocess.run(["git", "-C", folder, *words], check=True, env={**os.environ, **who})
    return f"file://{folder}"
