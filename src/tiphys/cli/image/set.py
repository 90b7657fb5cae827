"""
``tiphys image set``: images are set in the files of a charts repository, or of the checkout that one is in.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from tiphys.cli.image.outcome import Flags, facts, order_of, released, show, with_repository
from tiphys.cli.options import Flag, command, with_output
from tiphys.cli.output import data
from tiphys.core.release.images import Wish
from tiphys.core.release.message import Origin
from tiphys.core.release.references import reference
from tiphys.model.errors import SpecError, Unavailable
from tiphys.reconcile.release import Order, Outcome, Part, candidates, edit_each

TIME = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"])
"""RFC 3339."""


@command(
    "set",
    epilog="""
\b
Examples:
  tiphys image set charts/homepage --tag 1f3a2b4 --repo https://git.example.com/charts.git
  tiphys image set web worker --tag v2 --image ghcr.io/example/app --repo …
  tiphys image set charts/homepage --tag v2 --path deployment.image.tag
  tiphys image set overlays/prod --file kustomization.yaml --image web:v2 --image api:v5 --repo …
\b
Without --image and --path it is deployment.image, image, or the only image of the file.
Credentials: of the URL, TIPHYS_GIT_TOKEN and TIPHYS_GIT_USERNAME, or what your git keeps.
""",
)
@click.argument("charts", metavar="CHART...", nargs=-1, required=True)
@click.option("--tag", default="", help="The tag to set.")
@click.option("--digest", default="", help="The digest to pin to, like sha256:….")
@click.option(
    "--image",
    "images",
    metavar="NAME",
    multiple=True,
    help="Which image, by its repository or its last parts; may be repeated, and carry its own :tag or @digest.",
)
@click.option(
    "--path",
    "paths",
    multiple=True,
    help="Where the image is named, like deployment.image.tag; may be repeated.",
)
@click.option("--built", metavar="TIME", type=TIME, help="When the image was built, for the commit to tell.")
@click.option("--pushed", metavar="TIME", type=TIME, help="When it was pushed, as image build -o json says.")
@with_repository
@with_output("text", "json")
def set_(charts: Sequence[str], output: str, **flags: Flag) -> None:
    """Set the images of charts: a folder of the charts repository, its name below charts/, or a file."""
    known = Origin(flags["digest"], built=flags["built"], pushed=flags["pushed"])
    order = order_of(charts, wishes(flags), flags, known)
    outcome = asyncio.run(released(order, flags)) if flags["repo"] else _edited_here(order, flags)
    if output == "json":
        data(facts(outcome, flags), output)
    else:
        show(outcome, flags)


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


def _edited_here(order: Order, flags: Flags) -> Outcome:
    """The files of the folder that one is in."""
    parts: dict[str, dict[int, Part]] = {}
    for number, part in enumerate(order.parts):
        for chart in part.charts:
            there = [path for path in candidates(chart, part.file) if Path(path).is_file()]
            if not there:
                raise SpecError(
                    f"here is no chart {chart!r}: name the charts repository with --repo, or go to its checkout"
                )
            parts.setdefault(there[0], {})[number] = part
    edits = edit_each({path: Path(path).read_bytes() for path in parts}, parts)
    for path, content in edits.files.items() if not flags["dry_run"] else ():
        try:
            Path(path).write_bytes(content)
        except OSError as error:
            raise Unavailable(f"write {path}: {error.strerror}") from error
    return Outcome("", edits.changes)
