"""``app sync``: ask the engine for a sync, and follow it to its end."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import click

from tiphys.cli.app.names import with_selection
from tiphys.cli.app.progress import Ended, Goal, follow_until
from tiphys.cli.app.request import Asked, patch_for, retry_of
from tiphys.cli.app.states import choice, with_resources
from tiphys.cli.app.targets import labelled_keys
from tiphys.cli.kube import control_plane
from tiphys.cli.options import (
    Access,
    Flag,
    Selection,
    command,
    with_access,
    with_output,
    with_timeout,
)
from tiphys.cli.output import say
from tiphys.model.api import OperationState
from tiphys.model.errors import TiphysError
from tiphys.model.flow import Phase
from tiphys.model.objects import AppName

OPTIONS = {
    "replace": "Replace=true",
    "server_side": "ServerSideApply=true",
    "apply_out_of_sync_only": "ApplyOutOfSyncOnly=true",
}


@command(
    epilog="""
\b
Examples:
  tiphys app sync homepage
  tiphys app sync homepage api --prune
  tiphys app sync -l team=web --async
  tiphys app sync homepage --resource apps:Deployment:homepage
  tiphys app sync homepage --resource '!*:Secret:*' --dry-run
Exits with 1 when the sync fails, or when objects are left that only --prune deletes.
"""
)
@with_selection
@click.option(
    "--revision", metavar="REVISION", default="", help="Sync to this revision instead of the target revision."
)
@click.option("--prune", is_flag=True, help="Delete what is not wanted any more.")
@click.option("--dry-run", is_flag=True, help="Let the API server check everything, and change nothing.")
@with_resources
@click.option("--label", "labels", metavar="KEY=VALUE", multiple=True, help="Only objects with this label.")
@click.option("--async", "asynchronous", is_flag=True, help="Do not wait for the end.")
@click.option("--force", is_flag=True, help="Delete and create again what cannot be changed.")
@click.option("--replace", is_flag=True, help="Replace objects whole instead of applying.")
@click.option("--server-side", is_flag=True, help="Apply server-side, which is the default.")
@click.option("--apply-out-of-sync-only", is_flag=True, help="Leave objects that are in sync alone.")
@click.option("--strategy", type=click.Choice(["apply", "hook"]), help="apply runs no hooks; hook is usual.")
@click.option(
    "--info", "infos", metavar="KEY=VALUE", multiple=True, help="A note to keep with the operation."
)
@click.option("--retry-limit", metavar="N", default=0, help="Try so often again; below 0: for ever.")
@click.option(
    "--retry-backoff-duration", metavar="TIME", default="5s", help="First wait so long.  [default: 5s]"
)
@click.option(
    "--retry-backoff-factor", metavar="N", default=2, help="Each time N times longer.  [default: 2]"
)
@click.option(
    "--retry-backoff-max-duration", metavar="TIME", default="3m0s", help="At most so long.  [default: 3m]"
)
@with_timeout(0)
@with_output("wide", "json", "yaml", "tree")
@with_access
def sync(
    access: Access, selection: Selection, asynchronous: bool, timeout: int, output: str, **flags: Flag
) -> None:
    """Make the cluster what Git says, one application after the other."""
    asked, labels = _asked(flags), _pairs("--label", flags["labels"])

    async def run() -> None:
        async with control_plane(access) as plane:
            for name in [found.name for found in await plane.picked(selection)]:
                keys = await labelled_keys(access, plane, name, labels) if labels else None
                await plane.revise(name, partial(patch_for, asked=asked, labelled=keys))
                if asynchronous:
                    say(f"application '{name}' asked to sync")
                    continue
                goal = Goal(operation=True, choices=asked.choices)
                ended = await follow_until(plane, name, goal, seconds=timeout, output=output)
                _expect_success(name, ended, asked)

    asyncio.run(run())


def _asked(flags: Mapping[str, Flag]) -> Asked:
    """What the flags ask of each sync."""
    return Asked(
        revision=flags["revision"],
        prune=flags["prune"],
        dry_run=flags["dry_run"],
        strategy=flags["strategy"] or "",
        force=flags["force"],
        options=[option for flag, option in OPTIONS.items() if flags[flag]],
        choices=[choice(text) for text in flags["resources"]],
        infos=_pairs("--info", flags["infos"]),
        retry=retry_of(
            flags["retry_limit"],
            flags["retry_backoff_duration"],
            flags["retry_backoff_max_duration"],
            flags["retry_backoff_factor"],
        ),
    )


def _pairs(flag: str, texts: Sequence[str]) -> dict[str, str]:
    """``key=value`` words as a mapping. Raises ``BadParameter`` for one without a key or an equals sign."""
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{flag} {text!r} must be key=value")
        pairs[key] = value
    return pairs


def _expect_success(name: AppName, ended: Ended, asked: Asked) -> None:
    state = ended.state
    if not state or (asked.dry_run and state.phase == Phase.SUCCEEDED):
        return
    if state.phase != Phase.SUCCEEDED:
        raise TiphysError(
            f"application '{name}': operation has completed with phase: {state.phase}: {state.message}"
        )
    synced = not ended.found or ended.found.app.status.sync.status == "Synced"
    if (left := _left(state)) and not asked.choices and not synced:
        raise TiphysError(
            f"application '{name}': {left} resources require pruning: sync with --prune to do it"
        )


def _left(state: OperationState) -> int:
    result = state.sync_result
    return sum(r.status == "PruneSkipped" for r in result.resources) if result else 0
