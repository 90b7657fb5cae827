"""
The story of a promotion: what runs healthy by one file is found out, and becomes an order for another file.

The order is then brought into its branch, or proposed, as every release is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tiphys.core.release.document import read
from tiphys.core.release.images import Wish
from tiphys.core.release.message import Origin, one_line
from tiphys.core.release.promotion import promotion, running, unfit
from tiphys.core.release.proposals import head_of
from tiphys.core.release.routes import Route, Ways, named, reading, routes, same_repository, sources_of
from tiphys.model.addresses import shown
from tiphys.model.api import Application
from tiphys.model.commits import Person
from tiphys.model.errors import Refused, SpecError
from tiphys.reconcile.release import Branch, Order, Part

_MOST_ROUTES = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user wants promoted."""

    ways: Ways
    repo: str
    author: Person
    images: Sequence[str] = ()
    """Only these; empty for all that both files name."""
    message: str = ""
    force: bool = False
    """Whatever the Application says of itself."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A promotion that may be carried out."""

    order: Order
    route: Route
    applications: Sequence[str]
    """Those whose word it is that it runs healthy; empty where it is the file's alone."""
    head: str
    """The branch that a pull request would come from."""
    notes: Sequence[str]


async def plan(wanted: Wanted, branch: Branch, applications: Sequence[Application] | None) -> Plan:
    """
    What a promotion is to change; ``None`` for Applications where there is no cluster to ask.

    Raises ``Refused`` if what runs is not healthy, ``SpecError`` where there is nothing to promote.
    """
    tip = await branch.fetch()
    route, contents = await _found(wanted, tip, branch, applications or ())
    source, target = (
        read(content, name) for content, name in zip(contents, (route.source, route.target), strict=True)
    )
    asked, notes = _asked(wanted, route, applications)
    seen = [] if wanted.force else [running(application) for application in asked]
    made = promotion(source, target, wanted.images, seen)
    names = [_name(application) for application in asked]
    digests = sorted({image.digest for image in made.images})
    origin = Origin(digests[0]) if len(digests) == 1 else Origin()
    trailers = [f"Promoted-From: {route.source}@{tip}", *(f"Promoted-Application: {name}" for name in names)]
    text = f"{_text(wanted, made.wishes)}\n\n{chr(10).join(trailers)}"
    order = Order([Part([route.target], made.wishes, origin)], wanted.author, text)
    return Plan(order, route, names, _head(wanted.ways, made.wishes), [*notes, *made.notes])


def repository_of(ways: Ways, applications: Sequence[Application]) -> str:
    """The repository of the Application that is promoted from. Raises ``SpecError`` where none is meant."""
    for application in named(ways.app, ways.source, applications):
        for source in sources_of(application):
            if source.path or source.ref:
                return source.repo_url
    names = ", ".join(sorted(application.metadata.name for application in applications)[:12])
    raise SpecError(
        f"no Application is called {ways.app} or {ways.app}-{ways.source}: name the charts repository with --repo"
        + (f"; there are: {names}" if names else "")
    )


async def _found(
    wanted: Wanted, tip: str, branch: Branch, applications: Sequence[Application]
) -> tuple[Route, tuple[bytes, bytes]]:
    """The first of the possible routes whose two files are there."""
    possible = routes(wanted.ways, applications, wanted.repo)
    paths = dict.fromkeys(path for route in possible for path in (route.source, route.target))
    there = await branch.read(tip, list(paths))
    for route in possible:
        source, target = there[route.source], there[route.target]
        if source is not None and target is not None:
            return route, (source, target)
    raise _missing(wanted.ways, possible, {path for path, content in there.items() if content is not None})


def _missing(ways: Ways, possible: Sequence[Route], there: set[str]) -> SpecError:
    if ways.source == ways.target:
        return SpecError(f"--from and --to are both {ways.source}: name two environments, or two files")
    halves = [route for route in possible if route.source in there]
    if halves:
        return SpecError(
            f"{halves[0].source} is there, and nothing to promote it to: {halves[0].target} is missing; name the file "
            "with --to"
        )
    looked = ", ".join(f"{route.source} and {route.target}" for route in possible[:_MOST_ROUTES])
    return SpecError(
        f"the repository has no files of {ways.app} for {ways.source} and {ways.target} (looked for {looked} …): name "
        "them with --from and --to, like --from values-dev.yaml"
    )


def _asked(
    wanted: Wanted, route: Route, applications: Sequence[Application] | None
) -> tuple[Sequence[Application], Sequence[str]]:
    """The Applications whose word counts, and what to note. Raises ``Refused`` if one of them is not well."""
    if applications is None:
        return (), [f"no cluster was asked: what {route.source} says is taken as it is"]
    found = _those(wanted, route, applications)
    if not found:
        if wanted.force:
            return (), [f"no Application reads {route.source}: taken as it is"]
        raise Refused(
            f"no Application of this cluster reads {route.source}, so nobody says that it runs healthy: choose another "
            f"cluster with --context, or take what the file says with --offline{_elsewhere(wanted, applications)}"
        )
    ill = [f"{_name(application)}: {why}" for application in found if (why := unfit(application))]
    if ill and not wanted.force:
        raise Refused(
            f"what runs is not to be promoted: {'; '.join(ill)}; see `tiphys app get`, or promote what the file says "
            "with --force"
        )
    return found, [f"promoted all the same: {each}" for each in ill]


def _elsewhere(wanted: Wanted, applications: Sequence[Application]) -> str:
    """Whether an Application of the name is there after all, of a repository with another URL."""
    ways = wanted.ways
    for application in named(ways.app, ways.source, applications):
        urls = dict.fromkeys(source.repo_url for source in sources_of(application))
        if urls and not any(same_repository(url, wanted.repo) for url in urls):
            return f"; {_name(application)} reads {', '.join(map(shown, urls))}, and not {shown(wanted.repo)}"
    return ""


def _those(wanted: Wanted, route: Route, applications: Sequence[Application]) -> Sequence[Application]:
    """The one that was named if it reads the file, else all that do."""
    there = reading(route.source, applications, wanted.repo)
    for application in named(wanted.ways.app, wanted.ways.source, there):
        return [application]
    return there


def _text(wanted: Wanted, wishes: Sequence[Wish]) -> str:
    tags = ", ".join(dict.fromkeys(wish.tag or wish.digest[:19] for wish in wishes))
    ways = wanted.ways
    return wanted.message or one_line(
        f"Promote {_short(ways.app)} from {ways.source} to {ways.target}: {tags}"
    )


def _head(ways: Ways, wishes: Sequence[Wish]) -> str:
    return head_of([f"{_short(ways.app)}-{ways.target}"], [replace(wish, path="") for wish in wishes])


def _name(application: Application) -> str:
    return f"{application.metadata.namespace}/{application.metadata.name}".lstrip("/")


def _short(app: str) -> str:
    return app.strip("/").rpartition("/")[2] or app
