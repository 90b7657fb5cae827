"""Opens what a release needs: the branch of a charts repository, and who we are there and in its history."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from tiphys.adapters.git import Branch
from tiphys.adapters.git.signing_in import known
from tiphys.core.release.message import Origin
from tiphys.model.commits import Person
from tiphys.model.errors import SpecError
from tiphys.wiring.proposing import of_app
from tiphys.wiring.pushing import settings_of

NOBODY = Person("Tiphys", "tiphys@localhost")
"""Who commits where nobody is named."""
_PERSON = re.compile(r"\s*([^<>]*?)\s*<([^<>\s]*)>\s*")


@asynccontextmanager
async def open_branch(repo: str, name: str, environment: Mapping[str, str]) -> AsyncIterator[Branch]:
    """A branch of the repository at a URL, with the credentials that URL, environment or the user's git have for it."""
    who = await of_app(repo, environment) or await known(repo, environment)
    async with Branch.open(repo, name, settings_of(environment), who) as branch:
        yield branch


def author_of(text: str, environment: Mapping[str, str]) -> Person:
    """Who ``Ada <ada@example.org>`` is, else who the environment of git, GitHub or GitLab says we are."""
    if text:
        if not (found := _PERSON.fullmatch(text)):
            raise SpecError(f"{text!r} is no author: write it like 'Ada <ada@example.org>'")
        return Person(found[1], found[2])
    for name, email in (("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"), ("GITLAB_USER_NAME", "GITLAB_USER_EMAIL")):
        if environment.get(name) and environment.get(email):
            return Person(environment[name], environment[email])
    if actor := environment.get("GITHUB_ACTOR"):
        return Person(actor, f"{actor}@users.noreply.github.com")
    return NOBODY


def origin_of(known: Origin, source_commit: str, author: Person, environment: Mapping[str, str]) -> Origin:
    """What the commit tells of its origin; the application's commit as CI names it before all that is known else."""
    who = "" if author == NOBODY else f"{author.name} <{author.email}>"
    return replace(
        known, source_commit=source_commit or _source_commit(environment) or known.source_commit, author=who
    )


def _source_commit(environment: Mapping[str, str]) -> str:
    """The URL of the commit that a job of GitHub, Gitea, Forgejo or GitLab runs for."""
    if sha := environment.get("GITHUB_SHA"):
        host, name = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
        return f"{host}/{name}/commit/{sha}" if host and name else sha
    if sha := environment.get("CI_COMMIT_SHA"):
        project = environment.get("CI_PROJECT_URL", "")
        return f"{project}/-/commit/{sha}" if project else sha
    return ""
