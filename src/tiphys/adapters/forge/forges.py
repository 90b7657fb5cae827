"""
Pull requests on GitHub, Gitea and Forgejo, merge requests on GitLab: looked for, opened, and brought up to date.

Each forge's class says how its API words the three calls (REST API of GitHub 2022-11-28, GitLab v4, Gitea v1).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from tiphys.adapters.forge.places import Place
from tiphys.adapters.forge.web import Answer, FaultError, UnknownError, Web
from tiphys.model.errors import SpecError, Unavailable
from tiphys.model.pullrequests import Opened, PullRequest

_MOST_PAGES = 100
PAUSES = (0.5, 2.0, 5.0)
"""Seconds between attempts."""


@dataclass(frozen=True, slots=True)
class Found:
    """A pull request as a forge tells of it."""

    number: int
    url: str
    title: str
    body: str

    def tells(self, wanted: PullRequest) -> bool:
        """Whether title and text are those; forges change line ends, and trim."""
        return (self.title, _plain(self.body)) == (wanted.title, _plain(wanted.body))


class Dialect(Protocol):
    """How a forge words it."""

    async def find(self, wanted: PullRequest) -> Found | None:
        """The open one from that branch to that branch."""

    async def create(self, wanted: PullRequest) -> Found | None:
        """A new one; ``None`` if there is one already. Raises ``SpecError`` for what the forge finds wrong."""

    async def update(self, number: int, wanted: PullRequest) -> None:
        """Have it say what it is to say."""


class Forge:
    """Fulfils ``Forge`` of the story of a proposal."""

    def __init__(self, dialect: Dialect, name: str) -> None:
        self._dialect = dialect
        self._name = name

    async def ensure(self, wanted: PullRequest) -> Opened:
        """
        The pull request that is open for these branches, opened now if there is none, saying what was asked for.

        A forge with an error of its own is asked again: it may not have noticed yet what was pushed a moment ago.
        """
        for pause in PAUSES:
            try:
                return await self._ensure(wanted)
            except FaultError:
                await asyncio.sleep(pause)
        return await self._ensure(wanted)

    async def _ensure(self, wanted: PullRequest) -> Opened:
        if found := await self._dialect.find(wanted):
            return await self._renewed(found, wanted)
        if made := await self._dialect.create(wanted):
            return Opened(made.url, made.number, new=True)
        # Somebody else opened it just now.
        if found := await self._dialect.find(wanted):
            return await self._renewed(found, wanted)
        raise Unavailable(
            f"{self._name} says that a pull request from {wanted.head} to {wanted.base} is open, and lists none"
        )

    async def _renewed(self, found: Found, wanted: PullRequest) -> Opened:
        if not found.tells(wanted):
            await self._dialect.update(found.number, wanted)
        return Opened(found.url, found.number, new=False)


def forge(place: Place, token: str, web: Web) -> Forge:
    """The forge that a repository is on, known by a token."""
    return Forge(_DIALECTS[place.kind](place, token, web), place.name)


class GitHub:
    """GitHub and GitHub Enterprise."""

    def __init__(self, place: Place, token: str, web: Web) -> None:
        self._pulls = f"/repos/{quote(place.path)}/pulls"
        self._owner = place.path.partition("/")[0]
        self._name = place.name
        self._web = web
        self._headers = github_headers(token)

    async def find(self, wanted: PullRequest) -> Found | None:
        """By the filter of the list: an owner and a branch name one head."""
        query = {"state": "open", "head": f"{self._owner}:{wanted.head}", "base": wanted.base}
        answer = await self._web.call("GET", f"{self._pulls}?{urlencode(query)}", self._headers)
        _expect(answer, self._name, 200)
        return _first(answer, "number", "html_url", "body")

    async def create(self, wanted: PullRequest) -> Found | None:
        """422 tells everything that is wrong, that there is one already too."""
        answer = await self._web.call("POST", self._pulls, self._headers, _as_github(wanted))
        if answer.status == 422 and "already exists" in answer.words:
            return None
        _expect(answer, self._name, 201)
        return _found(answer.body, "number", "html_url", "body")

    async def update(self, number: int, wanted: PullRequest) -> None:
        """Its title and text."""
        body = {"title": wanted.title, "body": wanted.body}
        _expect(
            await self._web.call("PATCH", f"{self._pulls}/{number}", self._headers, body), self._name, 200
        )


class Gitea:
    """Gitea and Forgejo."""

    def __init__(self, place: Place, token: str, web: Web) -> None:
        self._pulls = f"/repos/{quote(place.path)}/pulls"
        self._path = place.path
        self._name = place.name
        self._web = web
        self._headers = {"Authorization": f"token {token}", "Accept": "application/json"}

    async def find(self, wanted: PullRequest) -> Found | None:
        """By a look at all that are open: not every version can be asked for those of a branch."""
        async for each in self._open():
            if _is_from(each, wanted, self._path):
                return _found(each, "number", "html_url", "body")
        return None

    async def create(self, wanted: PullRequest) -> Found | None:
        """409 if there is one already; 404 if it has not taken notice of the branch yet, which was just pushed."""
        try:
            answer = await self._web.call("POST", self._pulls, self._headers, _as_github(wanted))
        except UnknownError as error:
            raise FaultError(
                f"{self._name} knows no branch {wanted.head}, or no {wanted.base}: {error}"
            ) from error
        if answer.status == 409 and "already exists" in answer.words:
            return None
        _expect(answer, self._name, 201)
        return _found(answer.body, "number", "html_url", "body")

    async def update(self, number: int, wanted: PullRequest) -> None:
        """Its title and text."""
        body = {"title": wanted.title, "body": wanted.body}
        # 201, as Gitea answers where others say 200.
        _expect(
            await self._web.call("PATCH", f"{self._pulls}/{number}", self._headers, body),
            self._name,
            200,
            201,
        )

    async def _open(self) -> AsyncIterator[Any]:
        for page in range(1, _MOST_PAGES + 1):
            query = urlencode({"state": "open", "sort": "recentupdate", "page": page, "limit": 50})
            answer = await self._web.call("GET", f"{self._pulls}?{query}", self._headers)
            _expect(answer, self._name, 200)
            items = answer.body if isinstance(answer.body, list) else []
            for each in items:
                yield each
            if not items or 'rel="next"' not in answer.headers.get("link", ""):
                return


class GitLab:
    """GitLab, whose pull requests are merge requests, numbered by ``iid``."""

    def __init__(self, place: Place, token: str, web: Web) -> None:
        self._requests = f"/projects/{quote(place.path, safe='')}/merge_requests"
        self._name = place.name
        self._web = web
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    async def find(self, wanted: PullRequest) -> Found | None:
        """By the filters of the list."""
        query = {"state": "opened", "source_branch": wanted.head, "target_branch": wanted.base}
        answer = await self._web.call("GET", f"{self._requests}?{urlencode(query)}", self._headers)
        _expect(answer, self._name, 200)
        return _first(answer, "iid", "web_url", "description")

    async def create(self, wanted: PullRequest) -> Found | None:
        """409 if there is one already. The branch is ours, so it goes when it was merged."""
        body = {
            "source_branch": wanted.head,
            "target_branch": wanted.base,
            "title": wanted.title,
            "description": wanted.body,
            "remove_source_branch": True,
        }
        answer = await self._web.call("POST", self._requests, self._headers, body)
        if answer.status == 409 and "already exists" in answer.words:
            return None
        _expect(answer, self._name, 201)
        return _found(answer.body, "iid", "web_url", "description")

    async def update(self, number: int, wanted: PullRequest) -> None:
        """Its title and description."""
        body = {"title": wanted.title, "description": wanted.body}
        _expect(
            await self._web.call("PUT", f"{self._requests}/{number}", self._headers, body), self._name, 200
        )


_DIALECTS: Mapping[str, Callable[[Place, str, Web], Dialect]] = {
    "github": GitHub,
    "gitlab": GitLab,
    "gitea": Gitea,
    "forgejo": Gitea,
}


def github_headers(token: str) -> Mapping[str, str]:
    """What GitHub wants to be told with every call."""
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def _as_github(wanted: PullRequest) -> Mapping[str, object]:
    return {"title": wanted.title, "body": wanted.body, "head": wanted.head, "base": wanted.base}


def _expect(answer: Answer, name: str, *statuses: int) -> None:
    if answer.status not in statuses:
        raise SpecError(f"{name} refuses the pull request: {answer.words}")


def _is_from(each: Any, wanted: PullRequest, path: str) -> bool:
    """Whether a pull request of the list is between these branches of the repository itself, and of no fork."""
    match each:
        case {
            "head": {"ref": wanted.head, "repo": {"full_name": str(repository)}},
            "base": {"ref": wanted.base},
        }:
            return repository.lower() == path.lower()
    return False


def _first(answer: Answer, *fields: str) -> Found | None:
    items = answer.body if isinstance(answer.body, list) else []
    return _found(items[0], *fields) if items else None


def _found(body: Any, number: str, url: str, text: str) -> Found:
    """A pull request of an answer. Raises ``Unavailable`` if it is none."""
    match body:
        case dict() if isinstance(body.get(number), int) and isinstance(body.get(url), str):
            return Found(body[number], body[url], str(body.get("title") or ""), str(body.get(text) or ""))
    raise Unavailable(f"the forge answers with something else than a pull request: no {number}, no {url}")


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
