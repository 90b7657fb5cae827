"""
Who we are to a Git host. Over HTTP: a user and a token, given to git by a helper and never by its arguments.

The helper answers for the repository's own host alone, so that a redirect leads no token elsewhere. Over SSH: see
``ssh``.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

from tiphys.adapters.git import ssh
from tiphys.model.addresses import host_of, on_loopback, shown
from tiphys.model.errors import SpecError

USUAL_USER = "x-access-token"
"""GitHub's name for who comes with a token; GitLab, Gitea and Bitbucket take any."""
_USER, _SECRET = "TIPHYS_GIT_USERNAME", "TIPHYS_GIT_TOKEN"
PLAIN = "TIPHYS_GIT_ALLOW_PLAIN_HTTP"
_HELPER = (
    f"""!f() {{ test "$1" = get && printf 'username=%s\\npassword=%s\\n' "${_USER}" "${_SECRET}"; }}; f"""
)
_ASKING_SECONDS = 10.0


class Identity(Protocol):
    """By what a Git host knows us."""

    def options(self, url: str) -> Sequence[str]:
        """What git is told to come by it, before its command."""

    def environment(self, folder: Path) -> Mapping[str, str]:
        """What git sees of it; a folder that is ours alone, and gone when git is, holds what has to be a file."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password or token."""

    user: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raises ``SpecError`` for what cannot be told to git: it reads a line for each."""
        if not (self.user + self.secret).isprintable():
            raise SpecError(
                "the user or the token for the Git host has control characters (a line end, perhaps)"
            )

    def options(self, url: str) -> Sequence[str]:
        """What git is told to come by them."""
        parts = urlsplit(url)
        return ("-c", f"credential.{parts.scheme}://{parts.netloc}.helper={_HELPER}")

    def environment(self, folder: Path) -> Mapping[str, str]:  # noqa: ARG002 - it needs no file
        """Where the helper finds them: readable by this user's processes alone."""
        return {_USER: self.user, _SECRET: self.secret}


def apart(url: str) -> tuple[str, Credentials | None]:
    """A URL without the user and password that it may carry, and these."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "ssh" and parts.password:
            raise SpecError(f"{shown(url)}: SSH takes a key and no password; leave it out of the URL")
        if parts.scheme not in ("http", "https") or not parts.username:
            return url, None
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError as error:
        raise SpecError(f"{shown(url)!r} is not a URL: {error}") from error
    user, secret = unquote(parts.username), unquote(parts.password or "")
    # https://TOKEN@host is how some CI systems write it.
    return bare, Credentials(user, secret) if secret else Credentials(USUAL_USER, user)


def given(environment: Mapping[str, str]) -> Credentials | None:
    """Those that the environment names."""
    secret = environment.get(_SECRET, "").strip()
    return Credentials(environment.get(_USER, "").strip() or USUAL_USER, secret) if secret else None


def expect_secrecy(url: str) -> None:
    """Raises ``SpecError`` where a token would be read by everybody on the way."""
    if url.lower().startswith("http://") and not on_loopback(host_of(url)):
        raise SpecError(
            f"a token for {shown(url)} would travel unencrypted: use https://, or, where you trust all who may listen, "
            f"set {PLAIN}=true"
        )


async def known(repo: str, environment: Mapping[str, str]) -> Identity | None:
    """That for a repository: of its URL, else of the environment, else what the user's own git or ssh keeps."""
    if ssh.over_ssh(repo.strip()):
        return ssh.given(environment)
    url, inside = apart(repo)
    if inside or not url.startswith(("http://", "https://")):
        return inside
    return given(environment) or await asked(url, environment)


async def asked(url: str, environment: Mapping[str, str]) -> Credentials | None:
    """Those that the user's own git keeps for the URL, by its credential helpers; never asks on a terminal."""
    parts = urlsplit(url)
    question = f"protocol={parts.scheme}\nhost={parts.netloc}\npath={parts.path.lstrip('/')}\n\n"
    process = await asyncio.create_subprocess_exec(
        "git",
        *("credential", "fill"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**environment, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "GCM_INTERACTIVE": "never"},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_ASKING_SECONDS):
            answer, _ = await process.communicate(question.encode())
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    told = dict(line.split("=", 1) for line in answer.decode("utf-8", "replace").splitlines() if "=" in line)
    return (
        Credentials(told.get("username", "") or USUAL_USER, told["password"])
        if told.get("password")
        else None
    )
