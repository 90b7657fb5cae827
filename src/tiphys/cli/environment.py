"""
A command whose every flag may come from the environment instead: what templates of a CI set, without any shell.

``TIPHYS_RELEASE_BUILD_ARG`` is ``--build-arg`` of ``tiphys release``; what may be repeated stands one a line.
"""

from collections.abc import Mapping
from typing import Any

import click

from tiphys.cli.options import GoFlags


class _Lines(click.ParamType[str]):
    """Text, of which a variable holds one a line."""

    name = "text"

    def split_envvar_value(self, rv: str) -> list[str]:
        """The lines of a variable that are not blank."""
        return [line.strip() for line in rv.splitlines() if line.strip()]


def from_environment(prefix: str) -> type[GoFlags]:
    """The class of a command that looks for its flags in variables that begin so; a blank one counts as none."""

    class FromEnvironment(GoFlags):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            for parameter in self.params:
                _listen(parameter, prefix)

    return FromEnvironment


def _listen(parameter: click.Parameter, prefix: str) -> None:
    """Have the parameter look for its variable, unless it has one of its own."""
    if not parameter.envvar:
        parameter.envvar = variable(parameter, prefix)
    if parameter.multiple or parameter.nargs == -1:
        parameter.type = _Lines()


def variable(parameter: click.Parameter, prefix: str) -> str:
    """The variable of a parameter: its longest name, or an argument's only one."""
    name = max(parameter.opts, key=len) if parameter.opts else str(parameter.name)
    return f"{prefix}_{name.lstrip('-').replace('-', '_').upper()}"


def assignments(facts: Mapping[str, object]) -> str:
    """
    ``name=value``, a line each: what ``$GITHUB_OUTPUT`` and a dotenv report of GitLab take.

    Only what is text or a truth; values lose their line ends, which would begin a line of somebody else's choice.
    """
    told = {name: _word(value) for name, value in facts.items() if isinstance(value, str | bool)}
    return "\n".join(f"{name}={value}" for name, value in told.items())


def _word(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else " ".join(value.splitlines())
