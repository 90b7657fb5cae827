"""
Forges on loopback that answer as GitHub, GitLab and Gitea document it: paths, codes, fields, error bodies, pages.

Each keeps the pull requests that it is given; what it was asked is in ``calls``.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson
from aiohttp import web

from adapters.git.origin import listen

Hook = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
TOKEN = "t0ken"


@dataclass
class Host:
    """A forge with one repository."""

    kind: str
    path: str = "example/charts"
    token: str = TOKEN
    url: str = ""
    pulls: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    before: list[Hook] = field(default_factory=list)
    """What comes before the answers to the next requests, one each; it may be the answer itself."""
    page: int = 50

    @property
    def repo(self) -> str:
        """The repository's URL."""
        return f"{self.url}/{self.path}.git"

    @property
    def owner(self) -> str:
        """Whose repository it is."""
        return self.path.partition("/")[0]

    async def start(self, stack: AsyncExitStack) -> "Host":
        """Listen on a port of loopback."""
        self.url = await listen(self.added(web.Application()), stack)
        return self

    def added(self, app: web.Application) -> web.Application:
        """The application, with the forge in it."""
        app.router.add_route("*", "/{anything:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.raw_path.partition('?')[0]}")
        if self.before and (answer := await self.before.pop(0)(request)):
            return answer
        if request.headers.get("Authorization") not in (f"Bearer {self.token}", f"token {self.token}"):
            return _json({"message": "Bad credentials"}, 401)
        return await {"github": self._github, "gitlab": self._gitlab, "gitea": self._gitea}[self.kind](
            request
        )

    async def _github(self, request: web.Request) -> web.Response:
        if request.headers["X-GitHub-Api-Version"] != "2022-11-28" or not request.headers.get("User-Agent"):
            return _json({"message": "Request forbidden by administrative rules."}, 403)
        match request.method, request.path.removeprefix(f"/api/v3/repos/{self.path}").split("/")[1:]:
            case "GET", ["pulls"]:
                owner, _, head = request.query["head"].partition(":")
                base = request.query["base"]
                found = [p for p in self._open(head, base) if owner == self.owner]
                return _json([self._as_github(pull) for pull in found])
            case "POST", ["pulls"]:
                body = await request.json()
                if self._open(body["head"], body["base"]):
                    told = f"A pull request already exists for {self.owner}:{body['head']}."
                    errors = [{"resource": "PullRequest", "code": "custom", "message": told}]
                    return _json({"message": "Validation Failed", "errors": errors}, 422)
                if body["head"] == body["base"]:
                    told = f"No commits between {body['base']} and {body['head']}"
                    errors = [{"resource": "PullRequest", "code": "custom", "message": told}]
                    return _json({"message": "Validation Failed", "errors": errors}, 422)
                return _json(self._as_github(self._made(body["head"], body["base"], body)), 201)
            case "PATCH", ["pulls", number]:
                return _json(self._as_github(self._changed(int(number), await request.json())))
        return _json({"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}, 404)

    async def _gitlab(self, request: web.Request) -> web.Response:
        project, _, rest = request.raw_path.partition("?")[0].removeprefix("/api/v4/projects/").partition("/")
        if unquote(project) != self.path or "/" in project:
            return _json({"message": "404 Project Not Found"}, 404)
        match request.method, rest.split("/"):
            case "GET", ["merge_requests"] if request.query["state"] == "opened":
                found = self._open(request.query["source_branch"], request.query["target_branch"])
                return _json([self._as_gitlab(pull) for pull in found])
            case "POST", ["merge_requests"]:
                body = await request.json()
                if found := self._open(body["source_branch"], body["target_branch"]):
                    told = f"Another open merge request already exists for this source branch: !{found[0]['number']}"
                    return _json({"message": [told]}, 409)
                text = {"title": body["title"], "body": body["description"]}
                return _json(
                    self._as_gitlab(self._made(body["source_branch"], body["target_branch"], text)), 201
                )
            case "PUT", ["merge_requests", number]:
                body = await request.json()
                text = {"title": body["title"], "body": body["description"]}
                return _json(self._as_gitlab(self._changed(int(number), text)))
        return _json({"error": "404 Not Found"}, 404)

    async def _gitea(self, request: web.Request) -> web.Response:
        match request.method, request.path.removeprefix(f"/api/v1/repos/{self.path}").split("/")[1:]:
            case "GET", ["pulls"]:
                page, most = int(request.query["page"]), min(int(request.query["limit"]), self.page)
                found = [p for p in self.pulls if p["state"] == "open"]
                here = found[(page - 1) * most : page * most]
                more = (
                    {"Link": f'<{self.url}/?page={page + 1}>; rel="next"'} if len(found) > page * most else {}
                )
                return _json([self._as_gitea(pull) for pull in here], headers=more)
            case "POST", ["pulls"]:
                body = await request.json()
                if found := self._open(body["head"], body["base"]):
                    told = f"pull request already exists for these targets [id: {found[0]['number']}]"
                    return _json({"message": told, "url": f"{self.url}/api/swagger"}, 409)
                return _json(self._as_gitea(self._made(body["head"], body["base"], body)), 201)
            case "PATCH", ["pulls", number]:
                return _json(self._as_gitea(self._changed(int(number), await request.json())), 201)
        return _json({"errors": None, "message": "not found", "url": f"{self.url}/api/swagger"}, 404)

    def has(self, head: str, base: str = "main", repository: str = "") -> None:
        """Somebody has opened a pull request."""
        self._made(head, base, {"title": head, "body": ""})["repository"] = repository or self.path

    def _open(self, head: str, base: str) -> list[dict[str, Any]]:
        return [p for p in self.pulls if (p["head"], p["base"], p["state"]) == (head, base, "open")]

    def _made(self, head: str, base: str, text: dict[str, Any]) -> dict[str, Any]:
        number = len(self.pulls) + 1
        self.pulls.append(
            {
                "number": number,
                "state": "open",
                "head": head,
                "base": base,
                "repository": self.path,
                "title": text["title"],
                "body": text["body"],
            }
        )
        return self.pulls[-1]

    def _changed(self, number: int, text: dict[str, Any]) -> dict[str, Any]:
        self.pulls[number - 1] |= text
        return self.pulls[number - 1]

    def _as_github(self, pull: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": 1000 + pull["number"],
            "number": pull["number"],
            "state": pull["state"],
            "title": pull["title"],
            "body": pull["body"].replace("\n", "\r\n") or None,
            "html_url": f"{self.url}/{self.path}/pull/{pull['number']}",
            "head": {"ref": pull["head"], "label": f"{self.owner}:{pull['head']}"},
            "base": {"ref": pull["base"]},
        }

    def _as_gitea(self, pull: dict[str, Any]) -> dict[str, Any]:
        return {
            **self._as_github(pull),
            "html_url": f"{self.url}/{self.path}/pulls/{pull['number']}",
            "body": pull["body"],
            "head": {"ref": pull["head"], "repo": {"full_name": pull["repository"]}},
            "base": {"ref": pull["base"], "repo": {"full_name": self.path}},
        }

    def _as_gitlab(self, pull: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": 1000 + pull["number"],
            "iid": pull["number"],
            "state": "opened",
            "title": pull["title"],
            "description": pull["body"],
            "source_branch": pull["head"],
            "target_branch": pull["base"],
            "web_url": f"{self.url}/{self.path}/-/merge_requests/{pull['number']}",
        }


def _json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(body), status=status, headers=headers, content_type="application/json"
    )
