"""Tokens of GitHub Apps: what the app shows of itself, and what it is given."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from adapters.git.origin import listen
from tiphys.adapters.forge import App, Place, Web, app_of, token_of
from tiphys.model.errors import Refused, SpecError

KEY = RSAKey.generate_key(2048)
PEM = KEY.as_pem(private=True).decode()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def github(stack: AsyncExitStack) -> Place:
    """A GitHub on which the app 42 is installed for example/charts."""

    def claims(request: web.Request) -> dict[str, object]:
        token = jwt.decode(
            request.headers["Authorization"].removeprefix("Bearer "), KEY, algorithms=["RS256"]
        )
        return token.claims

    async def installation(request: web.Request) -> web.Response:
        told = claims(request)
        assert 0 < int(str(told["exp"])) - int(str(told["iat"])) <= 600
        if told["iss"] != "42":
            return web.json_response({"message": "Integration not found"}, status=404)
        return web.json_response({"id": 7, "app_id": 42})

    async def tokens(request: web.Request) -> web.Response:
        assert claims(request)["iss"] == "42"
        assert await request.json() == {"repositories": ["charts"]}
        made = {
            "token": "ghs_fresh",
            "expires_at": "2026-01-01T01:00:00Z",
            "repository_selection": "selected",
        }
        return web.json_response(made, status=201)

    app = web.Application()
    app.router.add_get("/api/v3/repos/example/charts/installation", installation)
    app.router.add_post("/api/v3/app/installations/7/access_tokens", tokens)
    return Place("github", await listen(app, stack), "example/charts")


async def test_an_installation_gives_a_token_for_the_repository_alone(github: Place):
    async with Web.open(github.api, github.name) as opened:
        assert await token_of(App("42", PEM), github, opened) == "ghs_fresh"


async def test_an_app_that_is_not_installed_is_told(github: Place):
    async with Web.open(github.api, github.name) as opened:
        with pytest.raises(Refused, match="the GitHub App 43 has no way to example/charts: install it there"):
            await token_of(App("43", PEM), github, opened)


def test_the_key_comes_as_text_as_a_file_or_on_one_line(tmp_path: Path):
    file = tmp_path / "app.pem"
    file.write_text(PEM, encoding="utf-8")
    for given in (PEM, str(file), PEM.strip().replace("\n", "\\n")):
        app = app_of({"TIPHYS_GITHUB_APP_ID": "42", "TIPHYS_GITHUB_APP_PRIVATE_KEY": given})
        assert app is not None
        assert jwt.decode(app.signed(1_700_000_000), KEY, algorithms=["RS256"]).claims["iss"] == "42"


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"TIPHYS_GITHUB_APP_ID": "42"}, "TIPHYS_GITHUB_APP_PRIVATE_KEY is missing"),
        ({"TIPHYS_GITHUB_APP_PRIVATE_KEY": PEM}, "TIPHYS_GITHUB_APP_ID is missing"),
        ({"TIPHYS_GITHUB_APP_ID": "42", "TIPHYS_GITHUB_APP_PRIVATE_KEY": "/none"}, "names no file"),
    ],
)
def test_half_an_app_is_refused(environment: dict[str, str], why: str):
    with pytest.raises(SpecError, match=why):
        app_of(environment)


def test_a_key_that_is_none_is_told_and_not_shown():
    with pytest.raises(SpecError, match="is no RSA private key") as error:
        App("42", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----").signed(0)
    assert "AAAA" not in str(error.value)
    assert PEM not in repr(App("42", PEM))
