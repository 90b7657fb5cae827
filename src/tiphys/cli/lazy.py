"""
A group of commands that imports a command when it is run, and not before.

The table carries each command's place and one line of help, so that ``--help`` and completion import
nothing of ours.
"""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Row(NamedTuple):
    """Where a command is (``module:attribute``), and the line that lists it."""

    place: str
    help: str


class LazyGroup(click.Group):
    """A ``click.Group`` whose commands are rows of a table, listed in the table's order."""

    def __init__(self, *args: Any, table: Mapping[str, Row], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the table's order."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now; ``None`` where the table has no such row."""
        if not (row := self.table.get(cmd_name)):
            return None
        module, _, attribute = row.place.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command), row.place  # noqa: S101 - a wrong row is a bug
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands of ``--help``, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.help) for name, row in self.table.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """The names that begin so, from the table alone, and the group's own options."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only when completing

        named = [CompletionItem(n, help=r.help) for n, r in self.table.items() if n.startswith(incomplete)]
        return named + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name. Raises ``UsageError`` with near names where there is none."""
        name = str(args[0])
        if name in self.table or ctx.resilient_parsing or name.startswith("-"):
            return super().resolve_command(ctx, args)
        raise click.UsageError(f"{ctx.command_path} has no command {name!r}.{_hint(name, self.table)}", ctx)


def _hint(name: str, table: Mapping[str, Row]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only for a misspelt command

    near = get_close_matches(name, table)
    return f" Did you mean {' or '.join(near)}?" if near else ""
