"""
GitHub Apps: a token for one repository, made of the app's number and its private key.

The app shows itself by a short-lived signed token (RS256), asks which installation of it has the repository, and
is given a token for an hour, which is good for Git over HTTPS as well as for the API.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tiphys.adapters.forge.forges import github_headers
from tiphys.adapters.forge.places import Place
from tiphys.adapters.forge.web import Web
from tiphys.model.errors import Refused, SpecError, Unavailable

_ID, _KEY = "TIPHYS_GITHUB_APP_ID", "TIPHYS_GITHUB_APP_PRIVATE_KEY"
_SLOW_CLOCK = 60
"""Seconds that the signed token is older than it is, and lives shorter than GitHub's ten minutes."""
_LIFE = 600 - 2 * _SLOW_CLOCK


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App: its number or client id, and its private key as PEM."""

    id: str
    key: str = field(repr=False)

    def signed(self, now: float) -> str:
        """What it shows itself with. Raises ``SpecError`` for a key that is none."""
        from joserfc import jwt  # noqa: PLC0415 - few who release are an app
        from joserfc.errors import JoseError  # noqa: PLC0415
        from joserfc.jwk import RSAKey  # noqa: PLC0415

        claims = {"iat": int(now) - _SLOW_CLOCK, "exp": int(now) + _LIFE, "iss": self.id}
        try:
            return jwt.encode({"alg": "RS256"}, claims, RSAKey.import_key(self.key))
        except (ValueError, TypeError, JoseError) as error:
            raise SpecError(
                f"{_KEY} is no RSA private key: give the .pem file that GitHub made, or its text"
            ) from error


def app_of(environment: Mapping[str, str]) -> App | None:
    """The app that the environment names. Raises ``SpecError`` for half of one."""
    number, key = environment.get(_ID, "").strip(), environment.get(_KEY, "").strip()
    if bool(number) != bool(key):
        raise SpecError(
            f"{_ID if key else _KEY} is missing: a GitHub App is known by its id and its private key"
        )
    if not number:
        return None
    return App(number, _pem(key))


async def token_of(app: App, place: Place, web: Web) -> str:
    """
    A token for the repository, and for no other one of the installation.

    Raises ``Refused`` where the app is not installed.
    """
    headers = github_headers(app.signed(time.time()))
    try:
        found = await web.call("GET", f"/repos/{quote(place.path)}/installation", headers)
    except Refused as error:
        raise Refused(
            f"the GitHub App {app.id} has no way to {place.path}: install it there, or check {_ID}; {error}"
        ) from error
    number = found.body.get("id") if isinstance(found.body, dict) else None
    wanted = {"repositories": [place.path.rpartition("/")[2]]}
    made = await web.call("POST", f"/app/installations/{number}/access_tokens", headers, wanted)
    token = made.body.get("token") if isinstance(made.body, dict) else None
    if made.status != 201 or not isinstance(token, str):
        raise Unavailable(f"GitHub gives the App {app.id} no token for {place.path}: {made.words}")
    return token


def _pem(text: str) -> str:
    """The key itself: of a file, or as it stands, also with line ends that a CI wrote as ``\\n``."""
    if text.startswith("-----BEGIN"):
        return re.sub(r"\\n", "\n", text)
    try:
        return Path(text).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        # Not the text itself: it may be a key after all.
        raise SpecError(
            f"{_KEY} names no file that can be read, and is no key that begins -----BEGIN"
        ) from error
