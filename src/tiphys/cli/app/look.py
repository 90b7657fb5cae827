"""The commands that only look: ``app list``, ``get``, ``resources`` and ``history``."""

import asyncio
from collections.abc import Sequence

import click

from tiphys.cli.app import views
from tiphys.cli.app.family import Family, family_of
from tiphys.cli.app.names import named_app
from tiphys.cli.app.refresh import refreshed
from tiphys.cli.app.states import states_of
from tiphys.cli.kube import EVERYWHERE, Found, control_plane, readable
from tiphys.cli.options import Access, Flag, command, with_access, with_output, with_selector, with_timeout
from tiphys.cli.output import data, say, table, tell
from tiphys.model.api import Application


@command("list")
@with_output("wide", "name", "json", "yaml")
@with_selector
@click.option(
    "-p",
    "--project",
    "projects",
    metavar="NAME",
    multiple=True,
    help="Those of this project; may be repeated.",
)
@click.option("-r", "--repo", metavar="URL", default="", help="Those from this repository URL.")
@click.option(
    "-c", "--cluster", metavar="CLUSTER", default="", help="Those that go to this cluster, by name or URL."
)
@click.option("-A", "--all-namespaces", is_flag=True, help="Those of all namespaces.")
@with_access
def list_(access: Access, output: str, selector: str, all_namespaces: bool, **wanted: Flag) -> None:
    """List applications."""

    async def told() -> list[Found]:
        async with control_plane(access) as plane:
            return await plane.applications(EVERYWHERE if all_namespaces else "", selector)

    found = [one for one in readable(asyncio.run(told())) if _wanted(one.app, **wanted)]
    match output:
        case "name":
            for one in found:
                say(views.qualified(one.app))
        case "wide":
            say(views.listing(one.app for one in found))
            if not found:
                tell(_nothing(access, selector, all_namespaces=all_namespaces, **wanted))
        case _:
            data([one.body for one in found], output)


def _nothing(access: Access, selector: str, *, all_namespaces: bool, **wanted: Flag) -> str:
    """What there is none of: a table of nothing does not say whether the wrong thing was asked."""
    here = f"namespace {access.app_namespace or access.namespace}; -A looks in all of them"
    asked = " that is selected" if selector or any(wanted.values()) else ""
    return f"There is no Application{asked} in {'any namespace' if all_namespaces else here}."


def _wanted(app: Application, projects: Sequence[str], repo: str, cluster: str) -> bool:
    destination, repos = app.spec.destination, {_bare(s.repo_url) for s in views.sources_of(app)}
    return (
        (not projects or app.spec.project in projects)
        and (not repo or _bare(repo) in repos)
        and (not cluster or cluster in (destination.server, destination.name))
    )


def _bare(url: str) -> str:
    return url.removesuffix("/").removesuffix(".git").lower()


@command(
    epilog="""
\b
Examples:
  tiphys app get homepage
  tiphys app get homepage -o yaml
  tiphys app get homepage --refresh --show-operation
"""
)
@named_app
@with_output("wide", "json", "yaml", "tree")
@click.option("--refresh", is_flag=True, help="Have Git and the cluster looked at again first.")
@click.option("--hard-refresh", is_flag=True, help="As --refresh, and forget what was rendered before.")
@click.option("--show-operation", is_flag=True, help="Show the latest operation.")
@click.option("--show-params", is_flag=True, help="Show Helm parameters.")
@with_timeout(60)
@with_access
def get(access: Access, name: str, output: str, **how: Flag) -> None:
    """Show an application: its source, sync, health and objects."""

    async def told() -> tuple[Found, Family | None]:
        async with control_plane(access) as plane:
            app = plane.named(name)
            if how["refresh"] or how["hard_refresh"]:
                found = await refreshed(plane, app, hard=how["hard_refresh"], seconds=how["timeout"])
            else:
                found = await plane.application(app)
            return found, await family_of(found.app, plane) if output == "tree" else None

    found, family = asyncio.run(told())
    if output in ("json", "yaml"):
        data(found.body, output)
    else:
        shown = {"show_operation": how["show_operation"], "show_params": how["show_params"]}
        say(views.whole(found.app, family, **shown))


@command()
@named_app
@with_output("wide", "json", "yaml", "tree")
@with_access
def resources(access: Access, name: str, output: str) -> None:
    """List the objects of an application."""

    async def told() -> tuple[Found, Family]:
        async with control_plane(access) as plane:
            found = await plane.application(plane.named(name))
            return found, await family_of(found.app, plane) if output == "tree" else {}

    found, family = asyncio.run(told())
    match output:
        case "wide":
            # Orphaned objects are not looked for, so none of these is one; argocd has the column.
            rows = ((*s.key, "No", s.status, s.health) for s in states_of(found.app) if not s.hook)
            say(table((*views.RESOURCES[:4], "ORPHANED", "STATUS", "HEALTH"), rows))
        case "tree":
            say(views.tree(found.app, family))
        case _:
            data(found.body.get("status", {}).get("resources", []), output)


@command()
@named_app
@with_output("wide", "id")
@with_access
def history(access: Access, name: str, output: str) -> None:
    """List the syncs that succeeded; a rollback names one by its id."""

    async def told() -> Found:
        async with control_plane(access) as plane:
            return await plane.application(plane.named(name))

    entries = asyncio.run(told()).app.status.history
    if output == "id":
        for entry in entries:
            say(str(entry.id))
    else:
        say(views.history_table(entries))
