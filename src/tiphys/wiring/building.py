"""Opens what builds images, and says what a checkout tells of one: the tag that nobody named, and its labels."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pygit2

from tiphys.adapters.git.here import changed, cloned_from, head
from tiphys.adapters.images import Program, builder
from tiphys.core.release.labels import facts, labels
from tiphys.model.addresses import shown
from tiphys.model.errors import SpecError

_DIGITS = 12
"""Of a commit: no two commits of a repository begin with so many alike."""
_DIRTY = "-dirty"
_MOST_TOLD = 5
_DOCKERFILES = ("Containerfile", "Dockerfile")


async def open_builder(name: str, environment: Mapping[str, str]) -> Program:
    """The program of that name, or the first of those that are there and can build."""
    return await builder(name, environment)


def tag_of(context: str, dockerfile: str, environment: Mapping[str, str], *, dirty: bool) -> str:
    """
    The beginning of the commit that CI runs for, or that is checked out; ``-dirty`` behind it where that may be said.

    Raises ``SpecError`` without a commit, and where files are not as the commit has them and the tag would lie. Where
    CI names the commit, what lies there besides was made by its earlier steps and is meant.
    """
    sha = commit_of(context, environment)
    if not sha:
        raise SpecError(f"{context} is in no Git checkout with a commit: name the image's tag with --tag")
    others = () if _named_by_ci(environment) else _changed(context, dockerfile, environment)
    if others and not dirty:
        told = ", ".join(others[:_MOST_TOLD]) + f" and {len(others) - _MOST_TOLD} more" * (
            len(others) > _MOST_TOLD
        )
        raise SpecError(
            f"{told}: not as commit {sha[:_DIGITS]} has it, so an image of that tag would not be what it says; commit "
            f"it, let Git ignore it, name a tag with --tag, or take --allow-dirty for {sha[:_DIGITS]}{_DIRTY}"
        )
    return sha[:_DIGITS] + _DIRTY * bool(others)


def labels_of(
    context: str, dockerfile: str, given: Sequence[str], environment: Mapping[str, str]
) -> Sequence[str]:
    """The labels of an image that is built now: those that were given, and what CI or the checkout tell."""
    known = facts(commit_of(context, environment), _repository_of(context, environment), _now(environment))
    return labels(given, _words(dockerfile, context), known)


def commit_of(context: str, environment: Mapping[str, str]) -> str:
    """The commit that CI runs for, or that is checked out; empty without either."""
    return _named_by_ci(environment) or _asked(head, context)


def _named_by_ci(environment: Mapping[str, str]) -> str:
    return environment.get("GITHUB_SHA") or environment.get("CI_COMMIT_SHA") or ""


def _repository_of(context: str, environment: Mapping[str, str]) -> str:
    """The URL of the application's repository as GitHub, Gitea, Forgejo or GitLab tell it, or the checkout's origin."""
    host, name = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    if host and name:
        return f"{host}/{name}"
    url = environment.get("CI_PROJECT_URL") or _asked(cloned_from, context)
    # A folder of this machine is nobody's business elsewhere.
    return shown(url) if "://" in url and not url.startswith("file:") else ""


def _asked(question: Callable[[Path], str], context: str) -> str:
    try:
        return question(Path(context))
    except pygit2.GitError as error:
        raise SpecError(
            f"the checkout around {context} cannot be read: {error}; name a tag with --tag"
        ) from error


def _changed(context: str, dockerfile: str, environment: Mapping[str, str]) -> Sequence[str]:
    paths = [Path(context), *([Path(dockerfile)] if dockerfile and Path(dockerfile).is_file() else [])]
    return list(dict.fromkeys([name for path in paths for name in changed(path, environment)]))


def _words(dockerfile: str, context: str) -> str:
    """What the Dockerfile says; nothing if it cannot be read, which the builder will tell."""
    for path in [Path(dockerfile)] if dockerfile else [Path(context, name) for name in _DOCKERFILES]:
        if path.is_file():
            return path.read_text("utf-8", "replace")
    return ""


def _now(environment: Mapping[str, str]) -> datetime:
    """Or when builds that shall be repeatable say that it is (https://reproducible-builds.org/specs/source-date-epoch/)."""
    epoch = environment.get("SOURCE_DATE_EPOCH", "")
    return (
        datetime.fromtimestamp(int(epoch), UTC) if epoch.isascii() and epoch.isdigit() else datetime.now(UTC)
    )
