"""
``tiphys image set``: images are set in the files of a charts repository, or of the checkout that one is in.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tiphys.cli.options import Flag, command, with_output
from tiphys.cli.output import data, say, table, tell
from tiphys.core.release.images import Wish
from tiphys.core.release.references import reference
from tiphys.model.addresses import shown
from tiphys.model.errors import SpecError, Unavailable
from tiphys.reconcile.release import Change, Order, Outcome, candidates, edit, preview, release


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
@click.option(
    "--repo", metavar="URL", default="", help="The charts repository.  [default: edit the files here]"
)
@click.option("--branch", metavar="NAME", default="", help="Its branch.  [default: its own default]")
@click.option(
    "--file", default="", help="The file of each chart.  [default: values.yaml or kustomization.yaml]"
)
@click.option("--message", metavar="TEXT", default="", help="What the commit says, before its trailers.")
@click.option(
    "--author", metavar="'NAME <MAIL>'", default="", help="Who commits.  [default: as git or CI say]"
)
@click.option(
    "--source-commit", metavar="SHA", default="", help="The application's commit.  [default: as CI says]"
)
@click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.IntRange(min=1),
    default=120,
    show_default=True,
    help="Give up after so long of others coming first.",
)
@with_output("text", "json")
def set_(charts: Sequence[str], output: str, **flags: Flag) -> None:
    """Set the images of charts: a folder of the charts repository, its name below charts/, or a file."""
    order = _order(charts, flags)
    outcome = asyncio.run(_released(order, flags)) if flags["repo"] else _edited_here(order, flags)
    if output == "json":
        data(_facts(outcome, flags), output)
    else:
        _print(outcome, flags)


def _order(charts: Sequence[str], flags: dict[str, Flag]) -> Order:
    from tiphys.wiring.releasing import author_of, origin_of  # noqa: PLC0415 - the help needs none of it

    author = author_of(flags["author"], os.environ)
    origin = origin_of(flags["digest"], flags["source_commit"], author, os.environ)
    return Order(charts, wishes(flags), author, origin, flags["message"], flags["file"])


def wishes(flags: dict[str, Flag]) -> Sequence[Wish]:
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


async def _released(order: Order, flags: dict[str, Flag]) -> Outcome:
    from tiphys.wiring.releasing import open_branch  # noqa: PLC0415

    async with open_branch(flags["repo"], flags["branch"], os.environ) as branch:
        if flags["dry_run"]:
            return await preview(order, branch)
        return await release(order, branch, flags["timeout"])


def _edited_here(order: Order, flags: dict[str, Flag]) -> Outcome:
    """The files of the folder that one is in."""
    contents: dict[str, bytes] = {}
    for chart in order.charts:
        there = [path for path in candidates(chart, order.file) if Path(path).is_file()]
        if not there:
            raise SpecError(
                f"here is no chart {chart!r}: name the charts repository with --repo, or go to its checkout"
            )
        contents[there[0]] = Path(there[0]).read_bytes()
    edits = edit(contents, order.wishes)
    for path, content in edits.files.items() if not flags["dry_run"] else ():
        try:
            Path(path).write_bytes(content)
        except OSError as error:
            raise Unavailable(f"write {path}: {error.strerror}") from error
    return Outcome("", edits.changes)


def _facts(outcome: Outcome, flags: dict[str, Flag]) -> dict[str, Any]:
    """What scripts read."""
    return {
        "repo": shown(flags["repo"]),
        "commit": outcome.commit,
        "changed": bool(outcome.changes) and not flags["dry_run"],
        "attempts": outcome.attempts,
        "changes": [
            {"file": c.file, "path": str(c.place), "before": c.before, "after": c.after, "image": c.image}
            for c in outcome.changes
        ],
    }


def _print(outcome: Outcome, flags: dict[str, Flag]) -> None:
    if not outcome.changes:
        tell("Nothing to do: it is so already.")
        return
    say(table(("FILE", "PATH", "BEFORE", "AFTER"), [_row(change) for change in outcome.changes]))
    if flags["dry_run"]:
        tell("A dry run: nothing was changed.")
    elif flags["repo"]:
        tell(f"Pushed {outcome.commit[:12]} to {shown(flags['repo'])}.")


def _row(change: Change) -> tuple[str, str, str, str]:
    return change.file, str(change.place), change.before or "-", change.after
