"""Opens what builds images, and says by which tag an image is known that nobody gave one."""

from collections.abc import Mapping
from pathlib import Path

import pygit2

from tiphys.adapters.git.here import head
from tiphys.adapters.images import Program, builder
from tiphys.model.errors import SpecError

_DIGITS = 12
"""Of a commit: no two commits of a repository begin with so many alike."""


async def open_builder(name: str, environment: Mapping[str, str]) -> Program:
    """The program of that name, or the first of those that are there and can build."""
    return await builder(name, environment)


def tag_of(context: str, environment: Mapping[str, str]) -> str:
    """The beginning of the commit that CI runs for, or that is checked out. Raises ``SpecError`` without either."""
    sha = environment.get("GITHUB_SHA") or environment.get("CI_COMMIT_SHA") or _checked_out(context)
    if not sha:
        raise SpecError(f"{context} is in no Git checkout with a commit: name the image's tag with --tag")
    return sha[:_DIGITS]


def _checked_out(context: str) -> str:
    try:
        return head(Path(context))
    except pygit2.GitError as error:
        raise SpecError(
            f"the checkout around {context} cannot be read: {error}; name a tag with --tag"
        ) from error
