"""``tiphys release`` and ``tiphys image build``, with a builder that is there and a registry on loopback."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from adapters.git.origin import Origin
from adapters.images.registry import MANIFEST, fetched, needs_buildah
from cli.conftest import Outcome
from tiphys.core.release.message import releases

Run = Callable[..., Outcome]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: dict[str, str]) -> str:
    """A checkout of an application that one is in; answers its commit."""
    for name in (
        "GITHUB_SHA",
        "CI_COMMIT_SHA",
        "GITHUB_ACTOR",
        "GIT_AUTHOR_NAME",
        "GITLAB_USER_NAME",
        "TIPHYS_GIT_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in storage.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "app"
    git = pygit2.init_repository(folder)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY page.html /\n")
    (folder / "page.html").write_text("hello\n")
    git.index.add_all()
    who = pygit2.Signature("Ada", "ada@example.org", 1_700_000_000, 0)
    monkeypatch.chdir(folder)
    git.index.write()
    return str(git.create_commit("HEAD", who, who, "a page", git.index.write_tree(), []))


@needs_buildah
def test_a_release_builds_pushes_and_sets(tiphys: Run, app: str, registry: str, tmp_path: Path):
    origin = Origin(tmp_path / "charts.git", "")
    repository = f"{registry}/example/homepage"
    origin.commit({"charts/homepage/values.yaml": f"image:\n  repository: {repository}\n  tag: v1 # ci\n"})
    words = ("--image", repository, "--repo", origin.file_url, "--builder", "buildah", "-o", "json")
    done = tiphys("release", "homepage", *words)
    assert done.code == 0, done.err
    digest, manifest = fetched(registry, f"example/homepage/manifests/{app[:12]}", MANIFEST)
    assert json.loads(done.out)["image"] == f"{repository}:{app[:12]}@{digest}"
    commit = origin.git.revparse_single("main")
    (told,) = releases(commit.message)
    assert told.images == (f"{repository}:{app[:12]}",)
    assert (told.origin.digest, told.origin.source_commit) == (digest, app)
    assert told.origin.built <= told.origin.pushed
    config = fetched(registry, f"example/homepage/blobs/{manifest['config']['digest']}")[1]["config"]
    assert config["Labels"]["org.opencontainers.image.revision"] == app
    values = commit.tree["charts/homepage/values.yaml"].data.decode()
    assert values.endswith(f"tag: {app[:12]} # ci\n") or f'tag: "{app[:12]}"' in values


@needs_buildah
@pytest.mark.usefixtures("app")
def test_a_build_prints_the_image_with_its_digest(tiphys: Run, registry: str):
    done = tiphys("image", "build", "--image", f"{registry}/x", "--tag", "v1", "--builder", "buildah")
    digest, _ = fetched(registry, "x/manifests/v1", MANIFEST)
    assert (done.code, done.out) == (0, f"{registry}/x:v1@{digest}\n")


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["release", "web", "--image", "r/x"], 2, "Missing option '--repo'"),
        (["release", "web", "--image", "r/x", "--repo", "r", "--dry-run"], 2, "tiphys image set --dry-run"),
        (["image", "build", "--image", "r/x:v1", "--tag", "v2"], 1, "the tag with --tag"),
        (["image", "build", "--image", "r/x", "--tag", "a b"], 1, "'a b' is no tag"),
    ],
)
@pytest.mark.usefixtures("app")
def test_what_is_wrong_is_said(tiphys: Run, words: list[str], code: int, why: str):
    done = tiphys(*words)
    assert (done.code, done.out) == (code, "")
    assert why in done.err


@pytest.mark.usefixtures("app")
def test_outside_of_a_checkout_a_tag_is_asked_for(tiphys: Run, tmp_path: Path):
    (tmp_path / "bare").mkdir()
    done = tiphys("image", "build", str(tmp_path / "bare"), "--image", "r/x")
    assert (done.code, "name the image's tag with --tag" in done.err) == (1, True)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("name", ["page.html", "new file"])
def test_what_no_commit_has_gets_no_commits_tag(tiphys: Run, name: str):
    Path(name).write_text("changed\n")
    done = tiphys("image", "build", "--image", "127.0.0.1:9/x")
    assert (done.code, done.out) == (1, "")
    assert name in done.err
    assert "name a tag with --tag, or take --allow-dirty" in done.err


@needs_buildah
def test_what_no_commit_has_is_built_if_its_tag_says_so(
    tiphys: Run, app: str, registry: str, monkeypatch: pytest.MonkeyPatch
):
    Path("page.html").write_text("changed\n")
    words = ("image", "build", "--image", f"{registry}/dirty", "--builder", "buildah")
    assert tiphys(*words, "--allow-dirty").out.startswith(f"{registry}/dirty:{app[:12]}-dirty@sha256:")
    assert tiphys(*words, "--tag", "mine").out.startswith(f"{registry}/dirty:mine@sha256:")
    monkeypatch.setenv("GITHUB_SHA", app)  # what earlier steps of a CI made is meant to be there
    assert tiphys(*words).out.startswith(f"{registry}/dirty:{app[:12]}@sha256:")
    monkeypatch.delenv("GITHUB_SHA")
    Path(".gitignore").write_text("*\n")
    pygit2.Repository(".").checkout("HEAD", strategy=pygit2.enums.CheckoutStrategy.FORCE)
    assert tiphys(*words).out.startswith(f"{registry}/dirty:{app[:12]}@sha256:")


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["hompage"], "no chart 'hompage'; there are: homepage"),
        (["homepage", "--path", "image.tga"], "has no value image.tga; there are: image.tag"),
        (["homepage", "--branch", "mian"], "no branch 'mian'; there are: main"),
        (["homepage", "--sign"], "there is no key to sign with"),
        (["homepage", "--author", "Ada"], "'Ada' is no author"),
    ],
)
def test_nothing_is_built_that_could_not_be_set(
    tiphys: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], why: str
):
    monkeypatch.setenv("HOME", str(tmp_path))
    origin = Origin(tmp_path / "charts.git", "")
    origin.commit({"charts/homepage/values.yaml": "image: {repository: r/x, tag: v1}\n"})
    done = tiphys("release", *words, "--image", "127.0.0.1:9/x", "--repo", origin.file_url)
    assert (done.code, done.out) == (1, "")
    assert why in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("named", "notes"), [("example/x", 0), ("docker.io/example/x", 0), ("r.example/x", 1)]
)
def test_a_chart_that_names_another_image_is_told_of_before_the_build(
    tiphys: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, notes: int
):
    origin = Origin(tmp_path / "charts.git", "")
    origin.commit({"charts/web/values.yaml": f"image: {{repository: {named}, tag: v1}}\n"})
    (tmp_path / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(tmp_path))  # no builder, so nothing is built
    done = tiphys("release", "web", "--image", "example/x", "--repo", origin.file_url)
    assert done.code == 1
    assert "no program here can build images" in done.err
    assert done.err.count("charts/web/values.yaml names r.example/x and not example/x") == notes
