"""``tiphys version``."""

import platform

import click

from tiphys import __version__
from tiphys.cli.output import json_text, yaml_text


@click.command()
@click.option(
    "-o", "--output", type=click.Choice(["wide", "json", "yaml", "short"]), default="wide", show_default=True
)
@click.option("--short", is_flag=True, help="Print the version number alone.")
@click.option("--client", is_flag=True, help="Accepted as argocd has it; no server is ever asked.")
def version(output: str, short: bool, client: bool) -> None:
    """Print the version of this program."""
    del client
    facts = {"version": f"v{__version__}", "python": platform.python_version(), "platform": _platform()}
    if short or output == "short":
        facts = {"version": facts["version"]}
    match output:
        case "json":
            click.echo(json_text({"client": facts}))
        case "yaml":
            click.echo(yaml_text({"client": facts}), nl=False)
        case _:
            click.echo(f"tiphys: {facts['version']}")
            for name, value in list(facts.items())[1:]:
                click.echo(f"  {name.capitalize()}: {value}")


def _platform() -> str:
    return f"{platform.system().lower()}/{platform.machine()}"
