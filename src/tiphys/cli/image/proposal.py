"""
``--pull-request``: a change goes to a branch of its own and is asked for, instead of being pushed to its branch.
"""

import os
from collections.abc import Mapping
from typing import Any

import click

from tiphys.cli.options import Flag
from tiphys.core.release.proposals import head_of
from tiphys.model.addresses import shown
from tiphys.reconcile.propose import Proposal, propose
from tiphys.reconcile.release import Order, Outcome, preview

OPTIONS = (
    click.option(
        "--pull-request",
        is_flag=True,
        help="Push to a branch of its own, and open a pull request or bring it up to date.",
    ),
    click.option(
        "--forge",
        metavar="KIND[=URL]",
        default="",
        envvar="TIPHYS_FORGE",
        help="github, gitlab, gitea or forgejo, where the host does not tell.",
    ),
)


async def proposed(order: Order, flags: Mapping[str, Flag]) -> Outcome:
    """The order asked for by a pull request, or previewed."""
    from tiphys.wiring.proposing import open_proposal  # noqa: PLC0415 - the help needs none of it
    from tiphys.wiring.pushing import signer_of  # noqa: PLC0415

    head = head_in(order, flags["branch"])
    opened = open_proposal(flags["repo"], flags["branch"], head, flags["forge"], os.environ)
    async with opened as (topic, forge):
        topic.signer = await signer_of(os.environ, wanted=flags["sign"])
        if flags["dry_run"]:
            return await preview(order, topic)
        return await propose(order, topic, forge, flags["timeout"])


def head_in(order: Order, base: str) -> str:
    """The branch that a proposal of the order goes to."""
    charts = [
        chart if not part.file else f"{chart}/{part.file}" for part in order.parts for chart in part.charts
    ]
    return head_of(list(dict.fromkeys(charts)), [wish for part in order.parts for wish in part.wishes], base)


def proposal_facts(outcome: Outcome) -> dict[str, Any]:
    """What scripts read of it; nothing where none was asked for."""
    match outcome:
        case Proposal(head=head, request=request):
            url, number = (request.url, request.number) if request else ("", 0)
            return {"pullRequest": url, "pullRequestNumber": number, "head": head}
    return {}


def ended(outcome: Outcome, repo: str) -> str:
    """What people read of where the change is now."""
    match outcome:
        case Proposal(head=head, request=request) if request:
            what = "Opened" if request.new else "Up to date:"
            return f"Pushed {outcome.commit[:12]} to {head} of {shown(repo)}.\n{what} {request.url}"
    return f"Pushed {outcome.commit[:12]} to {shown(repo)}."
