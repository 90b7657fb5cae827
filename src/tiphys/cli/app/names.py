"""How commands are given Applications, by name or selected, and how a shell completes their names."""

import asyncio
import functools
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from tiphys.cli.options import Access, Command, Flag, Selection, with_selector

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_PATIENCE = 3
"""Seconds that somebody who pressed TAB may have to wait."""


def named_app(command: Command) -> Command:
    """Give a command the name of one Application."""
    return click.argument("name", metavar="APPNAME", shell_complete=complete)(command)


def with_selection(command: Command) -> Command:
    """Give a command names, ``-l`` and ``--project``, and itself the ``selection`` that they make."""

    @click.argument("names", metavar="[APPNAME...]", nargs=-1, shell_complete=complete)
    @with_selector
    @click.option(
        "--project", "projects", metavar="NAME", multiple=True, help="Those of this project; may be repeated."
    )
    @functools.wraps(command)
    def given(names: Sequence[str], selector: str, projects: Sequence[str], **rest: Flag) -> object:
        if bool(names) == bool(selector or projects):
            raise click.UsageError("name applications, or select some with -l or --project")
        return command(selection=Selection(names, selector, projects), **rest)

    return given


def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """The Applications whose names begin so; none where the cluster cannot tell."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only when completing

    given = context.params
    access = Access(
        given.get("kubeconfig"),
        given.get("context") or "",
        given.get("namespace") or "argocd",
        given.get("app_namespace") or "",
    )
    taken = given.get(parameter.name or "") or ()
    # A shell shows whatever is printed while it completes, so no trouble may be told.
    with suppress(Exception):
        return [
            CompletionItem(name)
            for name in asyncio.run(_names(access))
            if name.startswith(incomplete) and name not in taken
        ]
    return []


async def _names(access: Access) -> list[str]:
    from tiphys.cli.kube import control_plane  # noqa: PLC0415 - only when completing

    async with asyncio.timeout(_PATIENCE), control_plane(access) as plane:
        return [found.name.name for found in await plane.applications()]
