"""
``app diff``: what a sync would change, object by object.

The engine's comparison says which objects differ; the API server's dry run says what each would be.
"""

import asyncio
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

import click
from msgspec.structs import replace

from tiphys.cli.app.names import named_app
from tiphys.cli.app.targets import engine, sha_for
from tiphys.cli.kube import control_plane
from tiphys.cli.main import FAILURE_CODE
from tiphys.cli.options import Access, command, with_access
from tiphys.cli.output import coloured, tell, yaml_text
from tiphys.core.diff.pointers import Pointers, without
from tiphys.model.api import Application
from tiphys.model.errors import SpecError, Unavailable
from tiphys.model.flow import Comparison, Pair, SyncCode
from tiphys.model.objects import Body, Key
from tiphys.model.redaction import LAST_APPLIED, redact_together
from tiphys.reconcile.application import REFRESH
from tiphys.reconcile.look import Look, look_at
from tiphys.reconcile.world import World

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_UNINTERESTING: Pointers = (
    ("status",),
    *(("metadata", name) for name in ("managedFields", "resourceVersion", "generation", "uid")),
    ("metadata", "creationTimestamp"),
    ("metadata", "annotations", LAST_APPLIED),
)
"""What every write changes, or none of ours does."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An object as it is and as it would be, fit to be shown; ``None`` where there is nothing."""

    key: Key
    live: Body | None
    target: Body | None
    message: str = ""


@command(
    epilog="""
\b
Exit codes:
  0  nothing would change
  1  something would change (0 with --no-exit-code)
  2  it could not be computed
KUBECTL_EXTERNAL_DIFF names a program to show differences with, such as "diff -u" or "dyff between".
"""
)
@named_app
@click.option(
    "--exit-code/--no-exit-code", default=True, help="Exit with 1 where there is a difference (default)."
)
@click.option("--refresh", is_flag=True, help="Accepted as argocd has it; Git is always asked.")
@click.option("--hard-refresh", is_flag=True, help="Render anew, whatever was rendered before.")
@click.option("--revision", metavar="REVISION", default="", help="Compare with this revision.")
@with_access
def diff(
    access: Access, name: str, exit_code: bool, hard_refresh: bool, revision: str, refresh: bool
) -> None:
    """Show what a sync would change, as the API server predicts it; values of Secrets are not shown."""
    del refresh  # asked for or not, the newest commit is compared with
    context = click.get_current_context()
    context.meta[FAILURE_CODE] = 2
    found, unknown = asyncio.run(_compared(access, name, "hard" if hard_refresh else "normal", revision))
    for shown in found:
        _print(shown)
    if unknown:
        raise Unavailable("; ".join(f"cannot compare {c.key}: {c.message}" for c in unknown))
    if found and exit_code:
        context.exit(1)


async def _compared(
    access: Access, name: str, refresh: str, revision: str
) -> tuple[list[Shown], list[Comparison]]:
    """What differs, and what could not be compared."""
    async with control_plane(access) as plane:
        app = (await plane.application(plane.named(name))).app
    async with engine(access) as world:
        sha = await sha_for(app, world, revision)
        look = await look_at(_as_refreshed(app, refresh), world, sha)
        by_code = {pair.key: look.comparisons[pair.key] for pair in look.pairs}
        found = [
            await _shown(pair, by_code[pair.key], look, world)
            for pair in look.pairs
            if by_code[pair.key].code is SyncCode.OUT_OF_SYNC
        ]
    return found, [c for c in by_code.values() if c.code is SyncCode.UNKNOWN]


def _as_refreshed(app: Application, kind: str) -> Application:
    """The Application as if a refresh were asked for; nothing is written."""
    annotations = {**app.metadata.annotations, REFRESH: kind}
    return replace(app, metadata=replace(app.metadata, annotations=annotations))


async def _shown(pair: Pair, comparison: Comparison, look: Look, world: World) -> Shown:
    live, target = pair.live.body if pair.live else None, pair.target.body if pair.target else None
    hidden = await look.ignoring.hidden(pair)
    sides = [hidden.live, hidden.target]
    if pair.live and pair.target:
        predicted = await world.cluster.predict(pair.target)
        # Where the API server refuses, what we would send is all that there is to show.
        live, target = predicted.live or live, predicted.body or target
        hidden = await look.ignoring.hidden(pair, predicted.live, predicted.body)
        sides = [hidden.live, hidden.after if predicted.body else hidden.target]
    cut = zip((live, target), sides, strict=True)
    bodies = (without(body, (*_UNINTERESTING, *side)) for body, side in cut if body is not None)
    shown = iter(redact_together(*bodies))
    return Shown(
        pair.key,
        next(shown) if live is not None else None,
        next(shown) if target is not None else None,
        comparison.message,
    )


def _print(shown: Shown) -> None:
    group, kind, namespace, name = shown.key
    click.echo(f"\n===== {group}/{kind} {namespace}/{name} ======")
    if shown.message:
        tell(f"{shown.key}: {shown.message}")
    if program := os.environ.get("KUBECTL_EXTERNAL_DIFF"):
        _external(shlex.split(program), shown)
        return
    for line in _lines(shown):
        click.echo(click.style(line, fg=_COLOURS.get(line[:1])) if coloured() else line)


def _lines(shown: Shown) -> Iterator[str]:
    live, target = _text(shown.live).splitlines(), _text(shown.target).splitlines()
    return unified_diff(live, target, "live", "target", lineterm="")


def _text(body: Body | None) -> str:
    return "" if body is None else yaml_text(body)


def _external(program: list[str], shown: Shown) -> None:
    """Run the user's program on two files, as kubectl does; 0 and 1 are its answers, above is trouble."""
    with tempfile.TemporaryDirectory(prefix="tiphys-diff-") as folder:
        files = [Path(folder, name) for name in (f"{shown.key.name}-live.yaml", f"{shown.key.name}.yaml")]
        for file, body in zip(files, (shown.live, shown.target), strict=True):
            file.write_text(_text(body), encoding="utf-8")
        sys.stdout.flush()
        try:
            done = subprocess.run([*program, *files], check=False)
        except OSError as error:
            raise SpecError(f"KUBECTL_EXTERNAL_DIFF: cannot run {program[0]!r}: {error.strerror}") from error
    if done.returncode > 1:
        raise SpecError(f"KUBECTL_EXTERNAL_DIFF: {program[0]!r} failed with exit code {done.returncode}")
