"""Flags that many commands share: which cluster, which Applications, how an answer is printed."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]
Flag = Any
"""What click makes of a flag, by the type that its declaration gives."""


class GoFlags(click.Command):
    """A command that takes ``--flag=true`` and ``--flag=false`` for its switches too, as scripts write for argocd."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words, with such flags written as click has them."""
        end = args.index("--") if "--" in args else len(args)
        read = [word for each in args[:end] for word in self._written(each)]
        return super().parse_args(ctx, [*read, *args[end:]])

    def _written(self, word: str) -> list[str]:
        name, _, value = word.partition("=")
        if value not in ("true", "false"):
            return [word]
        for option in self.params:
            if isinstance(option, click.Option) and option.is_flag and name in option.opts:
                return [name] if value == "true" else list(option.secondary_opts)
        return [word]


command = functools.partial(click.command, cls=GoFlags)


@dataclass(frozen=True, slots=True)
class Access:
    """The cluster that the control plane is in, and where its Applications are."""

    kubeconfig: Path | None = None
    """``None`` for what ``KUBECONFIG`` names, or the pod's own service account."""
    context: str = ""
    namespace: str = "argocd"
    """The control plane's."""
    app_namespace: str = ""
    """Of Applications that are named without one, if it is not the control plane's."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The Applications that a command is about: by name, or by labels and projects."""

    names: Sequence[str]
    selector: str = ""
    projects: Sequence[str] = ()


def with_access(command: Command) -> Command:
    """Give a command the flags that name a cluster, and itself the ``access`` that they make."""

    @click.option(
        "-N",
        "--app-namespace",
        metavar="NAME",
        default="",
        help="The Application's namespace, if it is not the control plane's.",
    )
    @click.option("--kubeconfig", type=click.Path(path_type=Path), help="Credentials of the cluster.")
    @click.option("--context", metavar="NAME", default="", help="The kubeconfig's context to use.")
    @click.option(
        "-n",
        "--namespace",
        metavar="NAME",
        default="argocd",
        show_default=True,
        envvar=["TIPHYS_NAMESPACE", "ARGOCD_NAMESPACE"],
        help="The control plane's namespace.",
    )
    @functools.wraps(command)
    def given(
        kubeconfig: Path | None, context: str, namespace: str, app_namespace: str, **rest: Flag
    ) -> object:
        return command(access=Access(kubeconfig, context, namespace, app_namespace), **rest)

    return given


def with_selector(command: Command) -> Command:
    """Give a command ``-l``."""
    option = click.option(
        "-l",
        "--selector",
        default="",
        help="Those with these labels: =, !=, in, notin, exists, not exists.",
    )
    return option(command)


def with_output(*formats: str) -> Callable[[Command], Command]:
    """Give a command ``-o`` with these formats, the first being the default."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="Format.",
    )


def with_timeout(default: int) -> Callable[[Command], Command]:
    """Give a command ``--timeout`` in seconds; 0 waits for ever, as with argocd."""
    return click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.IntRange(min=0),
        default=default,
        show_default=True,
        help="Give up after so long; 0 means never.",
    )


def with_values(note: str = "") -> Callable[[Command], Command]:
    """Give a command the flags that give values to a chart; ``note`` is what else a user should know of files."""
    options = (
        click.option(
            "-f",
            "--values",
            multiple=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help=f"A file with values; may be repeated, the last wins. {note}".rstrip(),
        ),
        click.option(
            "--set", "set_values", metavar="KEY=VALUE", multiple=True, help="A value, as with helm --set."
        ),
        click.option(
            "--set-string",
            "set_strings",
            metavar="KEY=VALUE",
            multiple=True,
            help="A value that is text, as with helm --set-string.",
        ),
    )

    def given(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return given
