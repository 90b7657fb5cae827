"""``tiphys image tags``: which of a repository's tags a policy chooses, so that it can be tried."""

import asyncio
import os
from collections.abc import Sequence

import click

from tiphys.cli.options import command, with_output
from tiphys.cli.output import data, say, tell
from tiphys.core.images.annotations import Watched, line_of
from tiphys.core.images.policies import Order
from tiphys.reconcile.newest_image import Choice, matching, newest


@command(
    epilog="""
\b
Examples:
  tiphys image tags ghcr.io/example/homepage semver:1.x
  tiphys image tags ghcr.io/example/api 'regexp:^main-(\\d+)$' platform:linux/arm64
  tiphys image tags nginx:stable digest
\b
The words are those of the annotation tiphys.dev/images; it prints the tag that they choose.
Credentials: of the file that TIPHYS_REGISTRY_CONFIG names, or what docker login wrote.
"""
)
@click.argument("image")
@click.argument("words", metavar="[POLICY...]", nargs=-1)
@with_output("text", "json")
def tags(image: str, words: Sequence[str], output: str) -> None:
    """Tell which of a repository's tags a policy chooses, as a watched image would have it."""
    watched = line_of([image, *words])
    counted, choice = asyncio.run(_chosen(watched))
    told = f"{choice.tag}@{choice.digest}" if choice.digest else choice.tag
    if output == "json":
        facts = {"image": str(watched.repository), "policy": str(watched.policy), "counted": counted}
        data({**facts, "tag": choice.tag, "digest": choice.digest}, output)
        return
    say(told)
    if watched.policy.order is not Order.DIGEST:
        tell(f"{watched.policy}: of {len(counted)} tags that count: {_some(counted)}")


async def _chosen(watched: Watched) -> tuple[Sequence[str], Choice]:
    """The tags that count, and the one that is chosen."""
    from tiphys.wiring.images import open_shelf  # noqa: PLC0415 - the help needs none of it

    policy = watched.policy
    async with open_shelf(watched.repository, os.environ) as shelf:
        if policy.order is Order.DIGEST:
            return [policy.tag], await newest(policy, shelf)
        choice = await newest(policy, shelf)
        return sorted(await matching(policy.allow, await shelf.tags(policy), shelf.chooser)), choice


def _some(tags: Sequence[str], most: int = 20) -> str:
    return ", ".join(tags[:most]) + f" and {len(tags) - most} more" * (len(tags) > most)
