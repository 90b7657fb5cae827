"""
The reference page of the command line, written from the commands themselves.

``python -m tiphys.cli.reference`` prints it; a test holds ``docs/reference/cli.md`` against it.
"""

from collections.abc import Iterator

import click

from tiphys.cli.main import tiphys

_WIDTH = 100
HEAD = """# The command line

Written from the commands by `python -m tiphys.cli.reference`; edit their help, not this page.

Names, flags, formats and exit codes are those of `argocd` where it has the command. Data goes to stdout, messages go
to stderr. Tables are for people; scripts take `-o json`, `-o yaml` or `-o name`.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([HEAD, *_sections(tiphys, None, "tiphys")])


def _sections(command: click.Command, above: click.Context | None, name: str) -> Iterator[str]:
    """The command's section, and those of the commands below it."""
    context = command.make_context(name, [], above, resilient_parsing=True, terminal_width=_WIDTH)
    shown = "\n".join(line.rstrip() for line in command.get_help(context).strip().splitlines())
    yield f"## `{context.command_path}`\n\n```text\n{shown}\n```\n"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            if (below := command.get_command(context, each)) and not below.hidden:
                yield from _sections(below, context, each)


if __name__ == "__main__":
    print(page(), end="")
