"""``tiphys migrate argocd``: the plan, the question, the handing over, and whether all is as it was."""

import asyncio
from dataclasses import dataclass

import click

from tiphys.cli.migrate import report
from tiphys.cli.options import Access, Flag, command, with_access, with_output, with_timeout
from tiphys.cli.output import data, say, tell, without_logs
from tiphys.core.migration.plan import Plan, Verdict, handback, takeover
from tiphys.model.errors import Refused, Unavailable
from tiphys.model.objects import AppName

_EVER = 24 * 3600.0
_PARALLEL = 8


@dataclass(frozen=True, slots=True)
class Migration:
    """What is to be done, and where."""

    access: Access
    plan: Plan
    back: bool
    seconds: float


@command(
    epilog="""
\b
Examples:
  tiphys migrate argocd --dry-run     the plan, and nothing else
  tiphys migrate argocd               the plan, a question, and Argo CD's controller steps back
  tiphys migrate argocd --back        the engine steps back, and Argo CD goes on
  tiphys migrate argocd --wait        and afterwards: is each application as it was?
\b
Exit codes:
  0  done, or with --dry-run: nothing speaks against it
  1  something does; or an application is not as it was
What it means, and what is not supported yet: docs/how-to/migrate-from-argo-cd.md
"""
)
@click.option("--back", is_flag=True, help="Hand the cluster back to Argo CD.")
@click.option("--dry-run", is_flag=True, help="Show the plan and change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--anyway", is_flag=True, help="Go on although something in the plan speaks against it.")
@click.option("--wait", is_flag=True, help="Wait until each application was looked at, and compare.")
@with_output("text", "json", "yaml")
@with_timeout(120)
@with_access
def argocd(access: Access, output: str, back: bool, timeout: int, **flags: Flag) -> None:
    """
    Take a cluster over from Argo CD, or hand it back.

    Argo CD's application controller is scaled to 0, and Tiphys goes on with the same Applications. Argo CD's other
    parts stay as they are. Nothing in the cluster restarts, and what Argo CD had is noted on its workloads, so that
    --back finds it. Interrupted, say it again.
    """
    without_logs()
    migration = Migration(access, asyncio.run(_planned(access, back=back)), back, timeout or _EVER)
    plan = migration.plan
    if output == "text":
        say(report.text(plan, back=back))
    elif flags["dry_run"]:
        data(report.document(plan, back=back), output)
    _expect_permitted(plan, anyway=flags["anyway"])
    if flags["dry_run"]:
        return
    if not flags["yes"] and report.pending(plan):
        click.confirm(report.question(plan, back=back), abort=True, err=True)
    asyncio.run(_handed_over(migration))
    if flags["wait"]:
        asyncio.run(_as_before(migration))
    if output == "text":
        tell(report.afterwards(plan, access.namespace, back=back))
    else:
        data(report.document(plan, back=back), output)


async def _planned(access: Access, *, back: bool) -> Plan:
    from tiphys.cli.migrate.facts import situation  # noqa: PLC0415 - the help needs none of it

    found = await situation(access, looks=not back)
    return handback(found) if back else takeover(found)


def _expect_permitted(plan: Plan, *, anyway: bool) -> None:
    if not plan.refused or anyway:
        return
    blocked = [each.name.name for each in plan.prospects if each.blocks]
    told = [*plan.blockers, *([f"see above for {', '.join(blocked)}"] if blocked else [])]
    raise Refused(f"nothing was changed: {'; '.join(told)}. --anyway goes on all the same")


async def _handed_over(migration: Migration) -> None:
    from tiphys.reconcile.migrate import Stage, hand_over  # noqa: PLC0415
    from tiphys.wiring.connecting import open_api  # noqa: PLC0415
    from tiphys.wiring.migrating import ScaledWorkloads  # noqa: PLC0415

    access = migration.access

    async def between() -> None:
        if migration.back and report.pending(migration.plan):
            await _asked_to_look(access)

    async with open_api(access) as api:
        stage = Stage(ScaledWorkloads(api, access.namespace), tell, migration.seconds, between)
        await hand_over(migration.plan, stage)


async def _asked_to_look(access: Access) -> None:
    """
    Have Argo CD ask Git for the newest commits before it compares anything.

    For some minutes it believes what it knew of a branch before it stepped back, and an automated sync would go back
    to that commit.
    """
    from tiphys.cli.app.refresh import REFRESH  # noqa: PLC0415
    from tiphys.cli.kube import control_plane  # noqa: PLC0415

    async with control_plane(access) as plane:
        for found in await plane.applications():
            await plane.revise(found.name, lambda _: {"metadata": {"annotations": {REFRESH: "normal"}}})


async def _as_before(migration: Migration) -> None:
    """Wait until whoever acts now has looked at each application. Raises ``Unavailable`` that names what differs."""
    from tiphys.cli.app.refresh import refreshed  # noqa: PLC0415
    from tiphys.cli.kube import control_plane  # noqa: PLC0415

    limit, verdicts = asyncio.Semaphore(_PARALLEL), {p.name: p.verdict for p in migration.plan.prospects}
    async with control_plane(migration.access) as plane:
        names = [found.name for found in await plane.applications()]
        before = {p.name: p.sync for p in migration.plan.prospects if p.verdict is Verdict.SAME}

        async def differing(name: AppName) -> str:
            async with limit:
                found = await refreshed(plane, name, hard=False, seconds=migration.seconds)
            now = found.app.status.sync.status
            differs = before.get(name, now) != now
            return f"{name.name} was {before[name]} and is {now}" if differs else ""

        told = await asyncio.gather(*(differing(n) for n in names if verdicts.get(n) is not Verdict.LEFT))
    if different := [each for each in told if each]:
        raise Unavailable(f"not as before: {'; '.join(different)}; `tiphys app diff NAME` shows why")
    tell(f"{len(told)} Applications were looked at, and are as before.")
