"""
Where an application's images are written down for one environment, and where for another one.

People lay this out in a few ways: a values file for each environment in one chart, or a chart for each. What
Applications read is surer than any habit, so it comes first where they are known.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tiphys.model.addresses import shown
from tiphys.model.api import Application, ApplicationSource

_IN_CHART = (
    "values-{}.yaml",
    "values.{}.yaml",
    "{}-values.yaml",
    "{}.yaml",
    "values/{}.yaml",
    "values/values-{}.yaml",
    *(f"{folder}{{}}.yaml" for folder in ("env/", "envs/", "environments/")),
    *(f"{folder}{{}}/values.yaml" for folder in ("", "env/", "envs/", "environments/")),
    *(f"{folder}{{}}/kustomization.yaml" for folder in ("overlays/", "", "env/", "envs/", "environments/")),
)
"""Files of one chart or overlay; the braces are the environment."""
_CHARTS = (
    "{app}-{env}",
    "{env}-{app}",
    "{env}/{app}",
    "{app}/{env}",
    "envs/{env}/{app}",
    "environments/{env}/{app}",
)
"""Folders of a chart for each environment."""
_OF_CHART = ("values.yaml", "kustomization.yaml")
_ROOTS = ("", "charts/", "apps/")
_FILES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Route:
    """From one file of the repository to another."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Ways:
    """What a user says of a promotion: which application, from which environment to which."""

    app: str
    """The name of a chart, its folder, or the name of an Application."""
    source: str
    """An environment like ``dev``, or a file."""
    target: str


def routes(ways: Ways, applications: Sequence[Application], repo: str) -> Sequence[Route]:
    """Where the two files may be, the likeliest first; whether they are there, others find out."""
    found = [*_by_applications(ways, applications, repo), *_by_habit(ways)]
    return [route for route in dict.fromkeys(found) if route.source != route.target]


def named(app: str, environment: str, applications: Sequence[Application]) -> Sequence[Application]:
    """The Applications that somebody means by these: ``homepage-dev`` by homepage and dev, the surest first."""
    names = (f"{app}-{environment}", f"{environment}-{app}", app)
    by_name = {application.metadata.name: application for application in applications}
    return [by_name[name] for name in names if name in by_name]


def reading(file: str, applications: Sequence[Application], repo: str) -> Sequence[Application]:
    """The Applications that read a file of the repository, those that read it last of all first."""
    ranks = [(files_of(a, repo).index(file), a) for a in applications if file in files_of(a, repo)]
    return [application for rank, application in ranks if rank == min(each for each, _ in ranks)]


def sources_of(application: Application) -> Sequence[ApplicationSource]:
    """Where an Application's manifests come from."""
    spec = application.spec
    return spec.sources or ((spec.source,) if spec.source else ())


def files_of(application: Application, repo: str = "") -> Sequence[str]:
    """
    The files that an Application of the repository (empty for any) reads its images from.

    The one whose values win comes first.
    """
    sources = sources_of(application)
    here = [source for source in sources if not repo or same_repository(source.repo_url, repo)]
    refs = {f"${source.ref}" for source in here if source.ref}
    found: list[str] = []
    for source in sources:
        files = source.helm.value_files if source.helm else ()
        for file in reversed(files):
            first, _, rest = file.partition("/")
            if first in refs:
                found.append(posixpath.normpath(rest))
            elif source in here and not file.startswith(("$", "http://", "https://")):
                found.append(
                    posixpath.normpath(file[1:] if file.startswith("/") else f"{source.path}/{file}")
                )
        if source in here and not source.chart:
            found += [posixpath.normpath(f"{source.path}/{name}") for name in _OF_CHART]
    return list(dict.fromkeys(found))


def same_repository(one: str, other: str) -> bool:
    """Whether two URLs lead to one repository, whatever protocol and user they name."""
    return _place(one) == _place(other)


def _place(url: str) -> str:
    text = shown(url.strip()).rstrip("/").removesuffix(".git")
    scp = re.fullmatch(r"(?:[\w.-]+@)?([\w.-]+):(?!//)(.+)", text)
    host, _, path = (f"{scp[1]}/{scp[2]}" if scp else text.partition("://")[2]).partition("/")
    return f"{host.lower()}/{path.strip('/')}"


def _by_applications(ways: Ways, applications: Sequence[Application], repo: str) -> Iterator[Route]:
    for application in named(ways.app, ways.source, applications):
        files = files_of(application, repo)
        for file in files:
            if moved := _moved(file, ways):
                yield Route(file, moved)
        name = _moved(application.metadata.name, ways) or f"{ways.app}-{ways.target}"
        for other in (a for a in applications if a.metadata.name == name):
            yield from map(Route, files, files_of(other, repo))


def _by_habit(ways: Ways) -> Iterator[Route]:
    app = ways.app.strip("/")
    roots = ("",) if app.startswith(_ROOTS[1:]) else _ROOTS
    for root in roots:
        yield from map(Route, _files(root, app, ways.source), _files(root, app, ways.target))
        if _is_file(ways.source) or _is_file(ways.target):
            sources, targets = _files(root, app, ways.source), _files(root, app, ways.target)
            yield from (Route(source, target) for source in sources for target in targets)
        if moved := _moved(app, ways):
            yield from (Route(f"{root}{app}/{name}", f"{root}{moved}/{name}") for name in _OF_CHART)


def _files(root: str, app: str, environment: str) -> Sequence[str]:
    if _is_file(environment):
        return [environment.strip("/"), f"{root}{app}/{environment.strip('/')}"]
    folder, _, name = f"{root}{app}".rpartition("/")
    above = f"{folder}/" * bool(folder)
    charts = [above + chart.format(app=name, env=environment) for chart in _CHARTS]
    return [
        *(f"{root}{app}/{file.format(environment)}" for file in _IN_CHART),
        *(f"{chart}/{name}" for chart in charts for name in _OF_CHART),
    ]


def _moved(text: str, ways: Ways) -> str:
    """The text with the other environment in it; empty if the first is not in it as a word of its own."""
    if _is_file(ways.source) or _is_file(ways.target) or not ways.source:
        return ""
    word = rf"(?<![A-Za-z0-9]){re.escape(ways.source)}(?![A-Za-z0-9])"
    moved = re.sub(word, lambda _: ways.target, text)
    return moved if moved != text else ""


def _is_file(text: str) -> bool:
    return text.endswith(_FILES)
