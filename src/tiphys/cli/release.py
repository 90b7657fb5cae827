"""``tiphys release``: what CI does for each commit of an application: build, push, and set the image in its charts."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import click

from tiphys.cli.environment import assignments, from_environment
from tiphys.cli.image.build import built, image_facts, with_build
from tiphys.cli.image.outcome import facts, order_of, released, show, with_repository
from tiphys.cli.options import Flag, command, with_output
from tiphys.cli.output import data, say, tell
from tiphys.cli.tracing.waiting import expect_pushes, wait_until_live, with_wait
from tiphys.core.images.names import repository, same
from tiphys.core.release.images import Wish
from tiphys.core.release.message import Origin
from tiphys.core.release.references import Reference, reference
from tiphys.model.errors import Unavailable
from tiphys.reconcile.release import Outcome


@command(
    cls=from_environment("TIPHYS_RELEASE"),
    epilog="""
\b
Examples:
  tiphys release charts/homepage --image ghcr.io/example/homepage --repo https://git.example.com/charts.git
  tiphys release web worker --image ghcr.io/example/app --platform linux/arm64 --repo …
\b
From the environment, what may be repeated one a line: TIPHYS_RELEASE_CHARTS, TIPHYS_RELEASE_BUILD_ARG for --build-arg.
\b
The halves alone are "tiphys image build" and "tiphys image set", where the credentials are told too.
""",
)
@click.argument("charts", metavar="CHART...", nargs=-1, required=True)
@click.option(
    "--context",
    default=".",
    show_default=True,
    type=click.Path(exists=True, file_okay=False),
    help="The folder with the Dockerfile.",
)
@with_build
@click.option("--path", "paths", multiple=True, help="Where the image is named, like deployment.image.tag.")
@click.option("--pin", is_flag=True, help="Write the digest too, where none is yet.")
@click.option("--repo", metavar="URL", default="", help="The charts repository.  [required]")
@with_repository
@click.option("--dry-run", is_flag=True, hidden=True)
@with_wait
@with_output("text", "json", "env")
def release(charts: Sequence[str], context: str, output: str, **flags: Flag) -> None:
    """Build the image of a commit, push it, and set it in charts of the charts repository."""
    if not flags["repo"]:
        raise click.UsageError("Missing option '--repo': the URL of the charts repository.")
    if flags["dry_run"]:
        raise click.UsageError(
            "A release cannot be tried, but its second half can: tiphys image set --dry-run."
        )
    expect_pushes(flags)
    _expect_a_place(charts, flags)
    made = asyncio.run(built(context, flags))
    tell(f"Pushed {made.image}.")
    origin = Origin(made.image.digest, made.commit, "", made.made.built, made.made.pushed)
    order = order_of(charts, _wishes(made.image, flags), flags, origin)
    outcome = asyncio.run(released(order, flags))
    told = {**facts(outcome, flags), **image_facts(made), "image": str(made.image)}
    if output == "json":
        data(told, output)
    elif output == "env":
        say(assignments(told))
    else:
        show(outcome, flags)
    wait_until_live(order, outcome, flags, output)


def _expect_a_place(charts: Sequence[str], flags: Mapping[str, Flag]) -> None:
    """Raises ``TiphysError`` where the image could not be set: before it is built, which takes longer than to ask."""
    some = replace(reference(flags["image"]), tag="some", digest="sha256:" + "0" * 64)
    order = order_of(charts, _wishes(some, flags), flags, Origin())
    try:
        found = asyncio.run(released(order, {**flags, "dry_run": True}))
    except Unavailable as error:
        tell(f"{error}; it is tried again once the image is there.")
        return
    _note_others(some, found)


def _note_others(image: Reference, found: Outcome) -> None:
    """Tell of files that name another image, whose tag is set all the same: it may be a mirror of this one."""
    wanted = repository(image.repository)
    for file, name in dict.fromkeys((c.file, reference(c.image).repository) for c in found.changes):
        if name and not same(name, wanted):
            tell(
                f"Note: {file} names {name} and not {image.repository}: the cluster will pull it from there."
            )


def _wishes(image: Reference, flags: Mapping[str, Flag]) -> Sequence[Wish]:
    wish = Wish(image.tag, image.digest, pin=flags["pin"], repository=image.repository)
    return [replace(wish, path=path) for path in flags["paths"] or [""]]
