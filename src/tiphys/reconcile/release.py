"""
The story of a release: images are set in the files of a charts repository, and never is a neighbour overwritten.

Fetch, edit the newest, push; whoever came second does it again on what came first, a little later each time. What
is there already is not set again, so a release whose answer was lost can be repeated.
"""

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from tiphys.core.release.document import File, read
from tiphys.core.release.edit import edited
from tiphys.core.release.images import Wish, spots, together, values
from tiphys.core.release.message import Origin, Released, message, subject
from tiphys.core.release.paths import Place
from tiphys.core.sources.paths import inside, joined
from tiphys.model.commits import Draft, Person
from tiphys.model.errors import SpecError, Unavailable

USUAL_FILES = ("values.yaml", "kustomization.yaml", "kustomization.yml", "Kustomization")
_CHARTS = "charts"
"""Where a chart is looked for that is named without its folder."""
_MOST = 5.0
"""Seconds that nobody pauses longer."""
_MOST_TAGS = 3
"""So many are told by name."""
_TRIES = 3
"""So often in a row may the host not answer."""


class Branch(Protocol):
    """A branch of a charts repository."""

    async def fetch(self) -> str:
        """Its newest commit, asked for now."""

    async def read(self, commit: str, paths: Collection[str]) -> Mapping[str, bytes | None]:
        """The content of files of a commit; ``None`` where there is no file."""

    async def names(self, commit: str, folder: str) -> Sequence[str]:
        """What a folder of a commit holds; empty where there is none."""

    async def commit(self, parent: str, draft: Draft) -> str:
        """A commit on top of another one, that nobody else sees yet."""

    async def push(self, commit: str) -> bool:
        """Make it the branch's newest; ``False`` if somebody else's came first."""


@dataclass(frozen=True, slots=True)
class Part:
    """Images that are set in some charts, and where these images come from."""

    charts: Sequence[str]
    """Folders of the repository, or files in it."""
    wishes: Sequence[Wish]
    origin: Origin = Origin()  # noqa: RUF009 - it is frozen
    file: str = ""
    """Of each chart; empty for the first of the usual ones that it has."""


@dataclass(frozen=True, slots=True)
class Order:
    """What one commit sets, and how it tells of it: one release, or a batch of them."""

    parts: Sequence[Part]
    author: Person
    message: str = ""
    """The user's own words, instead of a subject that names what was set."""


@dataclass(frozen=True, slots=True)
class Change:
    """A value that becomes another one."""

    file: str
    place: Place
    before: str
    after: str
    image: str = ""
    """What the place names then, whole, as far as the file tells."""
    part: int = 0
    """Which part of the order asked for it, the first if several did."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a release ended."""

    commit: str
    """The newest of the branch; its own, if it changed something."""
    changes: Sequence[Change]
    attempts: int = 1


async def release(order: Order, branch: Branch, seconds: float) -> Outcome:
    """
    Bring the order into the branch, as one commit; none if everything is so already.

    Raises ``Unavailable`` if that does not succeed within these seconds: others may always come first.
    """
    until, silent, attempt = monotonic() + seconds, 0, 0
    while True:
        attempt, started = attempt + 1, monotonic()
        try:
            outcome = await _try(order, branch, attempt)
            silent = 0
        except Unavailable:
            outcome, silent = None, silent + 1
            if silent >= _TRIES or monotonic() > until:
                raise
        if outcome:
            return outcome
        if monotonic() > until:
            raise Unavailable(
                f"others came first, {attempt} times within {seconds:g} seconds: nothing was changed; give it longer "
                "with --timeout"
            )
        await asyncio.sleep(_pause(attempt, monotonic() - started))


async def preview(order: Order, branch: Branch) -> Outcome:
    """What a release would change, were it now."""
    tip = await branch.fetch()
    return Outcome(tip, (await _edits(order, tip, branch)).changes)


async def _try(order: Order, branch: Branch, attempt: int) -> Outcome | None:
    """One attempt; ``None`` if somebody else came first."""
    tip = await branch.fetch()
    edits = await _edits(order, tip, branch)
    if not edits.changes:
        return Outcome(tip, (), attempt)
    draft = Draft(edits.files, _message(order, edits.changes), order.author, order.author)
    commit = await branch.commit(tip, draft)
    return Outcome(commit, edits.changes, attempt) if await branch.push(commit) else None


def _message(order: Order, changes: Sequence[Change]) -> str:
    parts = [order.parts[number] for number in sorted({change.part for change in changes})]
    charts = dict.fromkeys(chart for part in parts for chart in part.charts)
    tags = dict.fromkeys(wish.tag or wish.digest[:19] for part in parts for wish in part.wishes)
    what = ", ".join(tags) if len(tags) <= _MOST_TAGS else f"{len(tags)} tags"
    text = order.message or subject(list(charts), what)
    images: dict[int, list[str]] = {}
    for change in changes:
        images.setdefault(change.part, []).extend([change.image] * bool(change.image))
    return message(text, [Released(images[n], order.parts[n].origin) for n in sorted(images)])


def _pause(attempt: int, took: float) -> float:
    """
    Seconds until the next attempt: any time up to a limit that doubles, so that those who met do not meet again.

    The limit is counted in attempts: where the host is slow, or many come at once, an attempt takes longer.
    """
    return random.uniform(0, min(_MOST, took * 2.0 ** min(attempt, 20)))  # noqa: S311 - spreads load, keeps no secret


@dataclass(frozen=True, slots=True)
class Edits:
    """Files that are to have another content, and what changes in them."""

    files: Mapping[str, bytes]
    changes: Sequence[Change]


def edit(contents: Mapping[str, bytes], wishes: Sequence[Wish]) -> Edits:
    """The wishes fulfilled in each of the files. Raises ``SpecError`` where one cannot be."""
    return edit_each(contents, {name: {0: Part([name], wishes)} for name in contents})


def edit_each(contents: Mapping[str, bytes], parts: Mapping[str, Mapping[int, Part]]) -> Edits:
    """What the parts that concern it ask of each file. Raises ``SpecError`` where that cannot be."""
    files: dict[str, bytes] = {}
    changes: list[Change] = []
    for name, content in contents.items():
        file = read(content, name)
        wanted = {number: values(file, part.wishes) for number, part in parts[name].items()}
        after = edited(file, together(file, wanted.values()))
        if after.text != file.text:
            files[name] = after.encoded()
            changes += _changes(file, after, wanted)
    return Edits(files, changes)


def _changes(before: File, after: File, wanted: Mapping[int, Mapping[Place, str]]) -> Sequence[Change]:
    """What is another value now, or is text where it was a number."""
    named = {
        place: str(spot.held) for spot in spots(after) if spot.held.repository for place in spot.places()
    }
    found: dict[Place, Change] = {}
    for number, asked in wanted.items():
        for place, value in asked.items():
            was = before.scalars.get(place)
            if place not in found and not (was and was.is_text and was.value == value):
                earlier = was.value if was else ""
                found[place] = Change(before.name, place, earlier, value, named.get(place, ""), number)
    return list(found.values())


def candidates(chart: str, file: str) -> Sequence[str]:
    """Where the file of a chart may be, the likeliest first."""
    path = inside("", chart, "the chart")
    if path.endswith((".yaml", ".yml")):
        return (path,)
    names = (file,) if file else USUAL_FILES
    folders = (path, joined(_CHARTS, path)) if path else ("",)
    return [inside(folder, name, "--file") for folder in folders for name in names]


async def _edits(order: Order, tip: str, branch: Branch) -> Edits:
    asked = [
        (number, chart, candidates(chart, part.file))
        for number, part in enumerate(order.parts)
        for chart in part.charts
    ]
    found = await branch.read(tip, list(dict.fromkeys(path for _, _, paths in asked for path in paths)))
    chosen: dict[str, dict[int, Part]] = {}
    for number, chart, paths in asked:
        path = next((path for path in paths if found[path] is not None), "")
        if not path:
            raise await _missing(chart, paths, tip, branch)
        chosen.setdefault(path, {})[number] = order.parts[number]
    return edit_each({path: found[path] or b"" for path in chosen}, chosen)


async def _missing(chart: str, paths: Sequence[str], tip: str, branch: Branch) -> SpecError:
    """Says which charts there are, or which files the chart has."""
    for path in paths:
        if there := await branch.names(tip, path.rpartition("/")[0]):
            files = [name for name in there if name.endswith((".yaml", ".yml"))]
            told = f"it has {', '.join(files[:8]) or 'no YAML file'}; name one with --file"
            return SpecError(f"the chart {chart!r} has no {path.rpartition('/')[2]}: {told}")
    there = await branch.names(tip, _CHARTS) or await branch.names(tip, "")
    return SpecError(f"the repository has no chart {chart!r}; there are: {', '.join(there[:20])}")
