"""``--pull-request``: a branch of its own on a real Git server, and a request on a forge that answers beside it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from joserfc.jwk import RSAKey

from adapters.forge.hosts import Host
from adapters.git.origin import Origin, listen
from cli.conftest import Outcome
from tiphys.local.gitserver import application

VALUES = "deployment:\n  image: {repository: ghcr.io/example/web, tag: 'v1'}   # ci\n"
CI = ("GITHUB_SHA", "GITHUB_ACTOR", "CI_COMMIT_SHA", "GIT_AUTHOR_NAME", "GITLAB_USER_NAME", "TIPHYS_FORGE")


@dataclass
class Forge:
    """A forge with a charts repository, and who runs ``tiphys`` against it."""

    host: Host
    origin: Origin
    run: Callable[..., Outcome]

    async def __call__(self, *words: str) -> Outcome:
        """The outcome of a command; the forge answers meanwhile."""
        return await asyncio.to_thread(self.run, *words, "--repo", self.origin.url, "--forge", self.host.kind)

    async def set(self, tag: str, *words: str) -> Outcome:
        """``tiphys image set web --pull-request``."""
        return await self("image", "set", "web", "--tag", tag, "--pull-request", *words)

    def tip(self, branch: str) -> str:
        """A branch's newest commit."""
        return str(self.origin.git.references[f"refs/heads/{branch}"].target)

    def content(self, branch: str) -> str:
        """The values of a branch."""
        found: bytes = self.origin.git.revparse_single(f"{branch}:charts/web/values.yaml").data
        return found.decode()


@pytest.fixture(params=["github", "gitlab", "gitea"])
async def forge(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tiphys: Callable[..., Outcome],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Forge]:
    for name in CI:
        monkeypatch.delenv(name, raising=False)
    host = Host(request.param, "git/charts")
    monkeypatch.setenv("TIPHYS_GIT_TOKEN", host.token)
    async with AsyncExitStack() as stack:
        host.url = await listen(host.added(application(tmp_path / "served", None)), stack)
        origin = Origin(tmp_path / "served/charts.git", f"{host.url}/git/charts.git")
        origin.commit({"charts/web/values.yaml": VALUES})
        yield Forge(host, origin, tiphys)


async def test_a_change_goes_to_a_branch_of_its_own_and_is_asked_for(forge: Forge):
    done = await forge.set("v2")
    assert done.code == 0, done.err
    assert (forge.content("main"), forge.content("tiphys/web-v2")) == (VALUES, VALUES.replace("v1", "v2"))
    [pull] = forge.host.pulls
    assert (pull["head"], pull["base"], pull["title"]) == ("tiphys/web-v2", "main", "Set web to v2")
    assert pull["body"] == "Image: ghcr.io/example/web:v2"
    assert "to tiphys/web-v2 of" in done.err
    assert f"Opened {forge.host.url}/" in done.err


async def test_the_same_again_pushes_nothing_and_opens_nothing(forge: Forge):
    await forge.set("v2")
    before = forge.tip("tiphys/web-v2")
    done = await forge.set("v2", "-o", "json")
    told = json.loads(done.out)
    assert forge.tip("tiphys/web-v2") == before == told["commit"]
    assert (len(forge.host.pulls), told["pullRequestNumber"], told["head"]) == (1, 1, "tiphys/web-v2")
    assert told["pullRequest"].startswith(forge.host.url)


async def test_again_on_a_newer_base_takes_the_branch_along(forge: Forge):
    await forge.set("v2")
    newer = VALUES.replace("# ci", "# CI").replace("v1", "v1.1")
    tip = forge.origin.commit({"charts/web/values.yaml": newer})
    assert (await forge.set("v2")).code == 0
    head = forge.origin.git[forge.tip("tiphys/web-v2")]
    assert [str(parent) for parent in head.parent_ids] == [tip]
    assert forge.content("tiphys/web-v2") == newer.replace("v1.1", "v2")
    assert len(forge.host.pulls) == 1


async def test_what_somebody_else_put_on_the_branch_is_not_overwritten(forge: Forge):
    await forge.set("v2")
    theirs = forge.origin.commit({"charts/web/values.yaml": "x: 1\n"}, "tiphys/web-v2", "my tweak")
    done = await forge.set("v2")
    assert (done.code, "has a commit of Ada on it ('my tweak')" in done.err) == (1, True)
    assert forge.tip("tiphys/web-v2") == theirs


async def test_what_is_so_already_is_not_asked_for(forge: Forge):
    done = await forge.set("v1")
    assert (done.code, done.err) == (0, "Nothing to do: it is so already.\n")
    assert forge.host.pulls == []


async def test_a_dry_run_neither_pushes_nor_asks(forge: Forge):
    done = await forge.set("v2", "--dry-run")
    assert (done.code, "A dry run" in done.err) == (0, True)
    assert "refs/heads/tiphys/web-v2" not in forge.origin.git.references
    assert forge.host.calls == []


async def test_two_at_once_are_one_request_each(forge: Forge):
    await asyncio.gather(forge.set("v2"), forge.set("v3"))
    assert sorted(pull["head"] for pull in forge.host.pulls) == ["tiphys/web-v2", "tiphys/web-v3"]


async def test_a_promotion_may_be_asked_for(forge: Forge):
    forge.origin.commit(
        {"charts/web/values-dev.yaml": VALUES.replace("v1", "v2"), "charts/web/values-prod.yaml": VALUES}
    )
    words = ("promote", "web", "--from", "dev", "--to", "prod", "--offline", "--pull-request")
    done = await forge(*words)
    assert done.code == 0, done.err
    [pull] = forge.host.pulls
    assert (pull["head"], pull["title"]) == ("tiphys/web-prod-v2", "Promote web from dev to prod: v2")
    assert "Promoted-From: charts/web/values-dev.yaml@" in pull["body"]
    assert (await forge(*words)).code == 0
    assert len(forge.host.pulls) == 1


async def test_without_a_token_it_says_which_one(forge: Forge, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TIPHYS_GIT_TOKEN")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    done = await forge.set("v2")
    assert (done.code, "needs a token: set TIPHYS_GIT_TOKEN" in done.err) == (1, True)


def test_a_request_needs_a_repository(tiphys: Callable[..., Outcome]):
    done = tiphys("image", "set", "web", "--tag", "v2", "--pull-request")
    assert (done.code, "--pull-request needs --repo" in done.err) == (2, True)


@pytest.mark.parametrize("forge", ["github"], indirect=True)
async def test_a_github_app_needs_no_token_of_its_own(forge: Forge, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TIPHYS_GIT_TOKEN")
    monkeypatch.setenv("TIPHYS_GITHUB_APP_ID", "42")
    monkeypatch.setenv(
        "TIPHYS_GITHUB_APP_PRIVATE_KEY", RSAKey.generate_key(2048).as_pem(private=True).decode()
    )

    async def installation(_: web.Request) -> web.Response:
        return web.json_response({"id": 7})

    async def token(_: web.Request) -> web.Response:
        return web.json_response({"token": forge.host.token}, status=201)

    forge.host.before = [installation, token]
    done = await forge.set("v2")
    assert (done.code, len(forge.host.pulls)) == (0, 1)
    calls = [call.rpartition("/")[2] for call in forge.host.calls]
    assert calls == ["installation", "access_tokens", "pulls", "pulls"]
