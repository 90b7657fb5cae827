"""Opens what a proposal needs: a branch of its own, the forge that takes requests, and who we are to both."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tiphys.adapters.forge import App, Forge, Place, Web, app_of, forge, place_of, token_of
from tiphys.adapters.git import Credentials, Topic
from tiphys.adapters.git.signing_in import USUAL_USER, apart, expect_secrecy, given, known
from tiphys.model.addresses import shown
from tiphys.model.errors import SpecError
from tiphys.wiring.pushing import settings_of


@asynccontextmanager
async def open_proposal(
    repo: str, base: str, head: str, named: str, environment: Mapping[str, str]
) -> AsyncIterator[tuple[Topic, Forge]]:
    """
    The branch ``head`` beside ``base`` of a repository, and its forge: ``named`` by the user, or found by its URL.

    One token serves both, and is asked for once.
    """
    url, _ = apart(repo)
    place = place_of(url, named, environment)
    settings = settings_of(environment)
    if not settings.plain_tokens:
        expect_secrecy(place.api)
    who = await of_app(repo, environment, named) or await known(repo, environment)
    token = who if isinstance(who, Credentials) else await _of_api(place, environment)
    if not token:
        raise SpecError(
            f"a pull request for {shown(repo)} needs a token: set TIPHYS_GIT_TOKEN to one that may push there and "
            "open pull requests"
        )
    async with (
        Topic.beside(repo, base, head, settings, who) as topic,
        Web.open(place.api, place.name) as web,
    ):
        yield topic, forge(place, token.secret, web)


async def of_app(repo: str, environment: Mapping[str, str], named: str = "") -> Credentials | None:
    """
    Those of the GitHub App that the environment names, unless the URL or ``TIPHYS_GIT_TOKEN`` say who we are.

    Raises ``Refused`` where the app is not installed for the repository.
    """
    url, inside = apart(repo)
    if inside or given(environment) or not url.startswith(("http://", "https://")):
        return None
    app = app_of(environment)
    return await _token(app, _place(url, named, environment), environment) if app else None


async def _of_api(place: Place, environment: Mapping[str, str]) -> Credentials | None:
    """Those for the API alone, of a repository that is pushed to over SSH."""
    url = f"{place.root}/{place.path}"
    found = given(environment) or await of_app(url, environment, place.kind) or await known(url, environment)
    return found if isinstance(found, Credentials) else None


def _place(url: str, named: str, environment: Mapping[str, str]) -> Place:
    """Where the repository is; a host that tells nothing is a GitHub, as somebody has an app there."""
    try:
        return place_of(url, named, environment)
    except SpecError:
        return place_of(url, "github", environment)


async def _token(app: App, place: Place, environment: Mapping[str, str]) -> Credentials | None:
    if place.kind != "github":
        return None
    if not settings_of(environment).plain_tokens:
        expect_secrecy(place.api)
    async with Web.open(place.api, place.name) as web:
        return Credentials(USUAL_USER, await token_of(app, place, web))
