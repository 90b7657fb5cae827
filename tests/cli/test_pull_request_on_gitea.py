"""``--pull-request`` on a real Gitea: opened once, brought up to date, merged, and refused in its own words."""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from cli.conftest import Outcome
from gitea.server import OWNER, Gitea, program, serving

VALUES = "deployment:\n  image: {repository: ghcr.io/example/web, tag: 'v1'}   # ci\n"
pytestmark = [
    pytest.mark.skipif(not program(), reason="Gitea is not built (make gitea)"),
    pytest.mark.xdist_group("gitea"),
]


@pytest.fixture(scope="module")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    with serving(tmp_path_factory.mktemp("gitea")) as server:
        yield server


@dataclass
class Charts:
    """A charts repository on Gitea, with a checkout of somebody who works in it."""

    gitea: Gitea
    name: str
    url: str
    folder: Path
    run: Callable[..., Outcome]

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=Bob", "-c", "user.email=bob@example.org")
        command = ["git", "-C", str(self.folder), *who, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def commits(self, files: dict[str, str], branch: str = "main") -> None:
        """Bob commits to a branch and pushes."""
        for path, content in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(content)
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "a change of Bob's")
        self.git("push", "--quiet", "origin", f"HEAD:{branch}")

    def set(self, tag: str, *words: str) -> Outcome:
        flags = ("--repo", self.url, "--forge", "gitea", "--pull-request")
        return self.run("image", "set", "web", "--tag", tag, *flags, *words)

    def tip(self, branch: str) -> str:
        return self.git("ls-remote", "origin", f"refs/heads/{branch}").partition("\t")[0]


@pytest.fixture
def charts(
    gitea: Gitea,
    tmp_path: Path,
    tiphys: Callable[..., Outcome],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Charts:
    for name in (
        "GITHUB_SHA",
        "GITHUB_ACTOR",
        "CI_COMMIT_SHA",
        "GIT_AUTHOR_NAME",
        "GITLAB_USER_NAME",
        "TIPHYS_FORGE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TIPHYS_GIT_TOKEN", gitea.token)
    name = f"charts-{abs(hash(request.node.name))}"
    url = gitea.repository(name)
    made = Charts(gitea, name, url, tmp_path / "here", tiphys)
    parts = urlsplit(url)
    made.folder.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    made.git(
        "remote", "add", "origin", urlunsplit(parts._replace(netloc=f"{OWNER}:{gitea.token}@{parts.netloc}"))
    )
    made.commits({"charts/web/values.yaml": VALUES})
    until = time.monotonic() + 20
    # It notices only a moment later that there is something in it, and shows no pull requests till then.
    while gitea.ask("GET", f"/repos/{OWNER}/{name}")["empty"]:
        assert time.monotonic() < until
        time.sleep(0.05)
    return made


def test_a_request_is_opened_once_and_can_be_merged(charts: Charts):
    done = charts.set("v2")
    assert done.code == 0, done.err
    before = charts.tip("tiphys/web-v2")
    again = charts.set("v2")
    assert (again.code, charts.tip("tiphys/web-v2")) == (0, before)
    [pull] = charts.gitea.pulls(charts.name)
    assert (pull["title"], pull["head"]["ref"], pull["base"]["ref"]) == (
        "Set web to v2",
        "tiphys/web-v2",
        "main",
    )
    assert pull["body"] == "Image: ghcr.io/example/web:v2"
    assert pull["html_url"] in again.err
    charts.gitea.ask("POST", f"/repos/{OWNER}/{charts.name}/pulls/{pull['number']}/merge", {"Do": "rebase"})
    done = charts.set("v2")
    assert (done.code, done.err) == (0, "Nothing to do: it is so already.\n")


def test_a_request_follows_its_base(charts: Charts):
    charts.set("v2")
    charts.commits({"charts/web/values.yaml": VALUES.replace("v1", "v1.1")})
    assert charts.set("v2").code == 0
    charts.git("fetch", "--quiet", "origin")
    assert "v2" in charts.git("show", "origin/tiphys/web-v2:charts/web/values.yaml")
    assert charts.git("rev-parse", "origin/tiphys/web-v2^") == charts.git("rev-parse", "origin/main")
    assert len(charts.gitea.pulls(charts.name)) == 1


def test_a_commit_of_somebody_else_stays(charts: Charts):
    charts.set("v2")
    charts.git("fetch", "--quiet", "origin")
    charts.git("checkout", "--quiet", "--detach", "origin/tiphys/web-v2")
    charts.commits({"README.md": "mine"}, "tiphys/web-v2")
    before = charts.tip("tiphys/web-v2")
    done = charts.set("v2")
    assert (done.code, charts.tip("tiphys/web-v2")) == (1, before)
    assert "has a commit of Bob on it" in done.err


def test_a_text_that_was_edited_is_put_back(charts: Charts):
    charts.set("v2")
    [pull] = charts.gitea.pulls(charts.name)
    path = f"/repos/{OWNER}/{charts.name}/pulls/{pull['number']}"
    charts.gitea.ask("PATCH", path, {"title": "else", "body": ""})
    charts.set("v2")
    assert charts.gitea.ask("GET", path)["title"] == "Set web to v2"


def test_a_token_that_is_not_known_is_refused(charts: Charts, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TIPHYS_GIT_TOKEN", "0" * 40)
    done = charts.set("v2")
    assert (done.code, "refuses who we are" in done.err, "0" * 40 in done.err) == (1, True, False)
