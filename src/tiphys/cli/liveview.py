"""
The platform as it is, on a terminal: a table of its applications, and below it what happens as it happens.

Draws what it is given; it knows no clock but the one for the times of the news.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tiphys.cli.output import one_line
from tiphys.local.looks import Look, Looks

COLOURS = {
    "Synced": "green",
    "Healthy": "green",
    "OutOfSync": "yellow",
    "Progressing": "cyan",
    "Missing": "yellow",
    "Suspended": "blue",
    "Degraded": "red",
}
NEWS_SHOWN = 12
FOOTER = "Ctrl-C leaves this view; everything runs on."


class LiveView:
    """What is drawn. ``tell`` adds news, ``show`` draws the applications as they are."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._news: deque[Text] = deque(maxlen=NEWS_SHOWN)
        self._looks: Looks = {}

    def show(self, looks: Looks, news: list[str]) -> None:
        """Draw the applications, and the news below the older ones."""
        self._looks = looks
        for line in news:
            now = datetime.now().astimezone().strftime("%H:%M:%S")
            self._news.append(Text(f"{now}  ", style="dim").append(one_line(line), style="default"))
        self._live.update(self._picture(), refresh=True)

    def _picture(self) -> Group:
        # A view taller than the terminal would be cut at its end, where the news is.
        room = self._live.console.height - len(self._looks) - 7
        shown = list(self._news)[-max(3, room) :]
        for line in shown:
            line.no_wrap, line.overflow = True, "ellipsis"
        return Group(_table(self._looks), "", *shown, "", Text(FOOTER, style="dim"))


@contextmanager
def live_view() -> Iterator[LiveView]:
    """A view on this terminal, for a ``with`` block; the last picture stays."""
    console = Console(highlight=False)
    with Live(console=console, auto_refresh=False) as live:
        yield LiveView(live)


def _table(looks: Looks) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("APPLICATION", "SYNC", "HEALTH", "REVISION"):
        table.add_column(heading, no_wrap=True)
    # The one column that gives way where the terminal is narrow; its texts are cut and not wrapped.
    table.add_column("LAST MESSAGE")
    for _, look in sorted(looks.items()):
        table.add_row(*_row(look))
    return table


def _row(look: Look) -> list[Text]:
    return [
        Text(one_line(look.name)),
        Text(look.sync or "…", style=COLOURS.get(look.sync, "magenta")),
        Text(look.health or "…", style=COLOURS.get(look.health, "magenta")),
        Text(one_line(look.revision)),
        Text(one_line(look.message), style="dim", no_wrap=True, overflow="ellipsis"),
    ]
