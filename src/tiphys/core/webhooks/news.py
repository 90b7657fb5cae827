"""A request as it came in, and what it may turn out to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Delivery:
    """A request to the webhook's address."""

    headers: Mapping[str, str]
    """By names in small letters."""
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Secrets:
    """What senders prove themselves with, by the keys that Argo CD has in the Secret ``argocd-secret``."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of(self, key: str) -> str:
        """The secret under ``webhook.<key>``, empty where there is none."""
        return self.values.get(f"webhook.{key}", "").rstrip("\r\n")

    @property
    def any(self) -> bool:
        """Whether there is a secret for any sender."""
        return any(name.startswith("webhook.") and value.strip() for name, value in self.values.items())


@dataclass(frozen=True, slots=True)
class Push:
    """A ref of a repository moved, as far as the sender tells."""

    repositories: tuple[str, ...]
    """The repository's addresses: one repository, by HTTP and SSH."""
    ref: str
    """In full: ``refs/heads/main``."""
    before: str = ""
    """A commit; empty where the ref is new."""
    after: str = ""
    """A commit; empty where the ref is gone."""
    files: frozenset[str] | None = None
    """Every file that differs between the two; ``None`` where that is not told."""


@dataclass(frozen=True, slots=True)
class ImagePushed:
    """A tag of a repository of a registry was pushed: an image, a chart, any artifact."""

    repository: str
    """In full: ``ghcr.io/example/homepage``."""
    tag: str


Heard = Push | ImagePushed


@dataclass(frozen=True, slots=True)
class Ignored:
    """A request that is as it should be and asks for nothing."""

    why: str


@dataclass(frozen=True, slots=True)
class Forged:
    """A request whose sender did not prove that it is the one it says."""

    why: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A request that cannot be understood."""

    why: str


Answer = tuple[Heard, ...] | Ignored | Forged | Malformed
