"""What senders send, as each documents it, cut down to what could be read of it; and who signs how."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from tiphys.core.webhooks import Delivery, Heard, ImagePushed, Push, Secrets

OLD, NEW, NONE = "a" * 40, "b" * 40, "0" * 40
SECRETS = Secrets(
    {
        "webhook.azuredevops.username": "hook",
        "webhook.azuredevops.password": "p:w",
        **{
            f"webhook.{name}": f"the word of {name}"
            for name in (
                *(
                    "github.secret",
                    "gitlab.secret",
                    "gogs.secret",
                    "bitbucket.uuid",
                    "bitbucketserver.secret",
                ),
                *("dockerhub.secret", "harbor.secret", "registry.secret"),
            )
        },
    }
)
COMMITS = [
    {"id": OLD, "added": ["charts/new/Chart.yaml"], "modified": [], "removed": []},
    {"id": NEW, "added": [], "modified": ["charts/homepage/values.yaml"], "removed": ["README"]},
]
FILES = frozenset({"charts/new/Chart.yaml", "charts/homepage/values.yaml", "README"})


@dataclass(frozen=True)
class Sample:
    """A request, and what it tells."""

    payload: Any
    headers: Callable[[bytes], dict[str, str]]
    means: Heard
    query: dict[str, str]

    def delivery(self, payload: Any = None) -> Delivery:
        """The request, with another payload if one is given."""
        body = orjson.dumps(self.payload if payload is None else payload)
        return Delivery(self.headers(body), body, self.query)


def _hmac(key: str, prefix: str = "") -> Callable[[bytes], str]:
    secret = SECRETS.of(key).encode()
    return lambda body: prefix + hmac.new(secret, body, hashlib.sha256).hexdigest()


def _sample(
    payload: Any,
    means: Heard,
    *,
    query: dict[str, str] | None = None,
    **headers: str | Callable[[bytes], str],
) -> Sample:
    def worn(body: bytes) -> dict[str, str]:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return {name: value if isinstance(value, str) else value(body) for name, value in told.items()}

    return Sample(payload, worn, means, query or {})


def _github_like(host: str) -> dict[str, Any]:
    return {
        "ref": "refs/heads/main",
        "before": OLD,
        "after": NEW,
        "forced": False,
        "total_commits": 2,
        "commits": COMMITS,
        "repository": {
            "clone_url": f"https://{host}/example/charts.git",
            "ssh_url": f"git@{host}:example/charts.git",
            "html_url": f"https://{host}/example/charts",
            "default_branch": "main",
        },
    }


def _moved(*urls: str, files: frozenset[str] | None = None) -> Push:
    return Push(urls, "refs/heads/main", OLD, NEW, files)


def _ways(host: str) -> tuple[str, str, str]:
    return (
        f"https://{host}/example/charts.git",
        f"git@{host}:example/charts.git",
        f"https://{host}/example/charts",
    )


SAMPLES: dict[str, Sample] = {
    "GitHub": _sample(
        _github_like("github.com"),
        _moved(*_ways("github.com"), files=FILES),
        x_github_event="push",
        x_hub_signature_256=_hmac("github.secret", "sha256="),
    ),
    "GHCR": _sample(
        {
            "action": "published",
            "package": {
                "name": "homepage",
                "namespace": "Example",
                "package_type": "CONTAINER",
                "owner": {"login": "Example"},
                "package_version": {"container_metadata": {"tag": {"name": "1.2.3", "digest": "sha256:1"}}},
            },
        },
        ImagePushed("ghcr.io/example/homepage", "1.2.3"),
        x_github_event="package",
        x_hub_signature_256=_hmac("github.secret", "sha256="),
    ),
    "GitLab": _sample(
        {
            "object_kind": "push",
            "ref": "refs/heads/main",
            "before": OLD,
            "after": NEW,
            "total_commits_count": 2,
            "commits": COMMITS,
            "project": {
                "git_http_url": "https://gitlab.example/example/charts.git",
                "git_ssh_url": "git@gitlab.example:example/charts.git",
                "web_url": "https://gitlab.example/example/charts",
                "default_branch": "main",
            },
        },
        _moved(*_ways("gitlab.example"), files=FILES),
        x_gitlab_event="Push Hook",
        x_gitlab_token=SECRETS.of("gitlab.secret"),
    ),
    "Gitea": _sample(
        _github_like("gitea.example"),
        _moved(*_ways("gitea.example"), files=FILES),
        x_gitea_event="push",
        x_gogs_event="push",
        x_github_event="push",
        x_gitea_signature=_hmac("gogs.secret"),
    ),
    "Forgejo's registry": _sample(
        {
            "action": "created",
            "package": {
                "owner": {"login": "Example"},
                "name": "homepage",
                "type": "container",
                "version": "1.2.3",
                "html_url": "https://forgejo.example/Example/-/packages/container/homepage/1.2.3",
            },
        },
        ImagePushed("forgejo.example/example/homepage", "1.2.3"),
        x_forgejo_event="package",
        x_forgejo_signature=_hmac("gogs.secret"),
    ),
    "Bitbucket": _sample(
        {
            "repository": {
                "full_name": "example/charts",
                "links": {"html": {"href": "https://bitbucket.org/example/charts"}},
            },
            "push": {
                "changes": [
                    {
                        "old": {"type": "branch", "name": "main", "target": {"hash": OLD}},
                        "new": {"type": "branch", "name": "main", "target": {"hash": NEW}},
                        "forced": False,
                    }
                ]
            },
        },
        _moved("https://bitbucket.org/example/charts"),
        x_event_key="repo:push",
        x_hook_uuid=SECRETS.of("bitbucket.uuid"),
    ),
    "Bitbucket Server": _sample(
        {
            "eventKey": "repo:refs_changed",
            "repository": {
                "slug": "charts",
                "links": {
                    "clone": [
                        {"name": "ssh", "href": "ssh://git@bb.example:7999/example/charts.git"},
                        {"name": "http", "href": "https://bb.example/scm/example/charts.git"},
                    ]
                },
            },
            "changes": [
                {
                    "ref": {"id": "refs/heads/main", "type": "BRANCH"},
                    "fromHash": OLD,
                    "toHash": NEW,
                    "type": "UPDATE",
                }
            ],
        },
        _moved("ssh://git@bb.example:7999/example/charts.git", "https://bb.example/scm/example/charts.git"),
        x_event_key="repo:refs_changed",
        x_hub_signature=_hmac("bitbucketserver.secret", "sha256="),
    ),
    "Azure DevOps": _sample(
        {
            "eventType": "git.push",
            "resource": {
                "refUpdates": [{"name": "refs/heads/main", "oldObjectId": OLD, "newObjectId": NEW}],
                "repository": {
                    "defaultBranch": "refs/heads/main",
                    "remoteUrl": "https://dev.azure.com/example/platform/_git/charts",
                },
            },
        },
        _moved("https://dev.azure.com/example/platform/_git/charts"),
        x_vss_activityid="1",
        authorization="Basic " + base64.b64encode(b"hook:p:w").decode(),
    ),
    "Docker Hub": _sample(
        {"push_data": {"tag": "1.2.3", "pusher": "ada"}, "repository": {"repo_name": "example/homepage"}},
        ImagePushed("docker.io/example/homepage", "1.2.3"),
        query={"type": "dockerhub", "secret": SECRETS.of("dockerhub.secret")},
    ),
    "Harbor": _sample(
        {
            "type": "PUSH_ARTIFACT",
            "event_data": {
                "resources": [{"tag": "1.2.3", "resource_url": "harbor.example/apps/homepage:1.2.3"}],
                "repository": {"namespace": "apps", "name": "homepage", "repo_full_name": "apps/homepage"},
            },
        },
        ImagePushed("harbor.example/apps/homepage", "1.2.3"),
        authorization=SECRETS.of("harbor.secret"),
    ),
    "distribution": _sample(
        {
            "events": [
                {"action": "pull", "target": {"repository": "apps/other", "tag": "1"}},
                {
                    "action": "push",
                    "target": {"repository": "apps/homepage", "tag": "1.2.3"},
                    "request": {"host": "registry.example:5000"},
                },
            ]
        },
        ImagePushed("registry.example:5000/apps/homepage", "1.2.3"),
        content_type="application/vnd.docker.distribution.events.v2+json",
        authorization=SECRETS.of("registry.secret"),
    ),
}
