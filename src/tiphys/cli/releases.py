"""What the commands that install and uninstall share: their flags, how they tell what happens, and their answer."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tiphys.cli.options import Command
from tiphys.cli.output import one_line, tell
from tiphys.core.languages.durations import parse_duration
from tiphys.model.errors import SpecError
from tiphys.model.objects import Key

if TYPE_CHECKING:
    from tiphys.reconcile.site import News, Scene, Site


@dataclass(frozen=True, slots=True)
class Reached:
    """The cluster that a command is about."""

    kubeconfig: Path | None
    context: str


def with_release(command: Command) -> Command:
    """Give a command the flags that name a cluster and a namespace, and those for patience and rehearsal."""
    options: Sequence[Callable[[Command], Command]] = (
        click.option(
            "-n",
            "--namespace",
            metavar="NAME",
            default="argocd",
            show_default=True,
            envvar=["TIPHYS_NAMESPACE", "ARGOCD_NAMESPACE"],
            help="The release's namespace.",
        ),
        click.option("--kubeconfig", type=click.Path(path_type=Path), help="Credentials of the cluster."),
        click.option("--context", metavar="NAME", default="", help="The kubeconfig's context to use."),
        click.option(
            "--timeout",
            metavar="TIME",
            default="5m",
            show_default=True,
            help="Wait so long for each hook, for readiness, and for deletions.",
        ),
        click.option("--take-over", is_flag=True, help="Go on even if a helm seems to be at work on it."),
        click.option("--dry-run", is_flag=True, help="Say what would happen and change nothing."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass
class Report:
    """Tells on stderr what happens: a line an object, or on a terminal a line for what happened to many of a kind."""

    rehearsal: bool = False
    terminal: bool = field(default_factory=lambda: bool(sys.stderr.isatty()))

    def done(self, news: "Sequence[News]") -> None:
        """These objects of one kind are as they should be."""
        if self.terminal and len(news) > _MANY:
            counts = Counter(each.what for each in news)
            told = ", ".join(f"{number} {what}" for what, number in counts.items())
            tell(f"{news[0].key.of}: {told}{self._mark}")
            return
        for each in news:
            tell(one_line(f"{noun(each.key)} {each.what}{self._mark}"))

    def say(self, text: str) -> None:
        """Something else worth a line."""
        tell(text)

    @property
    def _mark(self) -> str:
        return " (dry run)" if self.rehearsal else ""


_MANY = 5


def scene_of(site: "Site", timeout: str, *, rehearsal: bool) -> "Scene":
    """Where a release is brought to, be it only said. Raises ``SpecError`` for a duration that is none."""
    from tiphys.reconcile.site import Scene  # noqa: PLC0415 - the help needs none of it

    seconds = parse_duration(timeout).total_seconds()
    if seconds <= 0:
        raise SpecError("--timeout must be longer than 0; write it like 5m")
    return Scene(site, Report(rehearsal), lambda: datetime.now(UTC), seconds)


def noun(key: Key) -> str:
    """An object as kubectl names it, with the namespace that it is in."""
    kind = f"{key.kind.lower()}.{key.group}" if key.group else key.kind.lower()
    return f"{kind}/{key.name}" + (f" (in {key.namespace})" if key.namespace else "")


def listed(news: "Sequence[News]") -> list[Mapping[str, str]]:
    """What happened, for programs."""
    return [{**each.key._asdict(), "result": each.what} for each in news]


def counted(news: "Sequence[News]") -> str:
    """What happened, in one line."""
    counts = Counter(each.what.partition(":")[0].partition(",")[0].partition(";")[0] for each in news)
    return ", ".join(f"{number} {what}" for what, number in counts.items()) or "nothing to do"
