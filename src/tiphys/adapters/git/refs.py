"""
Refs: what a revision may mean, and which ref of those that a remote told it is.

As Argo CD has it: a full SHA is taken as it is, an exact ref name comes first, a branch before a tag, an
annotated tag stands for its commit, and a short SHA is tried last.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from tiphys.model.errors import SpecError
from tiphys.model.rendering import Tip

_FULL_SHA = re.compile(r"^[0-9a-fA-F]{40}$")
_SHORT_SHA = re.compile(r"^[0-9a-fA-F]{7,39}$")
_RANGE = re.compile(r"^\s*[\^~<>=!*]|\|\||\s-\s|^[vV]?\d+([.]\d+)*([.][*xX])+$")
_NO_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^[-/.]|[/.]$|\.lock(/|$)")

RANGES_ARE_NOT_BUILT = "version ranges over tags are not built yet: name a branch, a tag or a SHA"


@dataclass(frozen=True, slots=True)
class Ref:
    """A ref as a remote tells it."""

    name: str
    oid: str
    peeled: str = ""
    """The commit of an annotated tag."""
    target: str = ""
    """The ref that a symbolic ref (``HEAD``) points to."""

    @property
    def commit(self) -> str:
        """The commit that it stands for."""
        return self.peeled or self.oid


Refs = Mapping[str, Ref]


def checked(revision: str) -> str:
    """The revision, ``HEAD`` if empty, a SHA in small letters; ``SpecError`` if Git allows no such name."""
    revision = revision or "HEAD"
    if is_sha(revision):
        return revision.lower()
    if _NO_REF.search(revision) or len(revision) > 512:
        hint = RANGES_ARE_NOT_BUILT if is_range(revision) else "name a branch, a tag or a SHA"
        raise SpecError(
            f"targetRevision {revision[:512]!r} is not a name that Git allows for a branch or a tag; {hint}"
        )
    return revision


def is_range(revision: str) -> bool:
    """Whether it looks like a range of versions, which Argo CD looks up among the tags."""
    return bool(_RANGE.search(revision))


def is_sha(revision: str) -> bool:
    """Whether it is a full SHA."""
    return bool(_FULL_SHA.match(revision))


def is_short_sha(revision: str) -> bool:
    """Whether it may be a SHA that was cut short."""
    return bool(_SHORT_SHA.match(revision))


def candidates(revision: str) -> tuple[str, ...]:
    """The full ref names that a revision may mean, the first of them that exists being the one."""
    if revision == "HEAD" or revision.startswith("refs/"):
        return (revision,)
    return (f"refs/heads/{revision}", f"refs/tags/{revision}", f"refs/{revision}")


def chosen(revision: str, refs: Refs) -> Tip | None:
    """Where the revision points to among the refs; ``None`` if none of them is meant."""
    for name in candidates(revision):
        if ref := refs.get(name):
            return Tip(ref.commit, ref.target or ref.name)
    return None


def branches_like(revision: str, refs: Refs, most: int = 5) -> tuple[str, ...]:
    """Branches and tags to suggest instead of a revision that does not exist, the most alike first."""
    names = [n.split("/", 2)[2] for n in sorted(refs) if n.startswith(("refs/heads/", "refs/tags/"))][:10_000]
    alike = get_close_matches(revision, names, most, 0.5)
    return tuple(dict.fromkeys([*alike, *names]))[:most]


def from_ls_refs(lines: Iterable[str]) -> dict[str, Ref]:
    """Refs of the lines that ``ls-refs`` of protocol version 2 answers with."""
    refs = {}
    for line in lines:
        oid, name, *attributes = line.rstrip("\n").split(" ")
        if oid == "unborn":
            continue
        known = dict(a.split(":", 1) for a in attributes if ":" in a)
        refs[name] = Ref(name, oid, known.get("peeled", ""), known.get("symref-target", ""))
    return refs


def from_ls_remote(text: str) -> dict[str, Ref]:
    """Refs of what ``git ls-remote --symref`` prints."""
    oids: dict[str, str] = {}
    targets: dict[str, str] = {}
    for line in text.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            targets[name] = value[5:]
        else:
            oids[name] = value
    return {
        name: Ref(name, oid, oids.get(f"{name}^{{}}", ""), targets.get(name, ""))
        for name, oid in oids.items()
        if not name.endswith("^{}")
    }
