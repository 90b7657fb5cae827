"""``tiphys promote``: the images that run healthy in one environment are set in the file of another one."""

import asyncio
import os
from collections.abc import Sequence

import click

from tiphys.cli.image.outcome import COMMITTING, DRY_RUN, facts, show
from tiphys.cli.image.proposal import OPTIONS
from tiphys.cli.options import Access, Command, Flag, command, with_access, with_output
from tiphys.cli.output import data, tell
from tiphys.core.release.routes import Ways
from tiphys.model.api import Application
from tiphys.model.errors import Refused, SpecError, Unavailable
from tiphys.reconcile.promote import Plan, Wanted, plan, repository_of
from tiphys.reconcile.propose import propose
from tiphys.reconcile.release import Outcome, preview, release

_OPTIONS = (
    click.option(
        "--from", "source", metavar="ENV", required=True, help="The environment that it runs in, or a file."
    ),
    click.option(
        "--to", "target", metavar="ENV", required=True, help="The environment that is to have it, or a file."
    ),
    click.option(
        "--image",
        "images",
        metavar="NAME",
        multiple=True,
        help="Only this image; may be repeated.  [default: all]",
    ),
    click.option(
        "--repo", metavar="URL", default="", help="The charts repository.  [default: the Application's]"
    ),
    click.option("--branch", metavar="NAME", default="", help="Its branch.  [default: its own default]"),
    click.option("--message", metavar="TEXT", default="", help="What the commit says, before its trailers."),
    click.option(
        "--author", metavar="'NAME <MAIL>'", default="", help="Who commits.  [default: as git or CI say]"
    ),
    click.option("--offline", is_flag=True, help="Ask no cluster: take what the file says."),
    click.option(
        "--force", is_flag=True, help="Take what the file says, even if the Application is not healthy."
    ),
    *COMMITTING,
    DRY_RUN,
    *OPTIONS,
)


def _with_flags(command: Command) -> Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@command(
    epilog="""
\b
Examples:
  tiphys promote homepage --from dev --to prod
  tiphys promote homepage --from dev --to prod --pull-request
  tiphys promote charts/homepage --from dev --to prod --repo https://git.example.com/charts.git --offline
  tiphys promote homepage --from values-dev.yaml --to values-eu.yaml --dry-run
\b
APP is the name of a chart, its folder, or the name of an Application (homepage, homepage-dev).
Only tags and digests go over. The Application that reads the first file has to be Synced and Healthy.
""",
)
@click.argument("app")
@_with_flags
@with_access
@with_output("text", "json")
def promote(access: Access, app: str, output: str, **flags: Flag) -> None:
    """Set the images that run healthy in one environment in the values file of another one."""
    if flags["offline"] and not flags["repo"]:
        raise click.UsageError("--offline asks no cluster: name the charts repository with --repo.")
    made, outcome = asyncio.run(_promoted(access, app, flags))
    for note in made.notes:
        tell(f"Note: {note}")
    if output == "json":
        told = {
            "source": made.route.source,
            "target": made.route.target,
            "applications": list(made.applications),
        }
        data({**facts(outcome, flags), **told, "notes": list(made.notes)}, output)
    else:
        show(outcome, flags)


async def _promoted(access: Access, app: str, flags: dict[str, Flag]) -> tuple[Plan, Outcome]:
    from tiphys.wiring.proposing import open_proposal  # noqa: PLC0415 - the help needs none of it
    from tiphys.wiring.pushing import signer_of  # noqa: PLC0415
    from tiphys.wiring.releasing import author_of, open_branch  # noqa: PLC0415

    ways = Ways(app, flags["source"], flags["target"])
    applications = await _applications(access, flags)
    flags["repo"] = flags["repo"] or repository_of(ways, applications or ())
    repo, branch = flags["repo"], flags["branch"]
    author = author_of(flags["author"], os.environ)
    wanted = Wanted(ways, repo, author, flags["images"], flags["message"], flags["force"])
    signer = await signer_of(os.environ, wanted=flags["sign"])
    if flags["dry_run"] or not flags["pull_request"]:
        async with open_branch(repo, branch, os.environ) as opened:
            opened.signer = signer
            made = await plan(wanted, opened, applications)
            if flags["dry_run"]:
                return made, await preview(made.order, opened)
            return made, await release(made.order, opened, flags["timeout"])
    async with open_proposal(repo, branch, "", flags["forge"], os.environ) as (topic, forge):
        topic.signer = signer
        made = await plan(wanted, topic, applications)
        topic.head = made.head
        return made, await propose(made.order, topic, forge, flags["timeout"])


async def _applications(access: Access, flags: dict[str, Flag]) -> Sequence[Application] | None:
    """Those of the cluster; ``None`` if there is none to ask, and the repository is known without one."""
    from tiphys.cli.kube import control_plane, readable  # noqa: PLC0415 - not where no cluster is asked

    if flags["offline"]:
        return None
    try:
        async with control_plane(access) as plane:
            return [found.app for found in readable(await plane.applications())]
    except SpecError:
        # No kubeconfig, or one of a cluster that has no Applications, and nobody who named it.
        if flags["repo"] and not (access.kubeconfig or access.context):
            return None
        raise
    except (Unavailable, Refused) as error:
        if not flags["repo"]:
            raise
        raise type(error)(f"{error}; or take what the file says with --offline") from error
