"""
What ``tiphys image set`` and ``tiphys release`` share: the flags about a charts repository, and how it ended.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import click

from tiphys.cli.image.proposal import OPTIONS, ended, proposal_facts, proposed
from tiphys.cli.options import Command, Flag
from tiphys.cli.output import say, table, tell
from tiphys.core.release.images import Wish
from tiphys.core.release.message import Origin
from tiphys.model.addresses import shown
from tiphys.reconcile.release import Change, Order, Outcome, Part, preview, release

Flags = Mapping[str, Flag]


def with_repository(command: Command) -> Command:
    """Give a command the flags about the charts repository and the commit, but for its URL."""
    for option in reversed((*_OPTIONS, *COMMITTING, *OPTIONS)):
        command = option(command)
    return command


_OPTIONS = (
    click.option("--branch", metavar="NAME", default="", help="Its branch.  [default: its own default]"),
    click.option(
        "--file", default="", help="The file of each chart.  [default: values.yaml or kustomization.yaml]"
    ),
    click.option("--message", metavar="TEXT", default="", help="What the commit says, before its trailers."),
    click.option(
        "--author", metavar="'NAME <MAIL>'", default="", help="Who commits.  [default: as git or CI say]"
    ),
    click.option(
        "--source-commit", metavar="SHA", default="", help="The application's commit.  [default: as CI says]"
    ),
)
"""What is said of the charts repository, and of the change."""
COMMITTING = (
    click.option(
        "--sign", is_flag=True, help="Sign the commit, by the key of TIPHYS_GIT_SIGNING_KEY or your git's."
    ),
    click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.IntRange(min=1),
        default=120,
        show_default=True,
        help="Give up after so long of others coming first.",
    ),
)
"""How a commit is made and pushed."""
DRY_RUN = click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")


def order_of(charts: Sequence[str], wishes: Sequence[Wish], flags: Flags, known: Origin) -> Order:
    """The order that the flags make of these wishes, given what is known of their origin."""
    return batch_of(
        [Part(charts, wishes, origin_for(known, flags, flags["source_commit"]), flags["file"])], flags
    )


def batch_of(parts: Sequence[Part], flags: Flags) -> Order:
    """The order that the flags make of several parts."""
    from tiphys.wiring.releasing import author_of  # noqa: PLC0415 - the help needs none of it

    if flags["pull_request"] and not flags["repo"]:
        raise click.UsageError("--pull-request needs --repo: the URL of the charts repository.")
    return Order(parts, author_of(flags["author"], os.environ), flags["message"])


def origin_for(known: Origin, flags: Flags, source_commit: str) -> Origin:
    """What is known of an origin, and what CI tells of it besides."""
    from tiphys.wiring.releasing import author_of, origin_of  # noqa: PLC0415

    return origin_of(known, source_commit, author_of(flags["author"], os.environ), os.environ)


async def released(order: Order, flags: Flags) -> Outcome:
    """The order brought into the charts repository, or previewed."""
    from tiphys.wiring.pushing import signer_of  # noqa: PLC0415
    from tiphys.wiring.releasing import open_branch  # noqa: PLC0415

    if flags["pull_request"]:
        return await proposed(order, flags)
    async with open_branch(flags["repo"], flags["branch"], os.environ) as branch:
        branch.signer = await signer_of(os.environ, wanted=flags["sign"])
        if flags["dry_run"]:
            return await preview(order, branch)
        return await release(order, branch, flags["timeout"])


def facts(outcome: Outcome, flags: Flags) -> dict[str, Any]:
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
        **proposal_facts(outcome),
    }


def show(outcome: Outcome, flags: Flags) -> None:
    """What people read."""
    if not outcome.changes:
        tell("Nothing to do: it is so already.")
        return
    say(table(("FILE", "PATH", "BEFORE", "AFTER"), [_row(change) for change in outcome.changes]))
    if flags["dry_run"]:
        tell("A dry run: nothing was changed.")
    elif flags["repo"]:
        tell(ended(outcome, flags["repo"]))


def _row(change: Change) -> tuple[str, str, str, str]:
    return change.file, str(change.place), change.before or "-", change.after
