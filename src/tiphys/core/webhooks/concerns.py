"""
Whom news concern: the same repository under another address, the revision that a ref is meant by, the files that a
render reads.

To be asked once too often costs a small request; to be passed over costs the time until the next poll. So what is
in doubt is concerned.
"""

import re
from collections.abc import Collection, Iterator
from urllib.parse import unquote

from tiphys.core.webhooks.news import Push

_SCP_LIKE = re.compile(r"(?:[^@/:]+@)?([^/:@]+|\[[^\]]+\]):(?!\d+/)(?!//)(.*)")
"""``git@host:path``, which has no scheme."""
_SHA = re.compile(r"[0-9a-fA-F]{40}")
_AZURE = re.compile(r"ssh\.dev\.azure\.com/v3/([^/]+)/([^/]+)/([^/]+)")


def place(url: str) -> str:
    """
    A repository's address without what differs between the ways to reach it: host and path.

    Scheme, user, port, ``.git``, slashes and the case of letters do not count: ``git@Example.org:a/b.git`` and
    ``https://example.org:8443/a/b`` are one place.
    """
    address = url.strip().partition("?")[0].partition("#")[0]
    _, divider, rest = address.partition("://")
    if not divider:
        rest = _SCP_LIKE.sub(r"\1/\2", address)
    host, _, path = rest.rpartition("@")[2].partition("/") if divider else rest.partition("/")
    host = re.sub(r":\d*$", "", host.rpartition("@")[2])
    path = "/".join(filter(None, unquote(path).split("/"))).casefold().removesuffix(".git")
    return _AZURE.sub(r"dev.azure.com/\1/\2/_git/\3", f"{host.casefold()}/{path}")


def follows(revision: str, ref: str, known: str) -> bool:
    """
    Whether who follows a revision has to hear of a ref that moved.

    ``known`` is the ref that the revision was last found by, empty if it never was: that is how ``HEAD`` tells
    whether its branch is meant.
    """
    if _SHA.fullmatch(revision):
        return False
    if revision in ("", "HEAD"):
        return known in ("", "HEAD", ref)
    return revision in (ref, ref.removeprefix("refs/"), _short(ref))


def same_repository(push: Push, url: str) -> bool:
    """Whether a push is to the repository at an address."""
    return place(url) in {place(each) for each in push.repositories}


def touches(files: Collection[str], reads: Collection[str]) -> bool:
    """Whether one of some files is, or lies below, what a render reads; the root of a repository is ``""``."""
    seen = {path.strip("/") for path in reads}
    return any(above in seen for file in files for above in _above(file.strip("/")))


def joined(earlier: Push | None, later: Push) -> Push:
    """Two pushes of one ref as one."""
    if earlier is None:
        return later
    known = earlier.files is not None and later.files is not None and earlier.after == later.before
    files = (earlier.files or frozenset()) | (later.files or frozenset())
    return Push(later.repositories, later.ref, earlier.before, later.after, files if known else None)


def _above(file: str) -> Iterator[str]:
    """A file and every folder that it is in."""
    yield file
    while file:
        file = file.rpartition("/")[0]
        yield file


def _short(ref: str) -> str:
    """The name of a branch or a tag."""
    return ref.split("/", 2)[2] if ref.startswith("refs/") and ref.count("/") > 1 else ref
