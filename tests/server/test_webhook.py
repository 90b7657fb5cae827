"""The webhook's address, by real requests: what is heard, what is turned away, and what a flood may use up."""

import asyncio
import hashlib
import hmac
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp
import orjson
import pytest

from tiphys.core.webhooks import Heard, Push, Secrets
from tiphys.model.errors import Unavailable
from tiphys.server.application import application
from tiphys.server.listening import listening
from tiphys.server.webhook import Limits, Webhook

SECRET = "between us"
PUSH = orjson.dumps(
    {
        "ref": "refs/heads/main",
        "before": "a" * 40,
        "after": "b" * 40,
        "repository": {"clone_url": "https://github.com/example/charts.git"},
    }
)
SMALL = Limits(body=1000, seconds=20, parallel=2, burst=1000)


@dataclass
class Shown:
    """An engine that takes webhooks."""

    heard: list[Heard] = field(default_factory=list)
    counts: list[tuple[str, int]] = field(default_factory=list)
    secrets: Secrets = field(default_factory=lambda: Secrets({"webhook.github.secret": SECRET}))
    away: bool = False
    webhook: Webhook | None = None
    waits_for: str = ""
    stands_by: str = ""

    def exposition(self, accept: str) -> tuple[bytes, str]:  # noqa: ARG002
        return b"", "text/plain"

    async def known(self) -> Secrets:
        if self.away:
            raise Unavailable("get Secret argocd/argocd-secret: the API server does not answer")
        return self.secrets

    def takes(self, limits: Limits) -> None:
        self.webhook = Webhook(self.known, self.heard.append, lambda *told: self.counts.append(told), limits)


@dataclass
class Visitor:
    """Somebody who sends requests."""

    web: aiohttp.ClientSession
    url: str
    address: tuple[str, int]

    async def post(self, body: object, **headers: str) -> tuple[int, str, str]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.web.post(self.url, data=body, headers=sent) as answer:
            return answer.status, await answer.text(), answer.headers.get("retry-after", "")

    async def push(self, body: bytes = PUSH, **headers: str) -> tuple[int, str, str]:
        return await self.post(body, **{**signed(body), **headers})


def signed(body: bytes) -> dict[str, str]:
    proof = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"X_GitHub_Event": "push", "X_Hub_Signature_256": f"sha256={proof}"}


@pytest.fixture
def engine() -> Shown:
    made = Shown()
    made.takes(SMALL)
    return made


@pytest.fixture
async def visitor(engine: Shown) -> AsyncIterator[Visitor]:
    async with (
        listening(application(engine), ("127.0.0.1", 0)) as listener,
        aiohttp.ClientSession() as web,
    ):
        yield Visitor(web, f"{listener.url}/api/webhook", listener.address)


async def test_a_signed_push_is_heard(engine: Shown, visitor: Visitor):
    assert await visitor.push() == (202, "heard\n", "")
    url = "https://github.com/example/charts.git"
    assert engine.heard == [Push((url,), "refs/heads/main", "a" * 40, "b" * 40)]
    assert engine.counts == [("GitHub", 202)]


async def test_a_forged_signature_is_refused_before_anything_is_parsed(engine: Shown, visitor: Visitor):
    code, text, _ = await visitor.push(b"{not json", X_Hub_Signature_256="sha256=" + "0" * 64)
    assert code == 401
    assert SECRET not in text
    assert (await visitor.post(PUSH, X_GitHub_Event="push"))[0] == 401
    assert not engine.heard


async def test_an_event_of_another_kind_is_well_received(engine: Shown, visitor: Visitor):
    assert await visitor.push(b"{}", X_GitHub_Event="ping") == (200, "ignored: GitHub: the event ping\n", "")
    assert not engine.heard


async def test_a_secret_may_hold_any_letter(engine: Shown, visitor: Visitor):
    engine.secrets = Secrets({"webhook.gitlab.secret": "zwischen ü"})
    body = b'{"object_kind": "note"}'
    assert (await visitor.post(body, X_Gitlab_Event="Note Hook", X_Gitlab_Token="zwischen ü"))[0] == 200
    assert (await visitor.post(body, X_Gitlab_Event="Note Hook", X_Gitlab_Token="zwischen u"))[0] == 401


async def test_a_header_that_is_no_text_is_answered(engine: Shown, visitor: Visitor):
    engine.secrets = Secrets()
    reader, writer = await asyncio.open_connection(*visitor.address)
    writer.write(
        b"POST /api/webhook HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 200")
    writer.close()


@pytest.mark.parametrize("body", [b"", b"null", b"{", b"\xff", b"[[[", b'{"ref": 7, "repository": []}'])
async def test_what_cannot_be_understood_is_said(visitor: Visitor, body: bytes):
    assert (await visitor.push(body))[0] == 400


async def test_only_posts_are_taken(visitor: Visitor):
    async with visitor.web.get(visitor.url) as answer:
        assert answer.status == 405


async def test_a_body_that_says_to_be_large_is_not_read(visitor: Visitor):
    reader, writer = await asyncio.open_connection(*visitor.address)
    writer.write(b"POST /api/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000000\r\n\r\n")
    assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_a_body_in_pieces_is_read_no_further_than_it_may_be(visitor: Visitor):
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 200 << 20:
            sent += 1 << 16
            yield bytes(1 << 16)

    try:
        code, _, _ = await visitor.post(endless(), X_GitHub_Event="push")
        assert code == 413
    except aiohttp.ClientConnectionError:
        pass  # the answer was given while we were still sending
    assert sent < 32 << 20


async def test_a_body_that_never_ends_is_given_up(engine: Shown, visitor: Visitor):
    engine.takes(Limits(seconds=0.2))
    reader, writer = await asyncio.open_connection(*visitor.address)
    writer.write(b"POST /api/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
    assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_a_compressed_body_is_not_unpacked(visitor: Visitor):
    bomb = zlib.compress(bytes(100 << 20))[:900]
    assert (await visitor.post(bomb, Content_Encoding="deflate", X_GitHub_Event="push"))[0] == 415


async def test_only_so_many_bodies_are_awaited_at_once(engine: Shown, visitor: Visitor):
    engine.takes(Limits(seconds=30, parallel=2))
    lines = b"POST /api/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"
    slow = [await asyncio.open_connection(*visitor.address) for _ in range(2)]
    for _, writer in slow:
        writer.write(lines)
    await until(lambda: engine.webhook is not None and engine.webhook._reading == 2)
    code, _, again = await visitor.push()
    assert (code, again) == (429, "1")
    for _, writer in slow:
        writer.close()
    await until(lambda: engine.webhook is not None and engine.webhook._reading == 0)
    assert (await visitor.push())[0] == 202


async def test_a_flood_is_told_to_come_again_later(engine: Shown, visitor: Visitor):
    engine.takes(Limits(rate=0.1, burst=3))
    answers = [await visitor.push() for _ in range(5)]
    assert [code for code, _, _ in answers] == [202, 202, 202, 429, 429]
    assert answers[-1][2] == "10"
    assert "polling" in answers[-1][1]


async def test_a_push_of_very_many_refs_is_passed_on_in_part(engine: Shown, visitor: Visitor):
    engine.takes(Limits())
    body = orjson.dumps(
        {
            "repository": {"links": {"clone": [{"href": "https://bb.example/scm/a/b.git"}]}},
            "changes": [{"ref": {"id": f"refs/tags/{n}"}} for n in range(5000)],
        }
    )
    engine.secrets = Secrets()
    assert (await visitor.post(body, X_Event_Key="repo:refs_changed"))[0] == 202
    assert len(engine.heard) == 50


async def test_what_cannot_be_checked_now_is_not_believed(engine: Shown, visitor: Visitor):
    engine.away = True
    code, text, again = await visitor.push()
    assert (code, again) == (503, "10")
    assert "argocd" not in text
    assert not engine.heard


async def test_an_engine_that_starts_asks_for_patience(engine: Shown, visitor: Visitor):
    engine.webhook, engine.waits_for = None, "the API server"
    code, text, again = await visitor.push()
    assert (code, again) == (503, "5")
    assert "the API server" in text


async def test_five_hundred_forgeries_hurt_nobody(engine: Shown, visitor: Visitor):
    engine.takes(Limits(rate=1000, burst=1000, parallel=1000))
    codes = await asyncio.gather(*(visitor.push(X_Hub_Signature_256=f"sha256={n}") for n in range(500)))
    assert {code for code, _, _ in codes} == {401}
    assert (await visitor.push())[0] == 202


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
