"""``tiphys completion``: the script that teaches a shell our commands."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog="""
\b
For this shell only:      source <(tiphys completion bash)
For every new shell:
  bash   tiphys completion bash > ~/.local/share/bash-completion/completions/tiphys
  zsh    tiphys completion zsh > "${fpath[1]}/_tiphys"
  fish   tiphys completion fish > ~/.config/fish/completions/tiphys.fish
"""
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell: bash, zsh or fish."""
    script = get_completion_class(shell)
    assert script is not None  # noqa: S101 - the choice above is of those that click knows
    source = script(context.find_root().command, {}, "tiphys", "_TIPHYS_COMPLETE").source()
    # click's script for fish ends a command's help at its first comma.
    click.echo(source.replace('string split ","', 'string split --max 1 ","'))
