"""
The story of watched images: find the newest that each policy allows, compare with what the files in Git say, and
bring what is newer into each branch as one commit.

What runs is not asked: Git says what is wanted, and a sync follows Git. What goes wrong for one image concerns that
image, and what goes wrong for one branch the applications that follow it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from tiphys.core.images.annotations import Watched, Watching
from tiphys.core.images.docker_config import login
from tiphys.core.images.names import same
from tiphys.core.images.policies import Order
from tiphys.core.images.watched import asks, watching
from tiphys.core.projects import permits
from tiphys.core.release.document import File, read
from tiphys.core.release.images import Spot, Wish, meant, spots
from tiphys.core.release.references import Reference
from tiphys.core.sources.paths import inside, joined
from tiphys.core.sources.tools import KUSTOMIZATIONS, folder_of, source_of
from tiphys.model.api import Application, HelmSource
from tiphys.model.errors import Refused, SpecError, TiphysError, Unavailable
from tiphys.model.images import Login
from tiphys.model.objects import AppName
from tiphys.reconcile.application import followed
from tiphys.reconcile.image_commits import Setting, expect_possible, order_of
from tiphys.reconcile.newest_image import Choice, Chooser, Registry, Shelf, newest
from tiphys.reconcile.permitted import project_of
from tiphys.reconcile.release import Branch, release
from tiphys.reconcile.together import together
from tiphys.reconcile.world import World

_PATIENCE = 120.0
"""Seconds for bringing a commit into a branch."""


class Keyring(Protocol):
    """Who we are to registries."""

    async def docker_config(self, namespace: str, secret: str) -> bytes:
        """The docker config in a Secret; the engine's own, or nothing, for an empty name."""


class Branches(Protocol):
    """Branches that may be committed to."""

    def open(self, repo: str, name: str) -> AbstractAsyncContextManager[Branch]:
        """A branch, empty for the repository's default one, with the credentials that may write there."""


@dataclass(frozen=True)
class Outside:
    """What the story reaches besides the world of all stories."""

    world: World
    registry: Registry
    chooser: Chooser
    keyring: Keyring
    branches: Branches


@dataclass(frozen=True, slots=True)
class Target:
    """A branch of a repository."""

    repo: str
    branch: str
    """Empty for the repository's default one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of a watched image after a look at it."""

    application: AppName
    watched: Watched
    target: Target
    file: str = ""
    place: str = ""
    """Where in the file the image is named."""
    held: Reference | None = None
    """What the file names now."""
    choice: Choice | None = None
    """What the policy chose."""
    wish: Wish | None = None
    """What is to be set in the file; ``None`` if it is so already."""
    problem: str = ""


@dataclass
class Round:
    """What one look at all watched images found and did."""

    findings: list[Finding] = field(default_factory=list)
    problems: dict[AppName, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What people should know, by application."""
    commits: dict[Target, str] = field(default_factory=dict)
    """What was pushed."""
    unwritten: dict[Target, str] = field(default_factory=dict)
    """Why nothing was."""

    def told_to(self, name: AppName) -> Sequence[str]:
        """What an application's people should know."""
        branches = {each.target for each in self.findings if each.application == name and each.wish}
        return [*self.problems.get(name, ()), *(self.unwritten[t] for t in branches & self.unwritten.keys())]

    @property
    def wishes(self) -> Mapping[Target, Sequence[Finding]]:
        """What is to be set, by branch."""
        found = defaultdict[Target, list[Finding]](list)
        for each in self.findings:
            if each.wish:
                found[each.target].append(each)
        return found


async def watch(
    names: Sequence[AppName], outside: Outside, resting: frozenset[Target] = frozenset()
) -> Round:
    """
    Look at the watched images of applications, and commit what is newer.

    To a branch in ``resting`` nothing is written: it was tried lately, in vain.
    """
    told = await look(names, outside)
    due = {target: findings for target, findings in told.wishes.items() if target not in resting}
    await together(_written(target, findings, told, outside) for target, findings in due.items())
    return told


async def look(names: Sequence[AppName], outside: Outside) -> Round:
    """What is watched, and what is newer than the files say. Changes nothing."""
    told = Round()
    found = await together(_looked(name, told, outside) for name in names)
    told.findings = _without_quarrels([each for findings in found for each in findings])
    for each in told.findings:
        if each.problem:
            told.problems[each.application].append(each.problem)
    return told


def those_that_ask(world: World) -> Sequence[AppName]:
    """The applications with an annotation about images; nobody else costs anything."""
    return [name for name in world.applications.names() if _asks(name, world)]


def _asks(name: AppName, world: World) -> bool:
    try:
        application = world.applications.get(name)
    except SpecError:
        return False  # its own story tells it
    if application is None or application.metadata.deletion_timestamp:
        return False
    return asks(application.metadata.annotations)


async def _looked(name: AppName, told: Round, outside: Outside) -> Sequence[Finding]:
    """One application's images; what goes wrong is told, and concerns no other."""
    try:
        if not (application := outside.world.applications.get(name)):
            return ()
        wanted = watching(application.metadata.annotations)
        told.problems[name] += wanted.problems
        if not wanted.images:
            return ()
        target, files = await _files(application, wanted, outside.world)
    except TiphysError as error:
        told.problems[name].append(f"images are not watched: {error}")
        return ()
    return await together(
        _found(Finding(name, image, target), application, files, outside) for image in wanted.images
    )


def _without_quarrels(findings: Sequence[Finding]) -> list[Finding]:
    """Where two want different images in one place, neither gets its way: they would commit in turns for ever."""
    chosen = defaultdict[tuple[Target, str, str], set[Choice]](set)
    for each in findings:
        if each.choice:
            chosen[each.target, each.file, each.place].add(each.choice)
    quarrel = "{0} of {1} is watched twice, and the policies choose {2}: leave one of them away"
    return [
        replace(
            each,
            wish=None,
            problem=quarrel.format(each.place, each.file, " and ".join(sorted(c.tag for c in choices))),
        )
        if len(choices := chosen[each.target, each.file, each.place]) > 1
        else each
        for each in findings
    ]


async def _files(
    application: Application, wanted: Watching, world: World
) -> tuple[Target, Mapping[str, File | None]]:
    """The branch that an application follows, and the files of its newest commit that may name images."""
    project, source = project_of(application, world), source_of(application)
    refusal = permits.source(project, source) or permits.application(project, application.metadata.namespace)
    if refusal:
        raise Refused(refusal)
    follows = followed(application)
    if wanted.branch:
        follows = replace(follows, revision=wanted.branch)
    reading = await world.tips.of(follows)
    if not reading.tip:
        raise reading.error or Unavailable(f"{follows.revision} is not known yet")
    target = Target(follows.repo, _branch(follows.revision, reading.tip.ref))
    paths = list(dict.fromkeys(path for image in wanted.images for path in _paths(application, image)))
    repositories = world.repositories.of(follows.project)
    entries = await repositories.entries(follows.repo, reading.tip.sha, paths)
    found: dict[str, File | None] = dict.fromkeys(paths)
    for path in [path for path in paths if entries[path]]:
        found[path] = read(await repositories.read(follows.repo, reading.tip.sha, path), path)
    return target, found


def _branch(revision: str, ref: str) -> str:
    """The branch that a followed revision is."""
    if ref.startswith("refs/heads/"):
        return ref.removeprefix("refs/heads/")
    if revision == "HEAD":
        return ""
    raise SpecError(f"spec.source.targetRevision {revision} is no branch, so no commit would be followed")


def _paths(application: Application, image: Watched) -> Sequence[str]:
    """
    Where an image may be named, what wins in a render first.

    Only files of the application itself: its neighbours in the repository are not its to change.
    """
    source = source_of(application)
    folder, helm = folder_of(source), source.helm or HelmSource()
    values = [inside(folder, path, "spec.source.helm.valueFiles") for path in helm.value_files]
    if not image.file:
        return [*reversed(values), *(joined(folder, n) for n in ("values.yaml", *KUSTOMIZATIONS))]
    path = inside(folder, image.file, "the file of a watched image")
    if path not in values and folder and not path.startswith(f"{folder}/"):
        raise SpecError(f"{path} is neither in {folder} nor among the application's value files")
    return [path]


async def _found(
    finding: Finding, application: Application, files: Mapping[str, File | None], outside: Outside
) -> Finding:
    """What is to be set for an image, or why that cannot be told."""
    image = finding.watched
    try:
        file, spot = _spot(image, [files[path] for path in _paths(application, image)], application)
        _expect_effect(application, spot)
        shelf = Shelf(
            image.repository,
            outside.registry,
            outside.chooser,
            await _login(image, application.metadata.namespace, outside.keyring),
        )
        choice = await newest(image.policy, shelf)
        wish = await _wish(image, spot, choice, shelf)
        if wish:
            expect_possible(file, wish)
    except TiphysError as error:
        said, name = str(error), str(image.repository)
        return replace(finding, problem=said if said.startswith(name) else f"{name}: {said}")
    return replace(finding, file=file.name, place=str(spot), held=spot.held, choice=choice, wish=wish)


def _spot(image: Watched, files: Iterable[File | None], application: Application) -> tuple[File, Spot]:
    """Where an image is named, the file that wins first. Raises ``SpecError`` where it is not."""
    there = [file for file in files if file]
    for file in there:
        if found := _named(image, file):
            return file, found
    looked = ", ".join(file.name for file in there) or "no file"
    what = f"value {image.place}" if image.place else "image of this repository"
    raise SpecError(
        f"{application.metadata.name} has no {what} in {looked}; say where it is with path: or file:"
    )


def _expect_effect(application: Application, spot: Spot) -> None:
    """Raises ``SpecError`` where the Application sets the value itself, which outranks any file."""
    helm = source_of(application).helm or HelmSource()
    places = {_words(place.path) for place in spot.places()}
    for parameter in helm.parameters:
        if parameter.name in places:
            raise SpecError(
                f"spec.source.helm.parameters sets {parameter.name}, which outranks the files: remove it there"
            )


def _words(path: Sequence[str | int]) -> str:
    return ".".join(map(str, path))


def _named(image: Watched, file: File) -> Spot | None:
    """Where a file names an image, if it does."""
    if image.place:
        with suppress(SpecError):
            return meant(file, Wish("any", path=image.place))[0]
        return None
    return next((spot for spot in spots(file) if same(spot.held.repository, image.repository)), None)


async def _login(image: Watched, namespace: str, keyring: Keyring) -> Login | None:
    if image.secret and image.namespace not in ("", namespace):
        raise SpecError(f"the Secret {image.namespace}/{image.secret} is not in the Application's namespace")
    config = await keyring.docker_config(namespace, image.secret)
    where = f"the Secret {namespace}/{image.secret}" if image.secret else "the engine's docker config"
    found = login(config, image.repository, where)
    if image.secret and not found:
        raise SpecError(f"{where} has no credentials for {image.repository.registry}")
    return found


async def _wish(image: Watched, spot: Spot, choice: Choice, shelf: Shelf) -> Wish | None:
    """What is to be set; ``None`` if the file says it already. A digest that stands in the file follows the tag."""
    held = spot.held
    follows = image.policy.order is Order.DIGEST
    if held.tag == choice.tag and (not follows or held.digest == choice.digest):
        return None
    digest = choice.digest
    if held.digest and not digest:
        digest = await shelf.digest(choice.tag)
    where = {"path": image.place} if image.place else {"repository": held.repository}
    return Wish(choice.tag, digest, pin=bool(digest), **where)


async def _written(target: Target, findings: Sequence[Finding], told: Round, outside: Outside) -> None:
    """The wishes of a branch as one commit; what goes wrong is told to those who follow it."""
    settings = [Setting(f.application.name, f.file, f.wish, _why(f)) for f in findings if f.wish]
    try:
        async with (
            asyncio.timeout(2 * _PATIENCE),
            outside.branches.open(target.repo, target.branch) as branch,
        ):
            outcome = await release(order_of(settings), branch, _PATIENCE)
    except TimeoutError:
        why = f"not done within {2 * _PATIENCE:g} s"
    except TiphysError as error:
        why = str(error)
    else:
        if outcome.changes:
            told.commits[target] = outcome.commit
        return
    told.unwritten[target] = f"newer images are not committed: {why}"


def _why(finding: Finding) -> str:
    """The line of a commit's message that tells of an image."""
    held, choice = finding.held, finding.choice
    assert held  # noqa: S101 - a wish has both
    assert choice  # noqa: S101
    before, after = (
        f"{each.tag}{f'@{each.digest[:19]}' if each.digest else ''}" or "nothing" for each in (held, choice)
    )
    return f"{finding.watched.repository} {before} -> {after} ({finding.watched.policy})"
