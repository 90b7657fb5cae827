"""
``--wait`` of what sets images: after the push, the commit is followed until it is live where its charts are rendered.

The push has happened whatever becomes of the waiting, so that fails with an exit code of its own.
"""

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path

import click

from tiphys.cli.app.views import sources_of
from tiphys.cli.kube import control_plane, readable
from tiphys.cli.main import FAILURE_CODE
from tiphys.cli.options import Access, Command, Flag
from tiphys.cli.output import say, tell
from tiphys.cli.tracing.commits import Trace, rendering
from tiphys.cli.tracing.following import Following, Wanted, moved_on, noted_as
from tiphys.cli.tracing.view import text
from tiphys.model.addresses import shown
from tiphys.model.api import Application
from tiphys.model.errors import SpecError
from tiphys.reconcile.release import Order, Outcome, candidates

NOT_LIVE = 3
"""The exit code where a commit was pushed and not seen live."""
_SHOWN = 8


def with_wait(command: Command) -> Command:
    """Give a command ``--wait`` and the flags about the cluster that it looks at."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option("--wait", is_flag=True, help="Follow the commit until it is live and healthy."),
    click.option(
        "--wait-timeout",
        metavar="SECONDS",
        type=click.IntRange(min=0),
        default=600,
        show_default=True,
        help="Give up following after so long; 0 means never.",
    ),
    click.option("--kubeconfig", type=click.Path(path_type=Path), help="Credentials of the cluster to look at."),
    click.option("--kube-context", metavar="NAME", default="", help="The kubeconfig's context to use."),
    click.option(
        "--kube-namespace",
        metavar="NAME",
        default="argocd",
        show_default=True,
        envvar=["TIPHYS_NAMESPACE", "ARGOCD_NAMESPACE"],
        help="Where its Applications are; * for everywhere.",
    ),
)  # fmt: skip


def expect_pushes(flags: Mapping[str, Flag]) -> None:
    """Raises ``UsageError`` where ``--wait`` would have nothing to wait for."""
    if not flags["wait"]:
        return
    if not flags["repo"] or flags["dry_run"]:
        raise click.UsageError(
            "--wait follows what is pushed: name the charts repository with --repo, no --dry-run."
        )
    if flags["pull_request"]:
        raise click.UsageError(
            "--wait and --pull-request: it is live once it is merged; follow it then with tiphys trace SHA --wait."
        )


def wait_until_live(order: Order, outcome: Outcome, flags: Mapping[str, Flag], output: str) -> None:
    """Follow a release if ``--wait`` asks for it, and print its trace: to stderr if stdout is for scripts."""
    if not flags["wait"]:
        return
    click.get_current_context().meta[FAILURE_CODE] = NOT_LIVE
    try:
        traces = asyncio.run(_live(order, outcome, flags))
    except Exception:
        tell(f"{outcome.commit[:12]} is in the charts repository, whether or not it is live:")
        raise
    (say if output == "text" else tell)(f"\n{text(traces)}")


async def _live(order: Order, outcome: Outcome, flags: Mapping[str, Flag]) -> list[Trace]:
    """The commit once it is live in each application that renders what it changed."""
    repo, files, namespace = flags["repo"], _files(order, outcome), flags["kube_namespace"]
    access = Access(flags["kubeconfig"], flags["kube_context"], "argocd" if namespace == "*" else namespace)
    async with control_plane(access) as plane:
        apps = [found.app for found in readable(await plane.applications(namespace))]
        wanted: Wanted = noted_as(outcome.commit)
        if not outcome.changes:
            wanted = moved_on(outcome.commit, apps)
        names = [plane.named(_path(app)) for app in rendering(repo, flags["branch"], files, apps)]
        if not names:
            raise _nobody(repo, files, apps)
        tell(f"Following {outcome.commit[:7]} in {', '.join(name.name for name in names)}.")
        return await Following(plane, wanted).run(names, flags["wait_timeout"])


def _files(order: Order, outcome: Outcome) -> Collection[str]:
    """The files that were changed; where all was so already, those that were looked for."""
    if outcome.changes:
        return {change.file for change in outcome.changes}
    return {path for part in order.parts for chart in part.charts for path in candidates(chart, part.file)}


def _nobody(repo: str, files: Collection[str], apps: Collection[Application]) -> SpecError:
    known = sorted({f"{s.path or '.'} of {shown(s.repo_url)}" for app in apps for s in sources_of(app)})
    told = f"those here render from {', '.join(known[:_SHOWN])}" if known else "there are none here"
    return SpecError(
        f"no Application renders from {', '.join(sorted(files)[:_SHOWN])} of {shown(repo)}: {told}; name another "
        "cluster with --kube-context, or "
        "another place with --kube-namespace"
    )


def _path(app: Application) -> str:
    return f"{app.metadata.namespace}/{app.metadata.name}"
