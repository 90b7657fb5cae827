"""What the words of a command or of a batch's entry wish for: an image each, by name, by place, or the file's own."""

from collections.abc import Sequence
from dataclasses import replace

import click

from tiphys.cli.image.outcome import Flags
from tiphys.core.release.images import Wish
from tiphys.core.release.references import reference

TIME = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"])
"""RFC 3339."""


def wishes(flags: Flags) -> Sequence[Wish]:
    """What the flags ask for: one wish for each image and each path, or else one for the file's own image."""
    found = []
    for text in flags["images"]:
        named = reference(text)
        own = bool(named.tag or named.digest)
        tag, digest = (named.tag, named.digest) if own else (flags["tag"], flags["digest"])
        found.append(Wish(tag, digest, pin=bool(digest), name=named.repository))
    if flags["paths"] or not found:
        usual = Wish(flags["tag"], flags["digest"], pin=bool(flags["digest"]))
        found += [replace(usual, path=path) for path in flags["paths"] or [""]]
    return found
