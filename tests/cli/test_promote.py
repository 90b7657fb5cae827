"""``tiphys promote``: what it takes for running, pushes and refuses; the Applications are on a real API server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.git.origin import Origin
from cli.conftest import Outcome, Plane, application

DEV = "deployment:\n  image: {repository: ghcr.io/example/web, tag: v2}  # newest\nreplicaCount: 1\n"
PROD = "# careful\ndeployment:\n  image: {repository: ghcr.io/example/web, tag: 'v1'}\nreplicaCount: 3\n"
WELL = {
    "sync": {"status": "Synced"},
    "health": {"status": "Healthy"},
    "summary": {"images": ["ghcr.io/example/web:v2", "proxy:v5"]},
}
WORDS = ("promote", "web", "--from", "dev", "--to", "prod")
Run = Callable[..., Outcome]


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Origin:
    """A charts repository with a values file for each environment."""
    for name in ("GITHUB_SHA", "GITHUB_ACTOR", "CI_COMMIT_SHA", "GIT_AUTHOR_NAME", "GITLAB_USER_NAME"):
        monkeypatch.delenv(name, raising=False)
    made = Origin(tmp_path / "charts.git", "")
    made.commit(
        {
            "charts/web/values-dev.yaml": DEV,
            "charts/web/values-prod.yaml": PROD,
            "charts/api/values.yaml": DEV,
        }
    )
    return made


@pytest.fixture
def alone(tmp_path: Path, tiphys: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``tiphys`` where no cluster is known."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    return tiphys


def prod(origin: Origin) -> str:
    content: bytes = origin.git.revparse_single("main:charts/web/values-prod.yaml").data
    return content.decode()


def message(origin: Origin) -> list[str]:
    return origin.git.revparse_single("main").message.splitlines()


def fields(origin: Origin, file: str = "values-dev.yaml") -> dict[str, Any]:
    source = {"repoURL": origin.file_url, "path": "charts/web", "helm": {"valueFiles": ["values.yaml", file]}}
    return {"spec": {**application("x")["spec"], "source": {**source, "targetRevision": "HEAD"}}}


def test_without_a_cluster_the_files_word_is_taken_and_told(alone: Run, origin: Origin):
    before = str(origin.git.references["refs/heads/main"].target)
    done = alone(*WORDS, "--repo", origin.file_url)
    assert done.code == 0
    assert done.err.startswith(
        "Note: no cluster was asked: what charts/web/values-dev.yaml says is taken as it is\n"
    )
    assert prod(origin) == PROD.replace("v1", "v2")
    assert message(origin) == [
        "Promote web from dev to prod: v2",
        "",
        f"Promoted-From: charts/web/values-dev.yaml@{before}",
        "Image: ghcr.io/example/web:v2",
    ]
    again = alone(*WORDS, "--repo", origin.file_url)
    assert (again.code, again.err.splitlines()[-1]) == (0, "Nothing to do: it is so already.")


def test_a_dry_run_changes_nothing(alone: Run, origin: Origin):
    done = alone(*WORDS, "--repo", origin.file_url, "--dry-run")
    assert (done.code, "A dry run" in done.err, "v2" in done.out) == (0, True, True)
    assert prod(origin) == PROD


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            ["web", "--from", "dev", "--to", "stage"],
            "nothing to promote it to: charts/web/values-stage.yaml is missing",
        ),
        (["wbe", "--from", "dev", "--to", "prod"], "has no files of wbe for dev and prod (looked for "),
        (["web", "--from", "dev", "--to", "dev"], "--from and --to are both dev"),
        (["web", "--from", "dev", "--to", "prod", "--image", "api"], "names no image api; there are: "),
        (
            ["web", "--from", "dev", "--to", "prod", "--branch", "nope"],
            "has no branch 'nope'; there are: main",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(alone: Run, origin: Origin, words: list[str], why: str):
    done = alone("promote", *words, "--repo", origin.file_url)
    assert (done.code, done.out) == (1, "")
    assert why in done.err
    assert len(done.err.splitlines()) == 1


def test_what_runs_healthy_is_promoted_and_the_application_named(
    tiphys: Run, origin: Origin, plane_of_mine: Plane
):
    plane_of_mine.has("web-dev", WELL, **fields(origin))
    done = tiphys(*WORDS, "-o", "json")
    told = json.loads(done.out)
    assert done.code == 0
    assert (told["applications"], told["notes"], told["changed"]) == (
        [f"{plane_of_mine.namespace}/web-dev"],
        [],
        True,
    )
    assert prod(origin) == PROD.replace("v1", "v2")
    assert f"Promoted-Application: {plane_of_mine.namespace}/web-dev" in message(origin)


def test_what_is_ill_or_not_live_yet_is_not_promoted(tiphys: Run, origin: Origin, plane_of_mine: Plane):
    ill = {**WELL, "health": {"status": "Degraded", "message": "crash loop"}}
    plane_of_mine.has("web-dev", ill, **fields(origin))
    done = tiphys(*WORDS)
    assert (done.code, prod(origin)) == (1, PROD)
    assert "web-dev: it is Degraded: crash loop" in done.err
    plane_of_mine.patch("web-dev", {"status": {**WELL, "summary": {"images": ["ghcr.io/example/other:v2"]}}})
    assert "does not run ghcr.io/example/web:v2" in tiphys(*WORDS).err
    plane_of_mine.patch("web-dev", {"status": {**ill}})
    forced = tiphys(*WORDS, "--force")
    assert (forced.code, "promoted all the same: " in forced.err) == (0, True)
    assert prod(origin) == PROD.replace("v1", "v2")


def test_a_cluster_that_knows_nothing_of_the_file_says_so(tiphys: Run, origin: Origin, plane_of_mine: Plane):
    plane_of_mine.has("web-prod", WELL, **fields(origin, "values-prod.yaml"))
    done = tiphys(*WORDS, "--repo", origin.file_url)
    assert (done.code, prod(origin)) == (1, PROD)
    assert "no Application of this cluster reads charts/web/values-dev.yaml" in done.err
    assert "name the charts repository with --repo; there are: web-prod" in tiphys(*WORDS).err
    assert tiphys(*WORDS, "--repo", origin.file_url, "--offline").code == 0


def test_an_application_of_another_repository_does_not_speak_for_it(
    tiphys: Run, origin: Origin, plane_of_mine: Plane
):
    plane_of_mine.has("web-dev", WELL)
    done = tiphys(*WORDS, "--repo", origin.file_url)
    assert (done.code, prod(origin)) == (1, PROD)
    assert "/web-dev reads https://git.example.com/charts.git, and not file:///" in done.err
