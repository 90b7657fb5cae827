"""The templates' steps, run on this machine: an image is built and pushed for real, and the charts name it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pygit2
import pytest
import yaml

from adapters.git.origin import Origin
from adapters.images.registry import MANIFEST, fetched, needs_buildah, registry, storage  # noqa: F401 - fixtures
from ci.runner import Runner, Values, given_by, text
from ci.test_templates import ACTION, CALLER, GITLAB, WORKFLOWS

INSTALLS = "Install Tiphys"


@pytest.fixture
def charts(tmp_path: Path, registry: str) -> Origin:  # noqa: F811
    origin = Origin(tmp_path / "charts.git", "")
    values = f"deployment:\n  image:\n    repository: {registry}/example/homepage\n    tag: old # ci\n"
    origin.commit({"charts/homepage/values.yaml": values})
    return origin


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "homepage"
    git = pygit2.init_repository(folder)
    (folder / "Dockerfile").write_text(
        "FROM scratch\nARG GREETING\nLABEL greeting=$GREETING\nCOPY page.html /\n"
    )
    (folder / "page.html").write_text("hello\n")
    git.index.add_all()
    who = pygit2.Signature("Ada", "ada@example.org", 1_700_000_000, 0)
    git.create_commit("HEAD", who, who, "a page", git.index.write_tree(), [])
    return folder


@pytest.fixture
def run(tmp_path: Path, checkout: Path, storage: dict[str, str]) -> Runner:  # noqa: F811
    """A runner on which Tiphys is installed already."""
    (tmp_path / "temp/tiphys").mkdir(parents=True)
    (tmp_path / "temp/tiphys/bin").symlink_to(Path(sys.executable).parent)
    return Runner(
        checkout,
        tmp_path / "temp",
        github={
            "sha": str(pygit2.Repository(checkout).head.target),
            "repository": "example/homepage",
            "server_url": "https://github.com",
            "actor": "ada",
            "token": "a-token",
        },
        secrets={"charts-token": "a-token"},
        plays={name: lambda _: None for name in _PLAYED},
        environment={**storage, "TIPHYS_RELEASE_BUILDER": "buildah"},
        skipped={INSTALLS},
    )


_PLAYED = (
    "actions/checkout",
    "docker/setup-qemu-action",
    "docker/setup-buildx-action",
    "docker/login-action",
)


def _tag(origin: Origin) -> str:
    values = origin.git.revparse_single("main").tree["charts/homepage/values.yaml"].data
    return str(yaml.safe_load(values)["deployment"]["image"]["tag"])


@needs_buildah
def test_the_reusable_workflow_releases_what_its_caller_names(run: Runner, charts: Origin, registry: str):  # noqa: F811
    (call,) = yaml.safe_load(CALLER.read_text())["jobs"].values()
    image = f"{registry}/example/homepage"
    here = {
        "charts-repository": charts.file_url,
        "image": image,
        "platforms": "",
        "build-args": "GREETING=good day",
    }
    outputs = run.call(WORKFLOWS[0], {**call["with"], **here})
    tag = run.github["sha"][:12]
    digest, _ = fetched(registry, f"example/homepage/manifests/{tag}", MANIFEST)
    assert outputs == {
        "image": f"{image}:{tag}@{digest}",
        "tag": tag,
        "commit": str(charts.git.revparse_single("main").id),
    }
    assert _tag(charts) == tag
    message = charts.git.revparse_single("main").message
    assert f"Source-Commit: https://github.com/example/homepage/commit/{run.github['sha']}" in message
    assert [*_PLAYED, "Release"] == [name.partition("@")[0] for name in run.ran if "tiphys" not in name]


@needs_buildah
def test_giteas_workflow_releases(run: Runner, charts: Origin, registry: str):  # noqa: F811
    said = yaml.safe_load(WORKFLOWS[1].read_text())
    here = {
        "CHARTS_REPOSITORY": charts.file_url,
        "IMAGE": f"{registry}/example/homepage",
        "PLATFORMS": "",
    }
    run.run(said["jobs"]["release"], {"env": {**said["env"], **here}})
    assert _tag(charts) == run.github["sha"][:12]


@needs_buildah
def test_gitlabs_component_releases(run: Runner, charts: Origin, registry: str):  # noqa: F811
    head, body = yaml.safe_load_all(GITLAB.read_text())
    image = f"{registry}/example/homepage"
    asked = {"charts": "homepage", "charts-repository": charts.file_url, "image": image, "platforms": ""}
    inputs = given_by(_required(head["spec"]["inputs"]), asked)
    job = body["release"]
    variables = {name: _interpolated(value, inputs) for name, value in job["variables"].items()}
    sha = run.github["sha"]
    about = {"CI_COMMIT_SHA": sha, "CI_PROJECT_URL": "https://gitlab.example.com/example/homepage"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])],
        cwd=run.checkout,
        env={**os.environ, **run.environment, **about, **variables, "PATH": path},
        check=True,
    )
    assert _tag(charts) == sha[:12]
    told = (run.checkout / job["artifacts"]["reports"]["dotenv"]).read_text()
    assert f"tag={sha[:12]}\n" in told


def _required(inputs: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {name: {"required": "default" not in spec, **spec} for name, spec in inputs.items()}


def _interpolated(value: object, inputs: Values) -> str:
    return re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: text(inputs[found[1]]), str(value))


def test_the_action_installs_the_revision_that_it_is_of(tmp_path: Path, run: Runner):
    (step,) = [
        each for each in yaml.safe_load(ACTION.read_text())["runs"]["steps"] if each["name"] == INSTALLS
    ]
    run.temp = tmp_path / "fresh"
    run.temp.mkdir()
    run.skipped.clear()
    run.github = {**run.github, "action_path": str(ACTION.parent)}
    run.run({"steps": [step]}, {"inputs": {"tiphys": ""}})
    told = subprocess.run(
        [run.temp / "tiphys/bin/tiphys", "version", "--short"], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip()
