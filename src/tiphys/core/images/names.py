"""
Names of images in full: ``nginx`` is ``docker.io/library/nginx``.

The grammar is that of the OCI distribution specification; the defaults are those of Docker.
"""

import re
from dataclasses import dataclass

from tiphys.model.errors import SpecError
from tiphys.model.images import HUB, Repository

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
HUBS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
"""All that Docker Hub is called."""
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Named:
    """An image as a text names it."""

    repository: Repository
    tag: str = ""
    digest: str = ""


def named(text: str) -> Named:
    """The image that a text names. Raises ``SpecError`` if it names none."""
    rest, at, digest = text.partition("@")
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        name, colon, tag = rest, "", ""
    if at and not _DIGEST.fullmatch(digest):
        raise SpecError(f"{text!r} names no image: {digest!r} is no digest")
    if colon and not _TAG.fullmatch(tag):
        raise SpecError(f"{text!r} names no image: {tag!r} is no tag")
    return Named(repository(name), tag, digest)


def repository(name: str) -> Repository:
    """The repository of a name without tag and digest. Raises ``SpecError`` if it is none."""
    host, slash, path = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, path = HUB, name
    if host in HUBS:
        host = HUB
        path = path if "/" in path else f"library/{path}"
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or len(path) > _LONGEST:
        raise SpecError(f"{name!r} names no image: write it like ghcr.io/example/homepage, in small letters")
    return Repository(host, path)


def same(text: str, wanted: Repository) -> bool:
    """Whether a text, as a values file has it, names an image of the repository."""
    try:
        return repository(text) == wanted
    except SpecError:
        return False
