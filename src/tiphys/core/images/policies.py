"""
Policies: which tags of a repository count, and which of those is the newest.

What needs a registry or an engine (when an image was built, what an expression finds, which versions a range has) is
asked for by others and handed in.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tiphys.core.languages.globs import matches
from tiphys.model.images import ANY, Built, Platform

_SIGNATURE = re.compile(r"sha(256|512)-[0-9a-f]{16,128}(\.[a-z]+)?")
"""Where cosign and the referrers' fallback keep what belongs to an image."""
_NUMBERS = re.compile(r"(\d+)")


class Order(StrEnum):
    """By what the newest of several tags is known."""

    SEMVER = "semver"
    NEWEST = "newest"
    """By when the images were built."""
    DIGEST = "digest"
    """One tag, which moves."""
    REGEXP = "regexp"
    """By what a group of an expression found, numbers in it as numbers."""
    ALPHABETICAL = "alphabetical"


@dataclass(frozen=True, slots=True)
class Policy:
    """Which tags count, and which is the newest of them."""

    order: Order = Order.SEMVER
    constraint: str = ""
    """Of versions, as Masterminds' semver reads it; empty for any."""
    tag: str = ""
    """The one that moves, for digests."""
    allow: str = ""
    """A regular expression that a tag has to match somewhere; empty for all."""
    ignore: tuple[str, ...] = ()
    """Globs of tags that do not count."""
    platform: Platform = ANY

    def __str__(self) -> str:
        detail = {Order.SEMVER: self.constraint, Order.REGEXP: self.allow, Order.DIGEST: self.tag}
        extras = [f"allow:{self.allow}"] if self.allow and self.order is not Order.REGEXP else []
        extras += [f"ignore:{','.join(self.ignore)}"] if self.ignore else []
        told = f":{detail[self.order]}" if detail.get(self.order) else ""
        return " ".join([f"{self.order}{told}", *extras])


def counted(policy: Policy, tags: Iterable[str]) -> Sequence[str]:
    """The tags that are not ignored; what belongs to other images (signatures) never counts."""
    return [
        tag
        for tag in tags
        if not _SIGNATURE.fullmatch(tag) and not any(matches(glob, tag) for glob in policy.ignore)
    ]


def by_precision(tags: Iterable[str]) -> Sequence[str]:
    """The most exact first: where ``1.28`` and ``1.28.0`` are one version, the tag is meant that does not move."""
    return sorted(tags, key=lambda tag: (-len(re.split(r"[.+-]", tag)), tag))


def newest_built(built: Mapping[str, Built]) -> str | None:
    """The tag whose image was built last; of several, the last by name."""
    dated = [(b.created, tag) for tag, b in built.items() if b.created]
    return max(dated)[1] if dated else None


def highest(found: Mapping[str, str]) -> str | None:
    """The tag whose key, the text that an expression found in it, is the highest: ``9`` is below ``10``."""
    return max(found, key=lambda tag: (_natural(found[tag]), _natural(tag), tag), default=None)


def last_by_name(tags: Iterable[str]) -> str | None:
    """The last in the order of characters: right for dates and for numbers of one length."""
    return max(tags, default=None)


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers compare as numbers, texts as texts, and a number comes before a text."""
    parts = (part for part in _NUMBERS.split(text) if part)
    return tuple((0, int(p), "") if p.isdecimal() and p.isascii() else (1, 0, p) for p in parts)
