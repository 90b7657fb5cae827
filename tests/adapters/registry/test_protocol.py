"""What a registry may answer besides: pages, entity tags, tokens, refusals, and what must never happen."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from adapters.git.origin import Handler, listen
from adapters.registry.conftest import Kept
from adapters.registry.shelf import digest_of, encoded
from tiphys.adapters.registry import Registries, Settings
from tiphys.adapters.registry.budget import Budget, seconds_of
from tiphys.adapters.registry.challenges import Challenge, challenge, token_of
from tiphys.adapters.registry.documents import chosen, config_of, created_of, is_index, tags_of
from tiphys.model.errors import Refused, SpecError, Unavailable
from tiphys.model.images import ANY, Login, Repository

ADA = Login("ada", "secret")
BASIC = "Basic " + b64encode(b"ada:secret").decode()
Serving = Callable[[Handler], Awaitable[Repository]]


@pytest.fixture
def serving(stack: AsyncExitStack) -> Serving:
    """Serves whatever a handler answers, and gives a repository there."""

    async def start(handler: Handler) -> Repository:
        app = web.Application()
        app.router.add_route("*", "/{anything:.*}", handler)
        return Repository((await listen(app, stack)).removeprefix("http://"), "team/web")

    return start


def tags(*names: str, **headers: str) -> web.Response:
    return web.json_response({"name": "team/web", "tags": list(names)}, headers=headers)


async def test_pages_are_followed_by_their_links(serving: Serving, client: Registries):
    async def answer(request: web.Request) -> web.Response:
        match request.query.get("last"):
            case None:
                return tags("a", "b", Link='</v2/team/web/tags/list?last=b&n=2>; rel="next"')
            case "b":
                return tags("c", Link="<list?last=c>; rel=next")
        return tags("c", "d")

    assert await client.tags(await serving(answer)) == ["a", "b", "c", "d"]


async def test_a_link_leads_to_no_other_address(serving: Serving, client: Registries):
    async def answer(_: web.Request) -> web.Response:
        return tags("a", Link='<https://evil.example/v2/x>; rel="next"')

    with pytest.raises(Unavailable, match="go on at another address"):
        await client.tags(await serving(answer))


async def test_pages_without_end_have_one(serving: Serving, stack: AsyncExitStack, kept: Kept):
    async def answer(_: web.Request) -> web.Response:
        return tags("a", Link='</v2/team/web/tags/list?last=a>; rel="next"')

    client = await stack.enter_async_context(Registries(kept, Settings(pages=5)))
    with pytest.raises(SpecError, match="more than 5 tags"):
        await client.tags(await serving(answer))


async def test_each_page_is_asked_for_by_its_entity_tag(serving: Serving, client: Registries):
    served: list[tuple[str, int]] = []

    async def answer(request: web.Request) -> web.Response:
        page = request.query.get("last", "first")
        if request.headers.get("If-None-Match") == f'"{page}"':
            served.append((page, 304))
            return web.Response(status=304)
        served.append((page, 200))
        if page == "first":
            return tags("a", ETag='"first"', Link='</v2/team/web/tags/list?last=a>; rel="next"')
        return tags("b", ETag='"a"')

    there = await serving(answer)
    assert await client.tags(there) == await client.tags(there) == ["a", "b"]
    assert served == [("first", 200), ("a", 200), ("first", 304), ("a", 304)]
    assert await client.tags(there, ADA) == ["a", "b"]
    assert served[4:] == [("first", 200), ("a", 200)], "who asks as somebody else learns nothing from before"


async def test_a_token_is_got_once_from_the_realm(serving: Serving, client: Registries):
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        known = request.headers.get("Authorization", "")
        asked.append(f"{request.path} {known}")
        if request.path == "/token":
            assert (request.query["service"], request.query["scope"]) == ("r", "repository:team/web:pull")
            return web.json_response({"token": "t0k", "expires_in": 300})
        if known != "Bearer t0k":
            realm = f'Bearer realm="http://{request.host}/token",service="r",scope="repository:team/web:pull"'
            return web.Response(status=401, headers={"WWW-Authenticate": realm})
        return tags("a")

    there = await serving(answer)
    assert await client.tags(there, ADA) == await client.tags(there, ADA) == ["a"]
    listing = "/v2/team/web/tags/list"
    assert asked == [f"{listing} ", f"/token {BASIC}", f"{listing} Bearer t0k", f"{listing} Bearer t0k"]


async def test_a_password_is_told_to_who_asks_for_it(serving: Serving, client: Registries):
    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") == BASIC:
            return tags("a")
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="here"'})

    there = await serving(answer)
    assert await client.tags(there, ADA) == ["a"]
    with pytest.raises(Refused, match="wants to know who we are"):
        await client.tags(there)
    with pytest.raises(Refused, match="the credentials of eve are not taken"):
        await client.tags(there, Login("eve", "guess"))


async def test_a_password_goes_over_no_open_line(serving: Serving, client: Registries):
    async def answer(_: web.Request) -> web.Response:
        realm = 'Bearer realm="http://auth.example/token"'
        return web.Response(status=401, headers={"WWW-Authenticate": realm})

    with pytest.raises(SpecError, match="https://"):
        await client.tags(await serving(answer), ADA)


async def test_nobody_is_asked_for_the_machines_own_credentials(serving: Serving, client: Registries):
    async def answer(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://169.254.169.254/latest/meta-data")

    with pytest.raises(SpecError, match="metadata service"):
        await client.tags(await serving(answer))


async def test_a_redirect_to_another_host_takes_no_credentials_along(serving: Serving, client: Registries):
    config = encoded({"created": "2026-01-01T00:00:00Z"})
    manifest = encoded({"config": {"digest": digest_of(config)}})
    told: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        known = request.headers.get("Authorization", "")
        if request.path == "/elsewhere":
            told.append(f"{request.host.split(':')[0]} {known}")
            return web.Response(body=config)
        if known != BASIC:
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})
        if "/blobs/" in request.path:
            raise web.HTTPTemporaryRedirect(f"http://localhost:{request.host.split(':')[1]}/elsewhere")
        return web.Response(body=manifest, headers={"Docker-Content-Digest": digest_of(manifest)})

    found = await client.built(await serving(answer), "a", ANY, ADA)
    assert found
    assert found.created == datetime(2026, 1, 1, tzinfo=UTC)
    assert told == ["localhost "]


async def test_what_is_not_what_its_digest_names_is_not_taken(serving: Serving, client: Registries):
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({}, headers={"Docker-Content-Digest": "sha256:" + "0" * 64})

    with pytest.raises(Unavailable, match="not what the digest names"):
        await client.built(await serving(answer), "a", ANY)


async def test_a_tag_that_was_deleted_since_it_was_listed_is_none(serving: Serving, client: Registries):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=404)

    assert await client.built(await serving(answer), "a", ANY) is None


async def test_too_many_requests_are_a_reason_to_wait_as_long_as_told(serving: Serving, client: Registries):
    count = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal count
        count += 1
        return web.Response(status=429, headers={"Retry-After": "120"})

    there = await serving(answer)
    with pytest.raises(Unavailable, match="HTTP 429"):
        await client.tags(there)
    with pytest.raises(Unavailable, match="asked again in 120 s"):
        await client.digest(there, "a")
    assert count == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"<html>", "a login page"), (b"[]", "not what a registry says"), (b" " * 9_000_000, "more than 8 MiB")],
)
async def test_what_is_no_list_of_tags_is_told(serving: Serving, client: Registries, body: bytes, why: str):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body)

    with pytest.raises((Unavailable, SpecError), match=why):
        await client.tags(await serving(answer))


async def test_plain_http_is_for_this_machine_and_what_is_declared(client: Registries):
    asking = client._asking
    asking.settings = Settings(plain=frozenset({"registry.lan:5000"}))
    schemes = {
        name: asking.address(Repository(name, "a")).partition(":")[0]
        for name in (
            "127.0.0.1:5000",
            "localhost",
            "registry.lan:5000",
            "registry.lan",
            "ghcr.io",
            "docker.io",
        )
    }
    assert [name for name, scheme in schemes.items() if scheme == "http"] == [
        "127.0.0.1:5000",
        "localhost",
        "registry.lan:5000",
    ]


async def test_so_many_requests_a_minute_and_no_more():
    now = 0.0
    budget = Budget(Settings(burst=2, per_minute=60), lambda: now)
    assert [budget._reserved() for _ in range(4)] == [0, 0, 1, 2]
    now = 3.0
    assert budget._reserved() == 0


def test_retry_after_is_seconds_or_a_date():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert seconds_of("7", now) == 7
    assert seconds_of("Thu, 01 Jan 2026 00:01:00 GMT", now) == 60
    assert seconds_of("soon", now) is None


def test_the_challenge_that_can_be_met_is_taken():
    bearer = 'Bearer realm="https://a/t",service="x, y",scope="repository:a:pull"'
    assert challenge(["Negotiate", bearer]) == Challenge("bearer", "https://a/t", "x, y", "repository:a:pull")
    assert challenge(["Negotiate"]) is None


@given(st.text(), st.text() | st.none() | st.integers())
def test_any_challenge_and_any_token_is_read_or_passed_over(header: str, token: object):
    challenge([header, f"Bearer {header}"])
    token_of({"token": token, "expires_in": token})
    seconds_of(header, datetime.now(UTC))


FIELDS = ["tags", "manifests", "platform", "os", "digest", "config", "created", "mediaType"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_document_is_read_or_passed_over(document: dict[str, object]):
    tags_of(document)
    is_index(document)
    chosen(document, ANY)
    config_of(document)
    created_of(document)
