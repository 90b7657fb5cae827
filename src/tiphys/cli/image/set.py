"""
``tiphys image set``: images are set in the files of a charts repository, or of the checkout that one is in.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from tiphys.cli.image.batch import parts
from tiphys.cli.image.outcome import (
    DRY_RUN,
    Flags,
    batch_of,
    facts,
    order_of,
    released,
    show,
    with_repository,
)
from tiphys.cli.image.wishes import TIME, wishes
from tiphys.cli.options import Flag, command, with_output
from tiphys.cli.output import data
from tiphys.cli.tracing.waiting import expect_pushes, wait_until_live, with_wait
from tiphys.core.release.message import Origin
from tiphys.model.errors import SpecError, Unavailable
from tiphys.reconcile.release import Order, Outcome, Part, candidates, edit_each

_OF_ONE = ("tag", "digest", "images", "paths", "built", "pushed")


@command(
    "set",
    epilog="""
\b
Examples:
  tiphys image set charts/homepage --tag 1f3a2b4 --repo https://git.example.com/charts.git
  tiphys image set web worker --tag v2 --image ghcr.io/example/app --repo …
  tiphys image set charts/homepage --tag v2 --path deployment.image.tag
  tiphys image set overlays/prod --file kustomization.yaml --image web:v2 --image api:v5 --repo …
  echo '[{chart: web, tag: v2}, {chart: api, tag: v5}]' | tiphys image set --batch - --repo …
\b
Without --image and --path it is deployment.image, image, or the only image of the file.
Credentials: of the URL, TIPHYS_GIT_TOKEN and TIPHYS_GIT_USERNAME, TIPHYS_GIT_SSH_KEY over SSH, or your git's and ssh's.
""",
)
@click.argument("charts", metavar="CHART...", nargs=-1)
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
@click.option(
    "--batch",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="A list in YAML or JSON of what to set, as one commit; - reads stdin.",
)
@click.option(
    "--repo", metavar="URL", default="", help="The charts repository.  [default: edit the files here]"
)
@with_repository
@DRY_RUN
@with_wait
@with_output("text", "json")
def set_(charts: Sequence[str], output: str, **flags: Flag) -> None:
    """Set the images of charts: a folder of the charts repository, its name below charts/, or a file."""
    expect_pushes(flags)
    order = _order(charts, flags)
    outcome = asyncio.run(released(order, flags)) if flags["repo"] else _edited_here(order, flags)
    if output == "json":
        data(facts(outcome, flags), output)
    else:
        show(outcome, flags)
    wait_until_live(order, outcome, flags, output)


def _order(charts: Sequence[str], flags: Flags) -> Order:
    given = [name for name in _OF_ONE if flags[name]]
    if not flags["batch"]:
        if not charts:
            raise click.UsageError("Missing argument 'CHART...', or --batch.")
        known = Origin(flags["digest"], built=flags["built"], pushed=flags["pushed"])
        return order_of(charts, wishes(flags), flags, known)
    if charts or given:
        word = f"--{given[0].removesuffix('s')}" if given else charts[0]
        raise click.UsageError(f"{word} and --batch: say it in the batch, for each entry.")
    with click.open_file(flags["batch"], encoding="utf-8", errors="replace") as batch:
        return batch_of(parts(batch.read(), flags["batch"], flags), flags)


def _edited_here(order: Order, flags: Flags) -> Outcome:
    """The files of the folder that one is in."""
    asked: dict[str, dict[int, Part]] = {}
    for number, part in enumerate(order.parts):
        for chart in part.charts:
            there = [path for path in candidates(chart, part.file) if Path(path).is_file()]
            if not there:
                raise SpecError(
                    f"here is no chart {chart!r}: name the charts repository with --repo, or go to its checkout"
                )
            asked.setdefault(there[0], {})[number] = part
    edits = edit_each({path: Path(path).read_bytes() for path in asked}, asked)
    for path, content in edits.files.items() if not flags["dry_run"] else ():
        try:
            Path(path).write_bytes(content)
        except OSError as error:
            raise Unavailable(f"write {path}: {error.strerror}") from error
    return Outcome("", edits.changes)
