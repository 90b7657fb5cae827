"""A branch that is committed to: over HTTP and file://, among neighbours, with and without credentials."""

import asyncio
import base64
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.git.origin import Link, Origin, listen
from tiphys.adapters.git import Branch, Settings, allowed_environment
from tiphys.adapters.git.signing_in import Credentials, known
from tiphys.core.release.images import Wish
from tiphys.core.release.message import Origin as ReleaseOrigin
from tiphys.core.release.message import Released, releases
from tiphys.local.gitserver import application
from tiphys.model.commits import Draft, Person
from tiphys.model.errors import Refused, SpecError, Unavailable
from tiphys.reconcile.release import Order, Outcome, Part, release

ADA = Person("Ada", "ada@example.org")
SETTINGS = Settings(environment=allowed_environment(os.environ), fetch_seconds=30)
VALUES = "image:\n  repository: ghcr.io/example/{name}   # ours\n  tag: v1\n"


def charts(*names: str) -> dict[str, object]:
    """A charts repository with these charts."""
    return {f"charts/{name}/values.yaml": VALUES.format(name=name) for name in names} | {
        "README.md": "charts"
    }


def order(chart: str, tag: str = "v2", file: str = "") -> Order:
    return Order([Part([chart], [Wish(tag)], file=file)], ADA)


@asynccontextmanager
async def branch(url: str, name: str = "", who: Credentials | None = None) -> AsyncIterator[Branch]:
    async with Branch.open(url, name, SETTINGS, who) as opened:
        yield opened


def log(origin: Origin, ref: str = "refs/heads/main") -> Sequence[str]:
    """The messages of a branch's commits, the newest first."""
    return [
        commit.message.partition("\n")[0] for commit in origin.git.walk(origin.git.references[ref].target)
    ]


def content(origin: Origin, path: str, ref: str = "refs/heads/main") -> str:
    return origin.git.revparse_single(f"{ref}:{path}").data.decode()


@pytest.mark.parametrize("filtered", ["true", "false"])
@pytest.mark.parametrize("over", ["url", "file_url"])
async def test_a_release_is_one_commit_that_changes_one_line(origin: Origin, filtered: str, over: str):
    origin.git.config["uploadpack.allowFilter"] = filtered
    before = origin.commit(charts("homepage", "api"))
    async with branch(getattr(origin, over)) as opened:
        outcome = await release(order("charts/homepage"), opened, 30)
    newest = origin.git[outcome.commit]
    assert str(newest.parent_ids[0]) == before
    assert (newest.author.name, newest.author.email, newest.message) == (
        "Ada", "ada@example.org", "Set homepage to v2\n\nImage: ghcr.io/example/homepage:v2\n",
    )  # fmt: skip
    assert content(origin, "charts/homepage/values.yaml") == VALUES.format(name="homepage").replace(
        "v1", "v2"
    )
    changed = origin.git.diff(before, outcome.commit)
    assert [delta.new_file.path for delta in changed.deltas] == ["charts/homepage/values.yaml"]


async def test_what_is_set_already_makes_no_commit(origin: Origin):
    before = origin.commit(charts("homepage"))
    async with branch(origin.url) as opened:
        assert await release(order("homepage", "v1"), opened, 30) == Outcome(before, ())
    assert log(origin) == ["a change"]


async def test_only_the_files_that_are_edited_are_fetched(origin: Origin):
    origin.git.config["uploadpack.allowFilter"] = True
    origin.commit(charts("homepage") | {"large.bin": os.urandom(1 << 20).hex()})
    async with branch(origin.url) as opened:
        await release(order("homepage"), opened, 30)
        here = sum(file.stat().st_size for file in opened._folder.rglob("*") if file.is_file())
    assert here < 200_000


async def test_a_neighbours_commit_is_kept(origin: Origin):
    origin.commit(charts("homepage", "api"))
    async with branch(origin.url) as ours, branch(origin.url) as theirs:
        tip = await ours.fetch()
        lost = await ours.commit(tip, Draft({"README.md": b"ours"}, "ours", ADA, ADA))
        await release(order("api"), theirs, 30)
        assert not await ours.push(lost)
        await release(order("homepage"), ours, 30)
    assert log(origin) == ["Set homepage to v2", "Set api to v2", "a change"]


async def test_twenty_releases_at_once_all_land(origin: Origin):
    names = [f"app-{number}" for number in range(20)]
    origin.commit(charts(*names, "shared"))

    async def one(name: str) -> Outcome:
        async with branch(origin.url) as opened:
            return await release(order(name), opened, 60)

    started = time.monotonic()
    outcomes = await asyncio.gather(*(one(name) for name in names))
    print(f"{time.monotonic() - started:.1f} s, attempts {sorted(o.attempts for o in outcomes)}")  # noqa: T201
    assert sorted(log(origin)) == sorted(["a change", *(f"Set {name} to v2" for name in names)])
    assert {str(c.id) for c in origin.git.walk(origin.git.references["refs/heads/main"].target)} > {
        outcome.commit for outcome in outcomes
    }
    for name in names:
        assert content(origin, f"charts/{name}/values.yaml") == VALUES.format(name=name).replace("v1", "v2")


async def test_a_batch_is_one_commit_and_one_push(origin: Origin):
    names = [f"app-{number}" for number in range(100)]
    before = origin.commit(charts(*names))
    parts = [
        Part([name], [Wish(f"v{at % 5 + 1}")], ReleaseOrigin(f"sha256:{at}")) for at, name in enumerate(names)
    ]
    started = time.monotonic()
    async with branch(origin.url) as opened:
        outcome = await release(Order(parts, ADA), opened, 60)
    assert time.monotonic() - started < 10
    newest = origin.git[outcome.commit]
    assert (str(newest.parent_ids[0]), log(origin)[0]) == (
        before,
        "Set app-1, app-2, app-3 and 77 more to 4 tags",
    )
    told = releases(newest.message)
    assert len(told) == len(outcome.changes) == 80  # a fifth had its tag already
    assert told[0] == Released(("ghcr.io/example/app-1:v2",), ReleaseOrigin("sha256:1"))
    assert content(origin, "charts/app-4/values.yaml").endswith("tag: v5\n")


async def test_parts_of_a_batch_meet_in_one_file(origin: Origin):
    origin.commit({"charts/all/values.yaml": "a: {image: 'x/a:v1'}\nb: {image: 'x/b:v1'}\n"})
    one, other = Part(["all"], [Wish("v2", name="a")]), Part(["all"], [Wish("v3", name="b")])
    async with branch(origin.url) as opened:
        await release(Order([one, other], ADA), opened, 30)
        assert content(origin, "charts/all/values.yaml") == "a: {image: 'x/a:v2'}\nb: {image: 'x/b:v3'}\n"
        with pytest.raises(SpecError, match=r"a\.image cannot be x/a:v2 and x/a:v4 at once"):
            await release(Order([one, Part(["all"], [Wish("v4", name="a")])], ADA), opened, 30)


async def test_a_mode_stays_and_a_file_in_the_root_too(origin: Origin):
    before = origin.commit({"values.yaml": b"image: a/b:v1\n", "x/y": "z"})
    async with branch(origin.url) as opened:
        await release(order("values.yaml"), opened, 30)
    assert (
        origin.git.revparse_single("main").tree["values.yaml"].filemode
        == origin.git[before].tree["values.yaml"].filemode
    )
    assert content(origin, "values.yaml") == "image: a/b:v2\n"


async def test_a_branch_by_name(origin: Origin):
    origin.commit(charts("homepage"))
    origin.commit(charts("homepage"), branch="staging")
    async with branch(origin.url, "staging") as opened:
        await release(order("homepage"), opened, 30)
    assert len(log(origin, "refs/heads/staging")) == 2
    assert len(log(origin)) == 1


@pytest.mark.parametrize(
    ("chart", "file", "name", "why"),
    [
        ("hompage", "", "", "no chart 'hompage'; there are: api, homepage"),
        ("homepage", "values-prod.yaml", "", "'homepage' has no values-prod.yaml: it has values.yaml"),
        ("link", "", "", "charts/link/values.yaml is a symlink"),
        ("../etc", "", "", "leaves the repository"),
        ("homepage", "", "mian", "no branch 'mian'; there are: main"),
    ],
)
async def test_what_is_not_there_is_told(origin: Origin, chart: str, file: str, name: str, why: str):
    origin.commit(charts("api", "homepage") | {"charts/link/values.yaml": Link("../api/values.yaml")})
    async with branch(origin.url, name) as opened:
        with pytest.raises(SpecError, match=why):
            await release(order(chart, file=file), opened, 30)


async def test_an_empty_repository_is_told(origin: Origin):
    async with branch(origin.url) as opened:
        with pytest.raises(SpecError, match="nothing was pushed to it yet"):
            await release(order("homepage"), opened, 30)


async def test_a_host_that_says_no_is_quoted(origin: Origin):
    origin.commit(charts("homepage"))
    hook = origin.folder / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'main is protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    async with branch(origin.file_url) as opened:
        with pytest.raises(Refused, match=r"pre-receive hook declined.*main is protected"):
            await release(order("homepage"), opened, 30)


async def test_who_never_comes_first_gives_up_at_the_deadline(origin: Origin):
    origin.commit(charts("homepage"))

    class Beaten(Branch):
        async def push(self, commit: str) -> bool:  # noqa: ARG002
            return False

    async with Beaten.open(origin.url, "", SETTINGS) as opened:
        with pytest.raises(Unavailable, match=r"others came first, .* give it longer with --timeout"):
            await release(order("homepage"), opened, 0.3)


async def test_a_host_where_nothing_answers_is_given_up_soon():
    async with branch("http://127.0.0.1:9/charts.git") as opened:
        with pytest.raises(Unavailable, match="nothing answers"):
            await release(order("homepage"), opened, 30)


@pytest.fixture
async def guarded(tmp_path: Path, stack: AsyncExitStack) -> Origin:
    """A repository of ``ada`` with the token ``s3cr+t``."""
    wanted = "Basic " + base64.b64encode(b"ada:s3cr+t").decode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Authorization") != wanted:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        return await handler(request)

    app = application(tmp_path / "served", None)
    app.middlewares.append(guard)
    address = await listen(app, stack)
    origin = Origin(tmp_path / "served" / "charts.git", f"{address}/git/charts.git")
    origin.commit(charts("homepage"))
    return origin


async def test_a_token_signs_in(guarded: Origin):
    async with branch(guarded.url, who=Credentials("ada", "s3cr+t")) as opened:
        await release(order("homepage"), opened, 30)
    async with branch(guarded.url.replace("//", "//ada:s3cr%2Bt@")) as opened:
        await release(order("homepage", "v3"), opened, 30)
    assert len(log(guarded)) == 3


@pytest.mark.parametrize("who", [None, Credentials("ada", "wrong-t0ken")])
async def test_who_may_not_come_in_is_told_what_to_set_and_no_secret(
    guarded: Origin, who: Credentials | None
):
    async with branch(guarded.url, who=who) as opened:
        with pytest.raises(Refused, match="set TIPHYS_GIT_TOKEN") as told:
            await release(order("homepage"), opened, 30)
    assert "t0ken" not in str(told.value)


async def test_a_token_goes_to_its_own_host_alone(stack: AsyncExitStack):
    seen: list[str | None] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})

    async def leads_away(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"{address}{request.path_qs}")

    one, other = web.Application(), web.Application()
    one.router.add_route("*", "/{any:.*}", leads_away)
    other.router.add_route("*", "/{any:.*}", elsewhere)
    address = await listen(other, stack)
    async with branch(f"{await listen(one, stack)}/charts.git", who=Credentials("ada", "s3cr+t")) as opened:
        with pytest.raises((Refused, Unavailable)):
            await opened.fetch()
    assert seen
    assert set(seen) == {None}


async def test_credentials_are_found_in_the_url_the_environment_or_the_users_git(tmp_path: Path):
    url = "https://git.example.org/charts.git"
    store = tmp_path / "store"
    store.write_text("https://ada:kept@git.example.org\n")
    (tmp_path / ".gitconfig").write_text(f"[credential]\n  helper = store --file {store}\n")
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
    token = {**home, "TIPHYS_GIT_TOKEN": "t\n", "TIPHYS_GIT_USERNAME": ""}
    assert await known(url.replace("//", "//eve:x@"), token) == Credentials("eve", "x")
    assert await known(url, token) == Credentials("x-access-token", "t")
    assert await known(url, home) == Credentials("ada", "kept")
    assert await known("https://other.example.org/x.git", home) is None
    assert await known("file:///srv/charts.git", token) is None
    assert "kept" not in repr(Credentials("ada", "kept"))


def test_a_token_of_two_lines_is_refused():
    with pytest.raises(SpecError, match="control characters"):
        Credentials("ada", "a\nhost=evil")


@pytest.mark.parametrize(
    "url", ["http://git.example.org/charts.git", "http://ada:s3cret@git.example.org/charts.git"]
)
async def test_a_token_is_not_sent_where_others_listen(url: str):
    with pytest.raises(
        SpecError, match=r"would travel unencrypted: use https://.*TIPHYS_GIT_ALLOW_PLAIN_HTTP"
    ) as told:
        async with branch(url, who=Credentials("ada", "s3cret")):
            pass
    assert "s3cret" not in str(told.value)
    async with Branch.open(url, "", replace(SETTINGS, plain_tokens=True), Credentials("ada", "s3cret")):
        pass
