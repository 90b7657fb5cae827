"""What an application's CI copies or calls: templates that are well formed, true, and safe."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from ci.runner import OURS, ROOT, read
from tiphys.cli.environment import variable
from tiphys.cli.release import release
from tiphys.local.golang import toolchain
from tiphys.model.errors import Unavailable

CI = ROOT / "deploy/ci"
ACTION = CI / "action/action.yaml"
WORKFLOWS = [CI / "github/release.yaml", CI / "gitea/release.yaml"]
HOMEPAGE = ROOT / "examples/platform/application-repositories/homepage"
CALLER = HOMEPAGE / ".github/workflows/release.yaml"
GITLAB = CI / "gitlab/release.yml"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.7"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
FLAGS = {variable(each, "TIPHYS_RELEASE") for each in release.params}


@pytest.mark.parametrize("file", [ACTION, *WORKFLOWS, GITLAB], ids=lambda file: file.parent.name)
def test_a_template_sets_no_flag_that_a_release_lacks(file: Path):
    named = set(re.findall(r"^\s*(TIPHYS_RELEASE_\w+):", file.read_text(), re.MULTILINE))
    assert named <= FLAGS
    assert named or file in WORKFLOWS


@pytest.mark.parametrize("file", [ACTION, *WORKFLOWS, GITLAB], ids=lambda file: file.parent.name)
def test_a_template_is_of_this_version(file: Path):
    named = re.findall(rf"(?:{OURS}deploy/ci/action|github\.com/tiphys/tiphys)@v([\d.]+)", file.read_text())
    assert set(named) <= {VERSION}
    assert named or file == ACTION


@pytest.mark.parametrize("file", [ACTION, *WORKFLOWS], ids=lambda file: file.parent.name)
def test_no_input_is_ever_shell(file: Path):
    said = read(file)
    steps = [step for job in said.get("jobs", {}).values() for step in job["steps"]]
    for step in steps + said.get("runs", {}).get("steps", []):
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.parent.name)
def test_a_workflow_gives_the_action_only_inputs_that_it_has_and_all_that_it_needs(file: Path):
    inputs = read(ACTION)["inputs"]
    (job,) = read(file)["jobs"].values()
    (step,) = [each for each in job["steps"] if OURS in each.get("uses", "")]
    assert step["with"].keys() <= inputs.keys()
    assert {name for name, spec in inputs.items() if spec.get("required")} <= step["with"].keys()


def test_the_examples_application_calls_the_workflow_with_inputs_that_it_has():
    asked = read(WORKFLOWS[0])["on"]["workflow_call"]
    (job,) = read(CALLER)["jobs"].values()
    assert job["with"].keys() <= asked["inputs"].keys()
    assert {n for n, spec in asked["inputs"].items() if spec.get("required")} <= job["with"].keys()
    assert {n for n, spec in asked["secrets"].items() if spec["required"]} <= job["secrets"].keys()


def test_gitlabs_component_uses_every_input_that_it_declares_and_no_other():
    head, body = yaml.safe_load_all(GITLAB.read_text())
    used = set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", yaml.safe_dump(body)))
    assert used == head["spec"]["inputs"].keys()


def test_the_workflows_pass_their_own_linter(tmp_path: Path):
    try:
        go = toolchain((1, 21), tmp_path, print)
    except Unavailable as why:
        pytest.skip(str(why))
    files = [tmp_path / "github.yaml", tmp_path / "gitea.yaml", tmp_path / "caller.yaml"]
    for copy, file in zip(files, [*WORKFLOWS, CALLER], strict=True):
        # The linter knows GitHub, where an action has no host.
        copy.write_text(file.read_text().replace("uses: https://github.com/", "uses: "))
    done = subprocess.run(
        [go, "run", ACTIONLINT, "-no-color", "-shellcheck=", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
