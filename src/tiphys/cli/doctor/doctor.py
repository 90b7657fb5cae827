"""The command ``tiphys doctor``: examines a checkout or a cluster, and says by its exit code what it found."""

import asyncio
import os
from collections.abc import Collection, Sequence
from importlib.metadata import version
from pathlib import Path

import click

from tiphys.cli.doctor import report
from tiphys.cli.main import FAILURE_CODE
from tiphys.cli.options import Access, command, with_access, with_output
from tiphys.cli.output import data, say, tell, without_logs
from tiphys.core.lint.finding import RULES, Finding, Level, Place, sorted_findings
from tiphys.model.errors import SpecError

_LEVELS = {level.name.lower(): level for level in Level}


@command(
    epilog="""
\b
Examples:
  tiphys doctor                          the cluster of the current context
  tiphys doctor charts-repository        a checkout, before it is pushed
  tiphys doctor . --images               its images too, each asked of its registry
  tiphys doctor . -o sarif > doctor.sarif
\b
Exit codes:
  0  nothing as bad as --fail-on
  1  something is
  2  it could not be examined
The rules are listed in docs/reference/doctor.md.
"""
)
@click.argument("path", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--fail-on",
    type=click.Choice((*_LEVELS, "never")),
    default="error",
    show_default=True,
    help="From which level on the exit code is 1.",
)
@click.option("--ignore", metavar="RULE", multiple=True, help="A rule to leave out; may be repeated.")
@click.option("--images", is_flag=True, help="Ask registries whether the checkout's images are there.")
@with_access
@with_output("text", "json", "yaml", "sarif")
def doctor(
    access: Access, path: Path | None, output: str, fail_on: str, ignore: Sequence[str], images: bool
) -> None:
    """Say what is wrong, or will be, with a checkout of a charts repository, or else with a cluster."""
    context = click.get_current_context()
    context.meta[FAILURE_CODE] = 2
    if strange := set(ignore) - set(RULES):
        raise SpecError(
            f"--ignore: there is no rule {', '.join(sorted(strange))}; see docs/reference/doctor.md"
        )
    without_logs()
    root = path.resolve() if path else None
    found, looked_at = asyncio.run(_of_checkout(root, images=images) if root else _of_cluster(access))
    findings = sorted_findings(f for f in found if f.rule not in ignore)
    _show(findings, output)
    tell(report.summary(findings, looked_at))
    if fail_on != "never" and any(f.level >= _LEVELS[fail_on] for f in findings):
        context.exit(1)


def _show(findings: Sequence[Finding], output: str) -> None:
    if output == "sarif":
        data(report.sarif(findings, version("tiphys")), "json")
    elif output != "text":
        data(report.facts(findings), output)
    elif findings:
        say(report.text(findings))


async def _of_checkout(root: Path, *, images: bool) -> tuple[Sequence[Finding], str]:
    from tiphys.reconcile.examine import examine  # noqa: PLC0415 - the help needs none of it
    from tiphys.reconcile.recipes import Commit  # noqa: PLC0415
    from tiphys.wiring.offline import open_checkout  # noqa: PLC0415
    from tiphys.wiring.settings import settings_from  # noqa: PLC0415

    async with open_checkout(settings_from(os.environ), root, {}) as workshop:
        examined = await examine(Commit(str(root), "working tree"), workshop)
    if not (examined.charts or examined.applications or examined.findings):
        # In a CI that has checked out nothing, "nothing found" would look like a charts repository that is well.
        raise SpecError(f"there is no chart and no Application in {root}: is it the charts repository?")
    found = [*examined.findings, *(await _of_images(examined.images) if images else ())]
    charts, apps = (
        report.counted(examined.charts, "chart"),
        report.counted(examined.applications, "Application"),
    )
    looked_at = f"{charts} and {apps} of {root}"
    return found, looked_at


async def _of_images(images: Collection[tuple[str, Place]]) -> Collection[Finding]:
    from tiphys.reconcile.examine_images import missing_images  # noqa: PLC0415
    from tiphys.wiring.images import open_registries  # noqa: PLC0415

    async with open_registries(os.environ) as (registry, login_of):
        return await missing_images(images, registry, login_of)


async def _of_cluster(access: Access) -> tuple[Sequence[Finding], str]:
    from tiphys.cli.doctor.cluster import facts_of  # noqa: PLC0415
    from tiphys.core.lint.cluster import cluster_findings  # noqa: PLC0415

    facts = await facts_of(access)
    apps = report.counted(len(facts.applications), "Application")
    return list(cluster_findings(facts)), f"{apps} of namespace {facts.namespace}"
