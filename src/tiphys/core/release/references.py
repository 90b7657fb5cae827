"""Names of images as container engines write them: ``ghcr.io/example/homepage:1.0.0@sha256:…``."""

import re
from dataclasses import dataclass

from tiphys.model.errors import SpecError

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image by its repository, and which one of it."""

    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return self.repository + f":{self.tag}" * bool(self.tag) + f"@{self.digest}" * bool(self.digest)

    def named(self, name: str) -> bool:
        """Whether a name means this repository: the whole of it, or its last parts (``example/homepage``)."""
        return bool(name) and (self.repository == name or self.repository.endswith(f"/{name}"))


def reference(text: str) -> Reference:
    """The reference that a text is. A port is no tag: ``localhost:5000/web`` has none."""
    rest, _, digest = text.partition("@")
    repository, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        return Reference(rest, "", digest)
    return Reference(repository, tag, digest)


def expect_tag(tag: str) -> None:
    """Raises ``SpecError`` unless registries take it as a tag."""
    if not _TAG.fullmatch(tag):
        raise SpecError(f"{tag!r} is no tag: at most 128 letters, digits, _, . and -, the first no . or -")


def expect_digest(digest: str) -> None:
    """Raises ``SpecError`` unless it is the digest of an image."""
    if not _DIGEST.fullmatch(digest):
        raise SpecError(f"{digest!r} is no digest: write it like sha256: and 64 hexadecimal digits")
