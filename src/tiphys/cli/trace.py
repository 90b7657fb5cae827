"""``tiphys trace``: when a commit came how far, from its build to healthy, and how long each step took."""

import asyncio
from collections.abc import Sequence
from time import monotonic

import click

from tiphys.cli.app.names import complete
from tiphys.cli.kube import EVERYWHERE, ControlPlane, control_plane, readable
from tiphys.cli.options import Access, command, with_access, with_output, with_timeout
from tiphys.cli.output import data, say, tell
from tiphys.cli.tracing.commits import Trace, at_newest, error_of, is_meant, meant_by, timeline_of
from tiphys.cli.tracing.following import Following, appearing
from tiphys.cli.tracing.view import facts, listing, text
from tiphys.core.timeline.entries import Entry
from tiphys.model.api import Application
from tiphys.model.errors import SpecError

_WAIT = 300
_NAMED = 8
"""So many applications are named where nothing is known."""


@command(
    epilog="""
\b
Examples:
  tiphys trace 1f3a2b4                          a commit, of the charts or of the application's repository
  tiphys trace ghcr.io/example/homepage:1f3a2b4  an image; its tag or its digest alone will do
  tiphys trace homepage                         the newest commits of an Application
  tiphys trace "$GITHUB_SHA" --wait             until it is live; fails where it fails
"""
)
@click.argument("word", metavar="SHA|IMAGE|APP", shell_complete=complete)
@click.option("--wait", is_flag=True, help="Follow it until it is live, also if nobody knows it yet.")
@with_timeout(_WAIT)
@click.option("-A", "--all-namespaces", is_flag=True, help="Look at the Applications of all namespaces.")
@with_output("text", "json", "yaml")
@with_access
def trace(access: Access, word: str, wait: bool, timeout: int, output: str, all_namespaces: bool) -> None:
    """Show when a commit or an image became live, step by step, and how long each step took."""
    place = EVERYWHERE if all_namespaces else ""

    async def run() -> tuple[list[Trace], list[Application]]:
        async with control_plane(access) as plane:
            if wait:
                return await _waited(plane, word, place, timeout), []
            apps = [found.app for found in readable(await plane.applications(place))]
            return meant_by(word, apps), apps

    traces, apps = asyncio.run(run())
    if not traces and not (at := at_newest(word, apps)):
        raise _unknown(word, apps)
    if output != "text":
        data([facts(each) for each in traces], output)
    elif traces:
        _show(traces)
    else:
        names = ", ".join(sorted(app.metadata.name for app in at))
        tell(
            f"Commit {word[:12]} was seen, and changed nothing of what these render from: {names}{_broken(apps)}"
        )


def _show(traces: Sequence[Trace]) -> None:
    """Of each application the newest commit whole; of one that was named the earlier ones too, a line each."""
    newest = {each.app.metadata.namespace + "/" + each.app.metadata.name: each for each in reversed(traces)}
    say(text(list(newest.values())))
    earlier = [each for each in traces if each not in newest.values()]
    if earlier:
        say(f"\nEarlier:\n\n{listing(earlier)}")


async def _waited(plane: ControlPlane, word: str, place: str, seconds: int) -> list[Trace]:
    """The commit once it is live wherever it is known."""
    named = {found.app.metadata.name for found in readable(await plane.applications(place))}

    def wanted(app: Application) -> Entry | None:
        if word in (app.metadata.name, f"{app.metadata.namespace}/{app.metadata.name}"):
            return timeline_of(app).at
        known = reversed(timeline_of(app).entries) if word not in named else ()
        return next((entry for entry in known if is_meant(word, entry)), None)

    began = monotonic()
    names = await appearing(plane, place, wanted, seconds)
    left = max(seconds - (monotonic() - began), 1.0) if seconds else 0
    return await Following(plane, wanted).run(names, left)


def _unknown(word: str, apps: Sequence[Application]) -> SpecError:
    """Why nothing is known of a word, as far as can be told, and what is."""
    if not apps:
        return SpecError(
            f"nothing is known of {word!r}: there is no Application here; -A looks in all namespaces"
        )
    newest = [f"{app.metadata.name} ({entry.revision[:7]})" for app in apps if (entry := timeline_of(app).at)]
    if not newest:
        return SpecError(
            f"nothing is known of {word!r}: no Application here notes its commits: is the engine running, and as new "
            "as this command?"
        )
    known = ", ".join(newest[:_NAMED]) + (" …" if len(newest) > _NAMED else "")
    return SpecError(
        f"nothing is known of {word!r} by any of {len(apps)} Applications, the newest commits of which are: {known}. "
        "Either it is not detected yet (--wait waits for it), or it is of another repository or branch, changed "
        "nothing that they render from, or is older than what they note" + _broken(apps)
    )


def _broken(apps: Sequence[Application]) -> str:
    """The applications of which nobody knows what they would render from."""
    said = [f"; {app.metadata.name} is {why}" for app in apps if (why := error_of(app))]
    return "".join(said[:_NAMED])
