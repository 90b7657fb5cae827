"""Pull requests on forges that answer as documented: opened once, brought up to date, and no token led astray."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from adapters.forge.hosts import TOKEN, Hook, Host
from tiphys.adapters.forge import Limits, Web, forge, forges, place_of
from tiphys.adapters.forge.web import Answer, pause_of
from tiphys.model.errors import Refused, SpecError, TiphysError, Unavailable
from tiphys.model.pullrequests import Opened, PullRequest

WANTED = PullRequest(
    "tiphys/web-v2", "main", "Set web to v2", "Image: example/web:v2\nAuthor: Ada <ada@example.org>"
)
KINDS = ("github", "gitlab", "gitea")


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture(params=KINDS)
async def host(request: pytest.FixtureRequest, stack: AsyncExitStack) -> Host:
    return await Host(request.param).start(stack)


@pytest.fixture
async def github(stack: AsyncExitStack) -> Host:
    return await Host("github").start(stack)


async def ensure(
    host: Host, wanted: PullRequest = WANTED, limits: Limits | None = None, token: str = TOKEN
) -> Opened:
    place = place_of(host.repo, host.kind, {})
    async with Web.open(place.api, place.name, limits) as opened:
        return await forge(place, token, opened).ensure(wanted)


async def test_a_request_is_opened_with_title_and_text(host: Host):
    opened = await ensure(host)
    assert (opened.number, opened.new) == (1, True)
    assert opened.url.startswith(f"{host.url}/example/charts/")
    told = host.pulls[0]
    assert [told[name] for name in ("head", "base", "title", "body")] == [
        WANTED.head,
        WANTED.base,
        WANTED.title,
        WANTED.body,
    ]


async def test_the_same_again_changes_nothing(host: Host):
    first = await ensure(host)
    host.calls.clear()
    assert await ensure(host) == replace(first, new=False)
    assert [call.partition(" ")[0] for call in host.calls] == ["GET"]


async def test_an_open_request_is_brought_up_to_date(host: Host):
    await ensure(host)
    assert not (await ensure(host, replace(WANTED, title="Set web to v3", body=""))).new
    assert (len(host.pulls), host.pulls[0]["title"], host.pulls[0]["body"]) == (1, "Set web to v3", "")


async def test_a_closed_request_is_not_taken_for_an_open_one(host: Host):
    await ensure(host)
    host.pulls[0]["state"] = "closed"
    assert (await ensure(host)).number == 2


async def test_one_that_somebody_opens_meanwhile_is_taken(host: Host):
    host.before = [passing, opening(host)]
    assert not (await ensure(host)).new
    assert [pull["title"] for pull in host.pulls] == [WANTED.title]


async def test_another_page_and_a_fork_do_not_mislead_gitea(stack: AsyncExitStack):
    host = await Host("gitea", page=2).start(stack)
    host.has(WANTED.head, repository="mallory/charts")
    for number in range(4):
        host.has(f"other-{number}")
    host.has(WANTED.head)
    assert (await ensure(host)).number == 6


async def test_what_a_forge_finds_wrong_is_said_in_its_words(github: Host):
    with pytest.raises(
        SpecError, match=r"GitHub refuses the pull request: .*No commits between main and main"
    ):
        await ensure(github, replace(WANTED, head="main"))


@pytest.mark.parametrize(
    ("status", "body", "error", "told"),
    [
        (401, {"message": "Bad credentials"}, Refused, "does not accept the token: Bad credentials"),
        (
            403,
            {"message": "GitHub Actions is not permitted to create or approve pull requests."},
            Refused,
            "forbids it: GitHub Actions is not permitted",
        ),
        (404, {"message": "Not Found"}, Refused, "has no such repository, or does not show it"),
    ],
)
async def test_a_no_says_who_must_act(
    host: Host, status: int, body: object, error: type[TiphysError], told: str
):
    host.before = [answering(web.json_response(body, status=status))]
    with pytest.raises(error, match=told):
        await ensure(host)


async def test_an_error_of_the_forges_own_is_tried_again_and_then_told(
    host: Host, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(forges, "PAUSES", (0.01, 0.02))

    def broken() -> Hook:
        return answering(web.json_response({"message": "Server Error"}, status=502))

    host.before = [broken()]
    assert (await ensure(host)).new
    host.before = [broken() for _ in range(3)]
    with pytest.raises(Unavailable, match="an error of its own: Server Error"):
        await ensure(host)


async def test_gitea_may_not_know_yet_of_the_branch_that_was_just_pushed(
    stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(forges, "PAUSES", (0.01, 0.02))
    host = await Host("gitea").start(stack)
    host.before = [passing, answering(web.json_response({"message": "not found"}, status=404))]
    assert (await ensure(host)).new


async def test_a_token_that_is_not_known_is_not_shown_in_the_error(host: Host):
    with pytest.raises(Refused) as error:
        await ensure(host, token="s3cret")
    assert "s3cret" not in str(error.value)


async def test_a_redirect_to_another_host_is_refused_and_sees_no_token(host: Host, stack: AsyncExitStack):
    other = await Host("github").start(stack)
    host.before = [answering(web.Response(status=307, headers={"Location": f"{other.url}/elsewhere"}))]
    with pytest.raises(Refused, match=r"where the token is not for"):
        await ensure(host)
    assert other.calls == []


async def test_a_repository_that_was_renamed_is_found_at_its_host(github: Host):
    path = "/api/v3/repos/example/charts/pulls"
    github.before = [passing, answering(web.Response(status=307, headers={"Location": path}))]
    assert (await ensure(github)).new


async def test_an_answer_without_end_is_not_read(host: Host):
    host.before = [answering(web.Response(body=b"[" + b"1," * 100_000))]
    with pytest.raises(SpecError, match=r"more than .* MiB"):
        await ensure(host, limits=Limits(body_bytes=1024))


async def test_a_page_that_is_no_json_says_how_to_name_the_forge(host: Host):
    host.before = [answering(web.Response(text="<html>Sign in</html>", content_type="text/html"))]
    with pytest.raises(Unavailable, match=r"not with JSON: is its address right\?"):
        await ensure(host)


@pytest.mark.parametrize("status", [403, 429])
async def test_it_waits_as_long_as_the_forge_asks_to(host: Host, status: int):
    host.before = [
        answering(web.json_response({"message": "slow down"}, status=status, headers={"Retry-After": "0"}))
    ]
    assert (await ensure(host)).new


async def test_a_wait_past_the_deadline_is_told_instead(host: Host):
    host.before = [
        answering(web.json_response({"message": "slow"}, status=429, headers={"Retry-After": "3600"}))
    ]
    with pytest.raises(Unavailable, match="left alone for 3600 seconds"):
        await ensure(host)


async def test_a_forge_that_hangs_is_given_up(host: Host):
    async def hanging(_: web.Request) -> None:
        await asyncio.sleep(30)

    host.before = [hanging]
    with pytest.raises(Unavailable, match=r"not done within 0\.2 seconds"):
        await ensure(host, limits=Limits(seconds=0.2))


async def test_nothing_there_is_told(host: Host):
    host.url = "http://127.0.0.1:9"
    with pytest.raises(Unavailable, match="nothing answers there"):
        await ensure(host)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1060"}, 60.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "900"}, 1.0),
        ({"x-ratelimit-remaining": "12"}, None),
        ({}, None),
    ],
)
def test_how_long_a_forge_wants_to_be_left_alone(headers: dict[str, str], wait: float | None):
    assert pause_of(Answer(403, None, headers), 1000.0) == wait


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["message", "error", "errors", "x"]), inner)
        ),
    )
)
def test_whatever_a_forge_says_becomes_a_short_line(body: object):
    words = Answer(400, body).words
    assert 0 < len(words) <= 300
    assert "\n" not in words


def answering(response: web.StreamResponse) -> Hook:
    async def hook(_: web.Request) -> web.StreamResponse:
        return response

    return hook


def opening(host: Host) -> Hook:
    async def hook(_: web.Request) -> None:
        host.has(WANTED.head)

    return hook


async def passing(request: web.Request) -> None:
    """Nothing comes before it."""
