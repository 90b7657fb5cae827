"""``tiphys image set``: what it prints, pushes, and leaves alone."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.git.origin import Origin
from cli.conftest import Outcome

VALUES = "deployment:\r\n  image: {repository: ghcr.io/example/web, tag: 'v1'}   # ci ✓\r\n"
SHA = "3f2a" * 10
Run = Callable[..., Outcome]


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Origin:
    """A charts repository, and no CI around."""
    for name in (
        "GITHUB_SHA",
        "GITHUB_ACTOR",
        "CI_COMMIT_SHA",
        "GIT_AUTHOR_NAME",
        "GITLAB_USER_NAME",
        "TIPHYS_GIT_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    made = Origin(tmp_path / "charts.git", "")
    made.commit({"charts/web/values.yaml": VALUES, "charts/api/values.yaml": VALUES.replace("web", "api")})
    return made


def newest(origin: Origin) -> str:
    return origin.git.revparse_single("main").message


def content(origin: Origin, path: str) -> str:
    return origin.git.revparse_single(f"main:{path}").data.decode()


def test_a_tag_is_set_and_pushed(tiphys: Run, origin: Origin):
    done = tiphys("image", "set", "charts/web", "--tag", "v2", "--repo", origin.file_url)
    assert done.code == 0
    assert done.out.splitlines() == [
        "FILE                    PATH                  BEFORE  AFTER",
        "charts/web/values.yaml  deployment.image.tag  v1      v2",
    ]
    assert done.err.startswith("Pushed ")
    assert content(origin, "charts/web/values.yaml") == VALUES.replace("v1", "v2")
    assert newest(origin) == "Set web to v2\n\nImage: ghcr.io/example/web:v2\n"


def test_what_is_set_already_is_success_and_no_commit(tiphys: Run, origin: Origin):
    done = tiphys("image", "set", "web", "--tag", "v1", "--repo", origin.file_url)
    assert (done.code, done.out, done.err) == (0, "", "Nothing to do: it is so already.\n")
    assert newest(origin) == "a change"


def test_several_charts_are_one_commit_that_names_its_origin(
    tiphys: Run, origin: Origin, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GITHUB_SHA", SHA)
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "example/web")
    words = ("web", "api", "--tag", "v2", "--author", "Ada <ada@example.org>", "--message", "Release 2")
    done = tiphys("image", "set", *words, "--repo", origin.file_url, "-o", "json")
    told = json.loads(done.out)
    assert (told["changed"], [change["path"] for change in told["changes"]]) == (
        True,
        ["deployment.image.tag"] * 2,
    )
    assert told["commit"] == str(origin.git.references["refs/heads/main"].target)
    assert newest(origin).splitlines() == [
        "Release 2",
        "",
        "Image: ghcr.io/example/web:v2",
        "Image: ghcr.io/example/api:v2",
        f"Source-Commit: https://github.com/example/web/commit/{SHA}",
        "Author: Ada <ada@example.org>",
    ]


def test_a_dry_run_pushes_nothing(tiphys: Run, origin: Origin):
    done = tiphys("image", "set", "web", "--tag", "v2", "--dry-run", "--repo", origin.file_url)
    assert (done.code, done.err) == (0, "A dry run: nothing was changed.\n")
    assert "v2" in done.out
    assert newest(origin) == "a change"


def test_a_tag_that_looks_like_a_number_stays_text(tiphys: Run, origin: Origin):
    origin.commit({"values.yaml": "image:\n  tag: abc # sha\n"})
    assert tiphys("image", "set", "values.yaml", "--tag", "12e3456", "--repo", origin.file_url).code == 0
    assert content(origin, "values.yaml") == 'image:\n  tag: "12e3456" # sha\n'


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["wbe", "--tag", "v2"], "no chart 'wbe'; there are: api, web"),
        (
            ["web", "--tag", "v2", "--path", "image.tag"],
            "has no value image.tag; there are: deployment.image.tag",
        ),
        (["web"], "name the image that is wished: --tag"),
        (["web", "--tag", "v 2"], "'v 2' is no tag"),
        (["web", "--tag", "v2", "--author", "Ada"], "write it like 'Ada <ada@example.org>'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tiphys: Run, origin: Origin, words: list[str], why: str):
    done = tiphys("image", "set", *words, "--repo", origin.file_url)
    assert (done.code, done.out) == (1, "")
    assert why in done.err
    assert len(done.err.splitlines()) == 1


def test_without_a_repository_the_files_here_are_edited(
    tiphys: Run, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    subprocess.run(["git", "clone", "-q", origin.file_url, tmp_path / "here"], check=True)
    monkeypatch.chdir(tmp_path / "here")
    assert tiphys("image", "set", "web", "--tag", "v2", "--dry-run").code == 0
    done = tiphys("image", "set", "web", "--tag", "v2")
    assert (done.code, done.err) == (0, "")
    assert Path("charts/web/values.yaml").read_bytes().decode() == VALUES.replace("v1", "v2")
    assert newest(origin) == "a change"
    missing = tiphys("image", "set", "wbe", "--tag", "v2")
    assert (missing.code, "name the charts repository with --repo" in missing.err) == (1, True)


BATCH = """
- {chart: web, tag: 1.10, image: ghcr.io/example/web, source-commit: 1f3a, built: 2026-03-01T12:00:00Z}
- charts: [api]
  tag: v5
  author: Eve <eve@example.org>
"""


def test_a_batch_is_one_commit(tiphys: Run, origin: Origin, tmp_path: Path):
    (tmp_path / "batch.yaml").write_text(BATCH)
    done = tiphys("image", "set", "--batch", str(tmp_path / "batch.yaml"), "--repo", origin.file_url)
    assert (done.code, len(done.out.splitlines())) == (0, 3), done.err
    assert newest(origin).splitlines() == [
        "Set web, api to 1.10, v5",
        "",
        "Image: ghcr.io/example/web:1.10",
        "Source-Commit: 1f3a",
        "Image-Built: 2026-03-01T12:00:00Z",
        "Image: ghcr.io/example/api:v5",
        "Author: Eve <eve@example.org>",
    ]
    assert content(origin, "charts/web/values.yaml") == VALUES.replace("v1", "1.10")


@pytest.mark.parametrize(
    ("batch", "why"),
    [
        ("", "is no list of at least one entry"),
        ("{chart: web}", "is no list"),
        ("[", "neither YAML nor JSON"),
        ("[web]", "entry 1 is no mapping"),
        ("[{tag: v2}]", "entry 1 names no chart"),
        ("[{chart: web}]", "entry 1 (web): name the image that is wished"),
        ("[{chart: web, tga: v2}]", "has no field 'tga'; there are: charts"),
        ('[{"chart": "web", "tag": null}]', "entry 1: tag is null; name it or leave it out"),
        ("[{chart: web, tag: [v2]}]", "tag is no text"),
        ("[{chart: web, tag: v2, built: noon}]", "entry 1 (web): 'noon' does not match"),
        ("[{chart: web, tag: v2}, {chart: web, tag: v3}]", "cannot be v2 and v3 at once"),
    ],
)
def test_a_batch_that_is_wrong_changes_nothing(
    tiphys: Run, origin: Origin, tmp_path: Path, batch: str, why: str
):
    (tmp_path / "batch").write_text(batch)
    done = tiphys("image", "set", "--batch", str(tmp_path / "batch"), "--repo", origin.file_url)
    assert (done.code, done.out, newest(origin)) == (1, "", "a change")
    assert why in done.err


@pytest.mark.parametrize("words", [["web", "--batch", "-"], ["--tag", "v2", "--batch", "-"], []])
def test_a_batch_is_all_or_not_at_all(tiphys: Run, words: list[str]):
    assert tiphys("image", "set", *words).code == 2
