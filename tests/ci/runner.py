"""
A runner of workflows on this machine: our own steps run as they are written, word for word, in a checkout.

Steps that prepare a runner (a checkout, signing in, builders) are played by functions of the test. Expressions are
those that our templates use: paths, literals, ``format`` and ``||``.
"""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
OURS = "tiphys/tiphys/"
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_TERM = re.compile(r"'[^']*'|[\w-]+\([^)]*\)|[\w.-]+")

Values = Mapping[str, Any]
Play = Callable[[Values], None]


@dataclass
class Runner:
    """A machine with a checkout, what the forge says of the run, and the secrets of the repository."""

    checkout: Path
    temp: Path
    github: Values
    secrets: Values
    plays: Mapping[str, Play]
    """Actions of others, by their name without a version."""
    environment: Mapping[str, str] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    """Steps of ours that need not run, by name."""
    ran: list[str] = field(default_factory=list)

    def call(self, workflow: Path, inputs: Values) -> Values:
        """Run a reusable workflow with the inputs of its caller; answers its outputs."""
        said = read(workflow)
        asked = said["on"]["workflow_call"]
        given = given_by(asked["inputs"], inputs)
        missing = [n for n, s in asked["secrets"].items() if s.get("required") and n not in self.secrets]
        assert not missing, f"secrets are missing: {missing}"
        (name, job), *_ = said["jobs"].items()
        outputs = self.run(job, {"inputs": given, "env": said.get("env", {})})
        told = {"jobs": {name: {"outputs": outputs}}}
        return {each: filled(spec["value"], told) for each, spec in asked["outputs"].items()}

    def run(self, job: Values, contexts: Values) -> Values:
        """Run a job; answers its outputs."""
        contexts = {**contexts, "github": self.github, "secrets": self.secrets, "steps": {}}
        self._steps(job["steps"], contexts)
        return {name: filled(value, contexts) for name, value in job.get("outputs", {}).items()}

    def _steps(self, steps: list[Values], contexts: Values) -> None:
        for step in steps:
            name = step.get("name", step.get("uses", ""))
            if name in self.skipped:
                continue
            self.ran.append(name)
            outputs = self._uses(step, contexts) if "uses" in step else self._shell(step, contexts)
            contexts["steps"][step.get("id", name)] = {"outputs": outputs}

    def _uses(self, step: Values, contexts: Values) -> Values:
        action = step["uses"].removeprefix("https://github.com/").partition("@")[0]
        inputs = {name: filled(value, contexts) for name, value in step.get("with", {}).items()}
        if not action.startswith(OURS):
            self.plays[action](inputs)
            return {}
        folder = ROOT / action.removeprefix(OURS)
        said = read(folder / "action.yaml")
        given = given_by(said["inputs"], inputs)
        github = {**self.github, "action_path": str(folder)}
        inner = {"inputs": given, "github": github, "steps": {}}
        self._steps(said["runs"]["steps"], inner)
        return {name: filled(spec["value"], inner) for name, spec in said["outputs"].items()}

    def _shell(self, step: Values, contexts: Values) -> Values:
        assert step["shell"] == "bash"
        assert not _EXPRESSION.search(step["run"]), "an input must never be shell"
        output = self.temp / f"output-{len(self.ran)}"
        output.touch()
        variables = {name: filled(value, contexts) for name, value in step.get("env", {}).items()}
        files = {"GITHUB_OUTPUT": str(output), "RUNNER_TEMP": str(self.temp)}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.checkout,
            env={**os.environ, **self.environment, **self._about(), **variables, **files},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{step['name']}: {done.stdout}{done.stderr}"
        return dict(line.split("=", 1) for line in output.read_text().splitlines())

    def _about(self) -> dict[str, str]:
        return {f"GITHUB_{name.upper()}": str(value) for name, value in self.github.items()}


def read(file: Path) -> Any:
    """A template; ``on`` is a key and no truth."""
    said = yaml.safe_load(file.read_text())
    return {"on" if key is True else key: value for key, value in said.items()}


def given_by(declared: Values, inputs: Values) -> Values:
    """The inputs with their defaults. Fails as a forge would: for what is required, or what is not declared."""
    strange = inputs.keys() - declared.keys()
    assert not strange, f"there are no inputs {strange}"
    lacking = [name for name, spec in declared.items() if spec.get("required") and name not in inputs]
    assert not lacking, f"inputs are missing: {lacking}"
    return {name: inputs.get(name, spec.get("default", "")) for name, spec in declared.items()}


def filled(wanted: object, contexts: Values) -> str:
    """The text with its expressions evaluated."""
    return _EXPRESSION.sub(lambda found: text(_value(found[1], contexts)), text(wanted))


def text(value: object) -> str:
    """As a forge writes a value: truths are small."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(expression: str, contexts: Values) -> object:
    """The first term that is not blank."""
    terms = [_term(each.strip(), contexts) for each in expression.split("||")]
    return next((value for value in terms if value), "")


def _term(term: str, contexts: Values) -> object:
    assert _TERM.fullmatch(term), f"the runner does not know {term!r}"
    if term.startswith("'"):
        return term.strip("'")
    if term.startswith("format("):
        pattern, *values = [_term(each.strip(), contexts) for each in term[7:-1].split(",")]
        return str(pattern).format(*values)
    value: Any = contexts
    for part in term.split("."):
        value = value.get(part, "")
    return value
