"""``tiphys image list``: the images that Applications have watched, what the files say, and what is newer."""

import asyncio
from dataclasses import replace
from typing import Any

import click

from tiphys.cli.kube import control_plane, settings_for
from tiphys.cli.options import Access, command, with_access, with_output
from tiphys.cli.output import data, say, table, tell, without_logs
from tiphys.model.objects import AppName
from tiphys.reconcile.watch_images import Finding, Round, look, those_that_ask

_HEADER = ("APPLICATION", "IMAGE", "POLICY", "CURRENT", "NEWEST", "FILE", "STATE")


@command(
    "list",
    epilog="""
\b
Examples:
  tiphys image list
  tiphys image list homepage -o json
\b
Registries and repositories are asked now, and nothing is changed. What is newer is committed by the engine.
""",
)
@click.argument("name", metavar="[APPNAME]", default="")
@with_output("text", "json")
@with_access
def list_(access: Access, name: str, output: str) -> None:
    """List the images that are watched: what the files in Git say, and what the policies allow."""
    told = asyncio.run(_looked(access, name))
    if output == "json":
        data([_facts(each) for each in told.findings], output)
    elif told.findings:
        say(table(_HEADER, map(_row, told.findings)))
    for application, problems in sorted(told.problems.items()):
        for problem in problems:
            tell(f"{application}: {problem}")
    if not told.findings and not any(told.problems.values()):
        tell("No image is watched: see tiphys.dev/images in docs/how-to/watch-images.md.")


async def _looked(access: Access, name: str) -> Round:
    """What is watched, of all Applications or of one, found out on an engine of our own."""
    from tiphys.wiring.assembly import open_engine  # noqa: PLC0415 - the help needs no engine
    from tiphys.wiring.images import open_outside  # noqa: PLC0415

    settings = settings_for(access)
    without_logs()
    wanted: AppName | None = None
    if name:
        async with control_plane(access) as plane:
            wanted = plane.named(name)
            await plane.application(wanted)  # says which there are if there is no such one
    # Not the engine's own folder: it may be running on this machine.
    mine = replace(settings, state=settings.state / "cli")
    async with open_engine(mine) as engine, open_outside(engine, mine) as outside:
        asking = those_that_ask(outside.world)
        return await look([each for each in asking if wanted in (None, each)], outside)


def _facts(finding: Finding) -> dict[str, Any]:
    held, choice = finding.held, finding.choice
    return {
        "application": str(finding.application),
        "image": str(finding.watched.repository),
        "policy": str(finding.watched.policy),
        "file": finding.file,
        "path": finding.place,
        "now": {"tag": held.tag, "digest": held.digest} if held else None,
        "newest": {"tag": choice.tag, "digest": choice.digest} if choice else None,
        "newer": finding.wish is not None,
        "problem": finding.problem,
    }


def _row(finding: Finding) -> tuple[str, ...]:
    held, choice = finding.held, finding.choice
    return (
        finding.application.name,
        str(finding.watched.repository),
        str(finding.watched.policy),
        _short(held.tag, held.digest) if held else "-",
        _short(choice.tag, choice.digest) if choice else "-",
        finding.file or "-",
        "not watched" if finding.problem else "newer" if finding.wish else "up to date",
    )


def _short(tag: str, digest: str) -> str:
    return f"{tag}@{digest[:19]}" if digest else tag or "-"
