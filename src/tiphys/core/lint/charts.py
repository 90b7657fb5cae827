"""What can be said of a chart by its Chart.yaml and its lock alone."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tiphys.core.lint.finding import Finding, Place

_REMOTE = ("http://", "https://", "oci://", "@", "alias:")
_LOOPBACK = re.compile(r"http://(127\.[\d.]+|localhost|\[::1\])([:/]|$)")


@dataclass(frozen=True, slots=True)
class Dependency:
    """A dependency as Chart.yaml lists it."""

    name: str
    version: str
    repository: str
    exact: bool
    """Whether the version names one version and no range."""


@dataclass(frozen=True, slots=True)
class ChartFacts:
    """What is known of a chart."""

    folder: str
    """From the root of the checkout."""
    text: str
    """Of its Chart.yaml, for the numbers of lines."""
    dependencies: Sequence[Dependency]
    has_lock: bool


def chart_findings(chart: ChartFacts) -> Iterator[Finding]:
    """What a chart's dependencies leave open."""
    remote = [each for each in chart.dependencies if each.repository.startswith(_REMOTE)]
    for each in remote:
        if not each.exact and not chart.has_lock:
            yield _unpinned(chart, each)
        yield from plain_http(each.repository, _place(chart, each))
    if remote and not chart.has_lock:
        names = ", ".join(each.name for each in remote)
        yield Finding(
            "lock-missing",
            Place(_file(chart), 0, chart.folder),
            f"there is no Chart.lock that says which versions of {names} were chosen, nor their digests",
            "run `helm dependency update` there and commit Chart.lock",
        )


def plain_http(url: str, place: Place) -> Iterator[Finding]:
    """Whether a URL is one of plain HTTP that leaves this machine."""
    if url.startswith("http://") and not _LOOPBACK.match(url):
        yield Finding(
            "plain-http",
            place,
            f"{url} is fetched without encryption",
            "use its https:// address, if it has one",
        )


def _unpinned(chart: ChartFacts, dependency: Dependency) -> Finding:
    version = dependency.version or "no version"
    return Finding(
        "version-unpinned",
        _place(chart, dependency),
        f"{dependency.name} asks for {version!r}: what is deployed changes when its repository has a newer one",
        "name one version, or commit a Chart.lock",
    )


def _place(chart: ChartFacts, dependency: Dependency) -> Place:
    found = re.search(
        rf"^[\s-]*name:\s*[\"']?{re.escape(dependency.name)}[\"']?\s*$", chart.text, re.MULTILINE
    )
    line = chart.text.count("\n", 0, found.end()) + 1 if found else 0
    return Place(_file(chart), line, chart.folder)


def _file(chart: ChartFacts) -> str:
    return f"{chart.folder}/Chart.yaml" if chart.folder else "Chart.yaml"
