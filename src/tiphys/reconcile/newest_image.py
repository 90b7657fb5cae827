"""
The newest image that a policy allows: which tags there are, what is asked of each, and which one it is then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tiphys.core.images.policies import (
    Order,
    Policy,
    by_precision,
    counted,
    highest,
    last_by_name,
    newest_built,
)
from tiphys.model.errors import SpecError
from tiphys.model.images import Built, Login, Platform, Repository
from tiphys.reconcile.together import together

_MATCHING = """
.expression as $expression
| [.tags[] as $tag | $tag | [match($expression)][0] | values | [$tag, .captures[0].string // .string]]
"""
_MOST_TOLD = 5
_MOST_PLATFORM_TRIES = 10


class Registry(Protocol):
    """Registries of images."""

    async def tags(self, repository: Repository, login: Login | None = None) -> Sequence[str]:
        """Every tag of a repository."""

    async def digest(self, repository: Repository, tag: str, login: Login | None = None) -> str:
        """The digest that a tag points to."""

    async def built(
        self, repository: Repository, tag: str, platform: Platform, login: Login | None = None
    ) -> Built | None:
        """The image under a tag, for a platform; ``None`` if there is none for it."""

    def forget(self, repository: Repository, tag: str = "") -> None:
        """Somebody says that a tag, or any, points elsewhere now."""


class Chooser(Protocol):
    """What the engines know of versions and expressions: users' patterns never run in our own process."""

    async def best_version(self, constraint: str, versions: Sequence[str]) -> str | None:
        """The highest version that a constraint allows."""

    async def jq(self, program: str, value: object) -> list[Any]:
        """Everything that a jq program emits for one input."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A repository as somebody may see it, and what helps to choose from it."""

    repository: Repository
    registry: Registry
    chooser: Chooser
    login: Login | None = None

    async def tags(self, policy: Policy) -> Sequence[str]:
        """The tags that count."""
        return counted(policy, await self.registry.tags(self.repository, self.login))

    async def digest(self, tag: str) -> str:
        """The digest that a tag points to."""
        return await self.registry.digest(self.repository, tag, self.login)

    async def built(self, tag: str, platform: Platform) -> Built | None:
        """The image under a tag, for a platform; ``None`` if there is none for it."""
        return await self.registry.built(self.repository, tag, platform, self.login)


@dataclass(frozen=True, slots=True)
class Choice:
    """The image that a policy chose."""

    tag: str
    digest: str = ""
    """Where the policy follows one."""


async def newest(policy: Policy, shelf: Shelf) -> Choice:
    """The newest image that a policy allows. Raises ``SpecError`` that says what there is, if it allows none."""
    if policy.order is Order.DIGEST:
        return Choice(policy.tag, await shelf.digest(policy.tag))
    tags = await shelf.tags(policy)
    keys = await matching(policy.allow, tags, shelf.chooser)
    for _ in range(_MOST_PLATFORM_TRIES):
        tag = await _best(policy, keys, shelf)
        if tag is None:
            break
        if not policy.platform.architecture or await shelf.built(tag, policy.platform):
            return Choice(tag)
        del keys[tag]
    raise SpecError(f"{shelf.repository}: {policy} allows none of its {len(tags)} tags{_told(tags)}")


async def matching(expression: str, tags: Sequence[str], chooser: Chooser) -> dict[str, str]:
    """
    The tags that an expression (RE2) matches, with what its first group found, or else the whole of it.

    Raises ``SpecError`` for what is no expression.
    """
    if not expression:
        return {tag: tag for tag in tags}
    try:
        found = await chooser.jq(_MATCHING, {"tags": list(tags), "expression": expression})
    except SpecError as error:
        raise SpecError(f"{expression!r} is no regular expression (RE2), or finds too much") from error
    return {str(tag): str(key) for tag, key in found[0]}


async def _best(policy: Policy, keys: Mapping[str, str], shelf: Shelf) -> str | None:
    match policy.order:
        case Order.SEMVER:
            return await _highest_version(policy.constraint, list(keys), shelf.chooser)
        case Order.NEWEST:
            return newest_built(await _built(policy, list(keys), shelf))
        case Order.REGEXP:
            return highest(keys)
    return last_by_name(keys)


async def _highest_version(constraint: str, tags: Sequence[str], chooser: Chooser) -> str | None:
    """
    The highest version of a constraint.

    The engines take a version of the constraint's very text before anything else, as Helm does: right for a chart's
    ``1.2``, but an image's is a name that moves, with which any 1.2 is meant.
    """
    others = [tag for tag in by_precision(tags) if tag != constraint]
    return await chooser.best_version(constraint, others) or (constraint if constraint in tags else None)


async def _built(policy: Policy, tags: Sequence[str], shelf: Shelf) -> Mapping[str, Built]:
    """The images under these tags that are for the platform."""
    found = await together(shelf.built(tag, policy.platform) for tag in tags)
    return {tag: built for tag, built in zip(tags, found, strict=True) if built}


def _told(tags: Sequence[str]) -> str:
    shown = ", ".join(sorted(tags)[-_MOST_TOLD:])
    return f", such as {shown}" if shown else ""
