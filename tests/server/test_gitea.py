"""A real Gitea tells of a push."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gitea.server import OWNER, Gitea, program, serving
from server.test_webhook import Shown, until
from tiphys.core.webhooks import Push, Secrets
from tiphys.core.webhooks.concerns import same_repository
from tiphys.server.application import application
from tiphys.server.listening import listening
from tiphys.server.webhook import Limits

SECRET = "between us"
pytestmark = [
    pytest.mark.skipif(not program(), reason="Gitea is not built (make gitea)"),
    pytest.mark.xdist_group("gitea"),
]


@pytest.fixture(scope="module")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    with serving(tmp_path_factory.mktemp("gitea")) as server:
        yield server


@pytest.fixture
async def engine() -> Shown:
    made = Shown(secrets=Secrets({"webhook.gogs.secret": SECRET}))
    made.takes(Limits())
    return made


@pytest.fixture
async def address(engine: Shown) -> AsyncIterator[str]:
    async with listening(application(engine), ("127.0.0.1", 0)) as listener:
        yield f"{listener.url}/api/webhook"


def hooked(gitea: Gitea, name: str, address: str, secret: str = SECRET) -> str:
    """A new repository with a webhook; answers the URL to push to."""
    url = gitea.repository(name)
    config = {"url": address, "content_type": "json", "secret": secret}
    hook = {"type": "gitea", "config": config, "events": ["push"], "active": True}
    gitea.ask("POST", f"/repos/{OWNER}/{name}/hooks", hook)
    return url


def push(gitea: Gitea, url: str, folder: Path, path: str) -> str:
    """Commit a file and push it; answers with the commit."""

    def git(*words: str) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main")
        return subprocess.run(
            ["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True
        ).stdout

    if not (folder / ".git").exists():
        git("init", "--quiet")
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text("x")
    git("add", ".")
    git("commit", "--quiet", "--message", f"a change of {path}")
    git(
        "push",
        "--quiet",
        f"http://{OWNER}:{gitea.token}@{urlsplit(url).netloc}{urlsplit(url).path}",
        "HEAD:main",
    )
    return git("rev-parse", "HEAD").strip()


async def test_a_push_is_heard_with_its_files(gitea: Gitea, engine: Shown, address: str, tmp_path: Path):
    url = await asyncio.to_thread(hooked, gitea, "charts", address)
    first = await asyncio.to_thread(push, gitea, url, tmp_path, "charts/api/values.yaml")
    await until(lambda: bool(engine.heard))
    second = await asyncio.to_thread(push, gitea, url, tmp_path, "charts/homepage/values.yaml")
    await until(lambda: len(engine.heard) > 1)
    new, moved = engine.heard
    assert isinstance(new, Push)
    assert isinstance(moved, Push)
    assert (new.ref, new.before, new.after, new.files) == ("refs/heads/main", "", first, None)
    assert (moved.before, moved.after) == (first, second)
    assert moved.files == {"charts/homepage/values.yaml"}
    assert same_repository(moved, url)
    assert set(engine.counts) == {("Gitea", 202)}


async def test_who_signs_with_another_secret_is_refused(
    gitea: Gitea, engine: Shown, address: str, tmp_path: Path
):
    url = await asyncio.to_thread(hooked, gitea, "others", address, "guessed")
    await asyncio.to_thread(push, gitea, url, tmp_path, "README")
    await until(lambda: ("Gitea", 401) in engine.counts)
    assert not engine.heard
