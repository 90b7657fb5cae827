"""The root that installs the engine and the list of applications, by the one command of its taskfile."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import Plane
from deploy.conftest import ROOT, Helm

EXAMPLE = "examples/root-chart"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The example and the chart that it depends on, as in a checkout: Helm writes beside what it reads."""
    made = shutil.ignore_patterns("Chart.lock", "*.tgz")
    for folder in ("deploy/chart", EXAMPLE):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=made)
    return tmp_path / EXAMPLE


def told(task: str, namespace: str, folder: Path) -> list[str]:
    """The words that a task of the taskfile gives to helm."""
    (command,) = yaml.safe_load((folder / "taskfile.yaml").read_text())["tasks"][task]["cmds"]
    plain = command.replace("{{.HELM}}", "").replace("{{.CLI_ARGS}}", "")
    return [
        str(folder / word) if (folder / word).is_dir() else word
        for word in shlex.split(plain.replace("--namespace argocd", f"--namespace {namespace}"))
    ]


def test_one_command_installs_engine_and_applications_and_brings_an_entry_more(
    plane: Plane, helm: Helm, namespace: str, checkout: Path
):
    def there(kinds: str) -> list[str]:
        return plane.kubectl("get", kinds, "-n", namespace, "-o", "name").split()

    try:
        helm(*told("up", namespace, checkout))
    except AssertionError as error:
        # Helm waits for new definitions to be established, and not until a busy API server tells of them.
        assert "ensure CRDs are installed first" in str(error)  # noqa: PT017
        helm(*told("up", namespace, checkout))
    assert there("applications,deployments") == [
        "application.argoproj.io/api",
        "application.argoproj.io/homepage",
        "deployment.apps/tiphys",
    ]
    values = checkout / "charts/tiphys/values.yaml"
    values.write_text(values.read_text() + "  - {name: second, namespace: second, path: charts/second}\n")
    helm(*told("up", namespace, checkout))
    assert "application.argoproj.io/second" in there("applications")
    history = json.loads(helm("history", "tiphys", "--namespace", namespace, "--output", "json"))
    assert [revision["status"] for revision in history] == ["superseded", "deployed"]

    plane.kubectl("create", "configmap", "made-by-an-application", "-n", namespace)
    helm(*told("down", namespace, checkout))
    assert there("applications,deployments") == []
    assert "configmap/made-by-an-application" in there("configmaps")


def test_tiphys_bootstraps_it_without_helm_and_helm_goes_on(
    plane: Plane, helm: Helm, namespace: str, checkout: Path
):
    subprocess.run(["git", "init", "--quiet", checkout.parents[1]], check=True)
    chart = checkout / "charts/tiphys"
    where = ["--namespace", namespace, "--kubeconfig", plane.kubeconfig]
    subprocess.run([sys.executable, "-m", "tiphys.cli.main", "bootstrap", chart, *where], check=True)
    helm(*told("up", namespace, checkout))
    (release,) = json.loads(helm("list", "--namespace", namespace, "--output", "json"))
    assert (release["name"], release["revision"], release["status"]) == ("tiphys", "2", "deployed")


def test_the_engine_takes_its_values_from_under_its_name(helm: Helm, checkout: Path):
    chart = str(checkout / "charts/tiphys")
    helm("dependency", "build", chart)
    made = helm("template", "root", chart, "--namespace", "argocd", "--set", "tiphys.settings.poll=7s")
    (engine,) = [d for d in yaml.safe_load_all(made) if d and d["kind"] == "Deployment"]
    container = engine["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "TIPHYS_POLL", "value": "7s"} in container["env"]
    assert engine["metadata"]["name"] == "root-tiphys"
