"""What forges tell of a push. Field by field as each documents it; what is missing is left out, and nothing raises."""

from collections.abc import Iterable, Sequence

from tiphys.core.webhooks.news import Answer, Delivery, Ignored, Malformed, Push
from tiphys.core.webhooks.payload import Payload, at, commit, items, number, text, texts
from tiphys.core.webhooks.registries import image

_FILES = ("added", "modified", "removed")
_MANY = 1000
"""Lists this long may have been cut off."""
_REFS = {"branch": "refs/heads/", "tag": "refs/tags/"}
CONTAINER = "container"


def github(delivery: Delivery, payload: Payload) -> Answer:
    """GitHub: ``push``, and ``package`` or ``registry_package`` for its container registry."""
    match event := delivery.headers.get("x-github-event", ""):
        case "push":
            # After a forced push, files differ that no commit of the push touched.
            complete = at(payload, "forced") is not True
            return _told([_github_push(payload, complete=complete)])
        case "package" | "registry_package":
            return _github_package(payload, event)
    return Ignored(f"the event {event}")


def gitea(delivery: Delivery, payload: Payload) -> Answer:
    """Gitea, Forgejo and Gogs: ``push``, and ``package`` for the container registry of the first two."""
    names = ("x-forgejo-event", "x-gitea-event", "x-gogs-event")
    match event := next((delivery.headers[name] for name in names if name in delivery.headers), ""):
        case "push":
            complete = number(payload, "total_commits") <= len(items(payload, "commits"))
            return _told([_github_push(payload, complete=complete)])
        case "package":
            return _gitea_package(payload)
    return Ignored(f"the event {event}")


def gitlab(_: Delivery, payload: Payload) -> Answer:
    """GitLab: pushes of branches and tags, of a project or of the whole instance."""
    event = text(payload, "object_kind") or text(payload, "event_name")
    if event not in ("push", "tag_push"):
        return Ignored(f"the event {event}")
    complete = number(payload, "total_commits_count") <= len(items(payload, "commits"))
    urls = texts(payload, *(("project", name) for name in ("git_http_url", "git_ssh_url", "web_url")))
    files = _files(items(payload, "commits")) if complete else None
    return _told([_moved(urls, payload, files)])


def bitbucket(delivery: Delivery, payload: Payload) -> Answer:
    """Bitbucket Cloud: ``repo:push``, which names no files."""
    if (event := delivery.headers.get("x-event-key", "repo:push")) != "repo:push":
        return Ignored(f"the event {event}")
    urls = texts(payload, ("repository", "links", "html", "href"))
    return _told([_bitbucket_change(urls, change) for change in items(payload, "push", "changes")])


def bitbucket_server(delivery: Delivery, payload: Payload) -> Answer:
    """Bitbucket Server and Data Center: ``repo:refs_changed``, which names no files."""
    if (event := delivery.headers.get("x-event-key", "")) != "repo:refs_changed":
        return Ignored(f"the event {event}")
    links = items(payload, "repository", "links", "clone")
    urls = tuple(filter(None, (text(link, "href") for link in links)))
    return _told(
        Push(urls, text(change, "ref", "id"), commit(change, "fromHash"), commit(change, "toHash"))
        for change in items(payload, "changes")
    )


def azure(_: Delivery, payload: Payload) -> Answer:
    """Azure DevOps: ``git.push``, which names no files."""
    if (event := text(payload, "eventType")) != "git.push":
        return Ignored(f"the event {event}")
    urls = texts(payload, ("resource", "repository", "remoteUrl"))
    return _told(
        Push(urls, text(update, "name"), commit(update, "oldObjectId"), commit(update, "newObjectId"))
        for update in items(payload, "resource", "refUpdates")
    )


def _github_push(payload: Payload, *, complete: bool) -> Push:
    urls = texts(payload, *(("repository", name) for name in ("clone_url", "ssh_url", "html_url")))
    return _moved(urls, payload, _files(items(payload, "commits")) if complete else None)


def _moved(urls: tuple[str, ...], payload: Payload, files: frozenset[str] | None) -> Push:
    before, after = commit(payload, "before"), commit(payload, "after")
    return Push(urls, text(payload, "ref"), before, after, files if before and after else None)


def _files(commits: Sequence[Payload]) -> frozenset[str] | None:
    """Every file that the commits touched; ``None`` unless all of it is told for certain."""
    lists = [at(each, kind) for each in commits for kind in _FILES]
    if not lists or not all(isinstance(named, list) and len(named) < _MANY for named in lists):
        return None
    names = [name for named in lists for name in named]
    return frozenset(names) if all(isinstance(name, str) for name in names) else None


def _bitbucket_change(urls: tuple[str, ...], change: Payload) -> Push:
    """A change of a branch or tag, of which ``new`` or ``old`` is null where it comes or goes."""
    kind = text(change, "new", "type") or text(change, "old", "type")
    name = text(change, "new", "name") or text(change, "old", "name")
    before, after = commit(change, "old", "target", "hash"), commit(change, "new", "target", "hash")
    return Push(urls, _REFS.get(kind, "refs/heads/") + name if name else "", before, after)


def _github_package(payload: Payload, event: str) -> Answer:
    package = at(payload, event) or at(payload, "package")
    if text(payload, "action") == "deleted" or text(package, "package_type").lower() != CONTAINER:
        return Ignored("a package that is no new container image")
    owner = text(package, "owner", "login") or text(package, "namespace")
    tag = text(package, "package_version", "container_metadata", "tag", "name")
    return image("ghcr.io", f"{owner}/{text(package, 'name')}".lower() if owner else "", tag)


def _gitea_package(payload: Payload) -> Answer:
    if text(payload, "action") != "created" or text(payload, "package", "type") != CONTAINER:
        return Ignored("a package that is no new container image")
    host = text(payload, "package", "html_url").partition("://")[2].partition("/")[0]
    owner = text(payload, "package", "owner", "login") or text(payload, "package", "owner", "username")
    name, tag = text(payload, "package", "name"), text(payload, "package", "version")
    return image(host, f"{owner}/{name}".lower() if owner and name else "", tag)


def _told(pushes: Iterable[Push]) -> Answer:
    found = tuple(pushes)
    if not all(push.repositories and push.ref for push in found):
        return Malformed("the payload names no repository or no ref")
    return found or Ignored("a push that moved nothing")
