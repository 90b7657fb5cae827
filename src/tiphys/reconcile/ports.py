"""
What the stories need of the outside, in their own words.

The adapters fulfil these by shape and never import them; ``wiring`` brings the two together. Every call may raise
``Unavailable`` when the thing outside does not answer, and ``SpecError`` when what it was asked for is wrong.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from tiphys.model.api import Application, AppProject
from tiphys.model.flow import Command, Predicted, Result
from tiphys.model.objects import AppName, Body, Catalog, Key, Kind, Live, Manifest
from tiphys.model.rendering import ChartPin, ChartRender, CommitMeta, Entry, Rendered, RenderedObject, Tip


class Repositories(Protocol):
    """Git repositories, each cloned once for all its applications."""

    def of(self, project: str) -> "Repositories":
        """The same, read on behalf of a project: by credentials that are for it, or else by those that are for all."""

    def scope(self, repo: str, project: str) -> str:
        """The project, if a repository is read by credentials that are for it alone; else empty."""

    async def resolve(self, repo: str, revision: str) -> Tip:
        """Ask the remote, now, where a branch, tag, SHA or ``HEAD`` points to: one small request."""

    async def entries(self, repo: str, sha: str, paths: Collection[str]) -> Mapping[str, Entry | None]:
        """
        What lies at each path of a commit (``None`` where nothing does), fetching the commit if it is not here.

        Where a folder holds symlinks, what they point to inside the repository is among the answers too, so that
        the ids together name everything that reading the paths can see.
        """

    async def files(self, repo: str, sha: str, folder: str) -> Sequence[str]:
        """Every file at any depth below a folder, relative to it, sorted; empty where there is no such folder."""

    async def read(self, repo: str, sha: str, path: str) -> bytes:
        """The content of a file."""

    async def lay(self, repo: str, sha: str, paths: Collection[str], into: Path) -> None:
        """Write the files at and below the paths into a folder, at the same relative places, symlinks resolved."""

    async def commit(self, repo: str, sha: str) -> CommitMeta:
        """Author, date and message of a commit."""

    async def between(
        self, repo: str, older: str, newer: str, paths: Collection[str]
    ) -> Sequence[CommitMeta]:
        """
        The commits that led from one to another and changed what lies at one of the paths, newest first.

        Where the older one is not known it is the newest such commit alone; none where that is long ago.
        """

    async def is_ancestor(self, repo: str, older: str, newer: str) -> bool:
        """Whether ``newer`` has ``older`` in its history."""


class ChartRepositories(Protocol):
    """Chart repositories over HTTP, with a durable cache."""

    def of(self, project: str) -> "ChartRepositories":
        """The same, read on behalf of a project."""

    async def versions(self, repository: str, name: str) -> Sequence[str]:
        """The versions that the repository's index lists of a chart."""

    async def fetch(self, pin: ChartPin) -> Path:
        """The chart's archive on disk, from the cache if it was ever fetched."""


class Renderer(Protocol):
    """The canonical engines, in a child process."""

    async def render_chart(self, chart: ChartRender) -> Rendered:
        """A Helm chart's objects."""

    async def decode_files(self, files: Sequence[Path], root: Path) -> Sequence[RenderedObject]:
        """The objects of YAML and JSON files under ``root``, named relative to it."""

    async def decode_text(self, text: str, name: str) -> Sequence[Body]:
        """The documents of one YAML text; errors call it ``name``."""

    async def best_version(self, constraint: str, versions: Sequence[str]) -> str | None:
        """The highest version that Helm would choose for a constraint."""

    async def paths(self, expression: str, value: object, most: int) -> Sequence[Sequence[object]]:
        """
        Where a jq path expression leads to in a value, as jq writes paths; nowhere where it does not fit.

        Raises ``SpecError`` for what is no path expression, does not end in time, or has more than ``most`` places.
        """


class RenderCache(Protocol):
    """Renders by the key of what they read; survives restarts."""

    async def get(self, key: str) -> bytes | None:
        """What was kept under the key."""

    async def put(self, key: str, value: bytes) -> None:
        """Keep it; what was not asked for in a long time may be forgotten."""


class Discovery(Protocol):
    """What a cluster can do, as charts see it in ``.Capabilities``."""

    async def catalog(self) -> Catalog:
        """What the API server serves, as of the newest discovery."""


class Workshop(Protocol):
    """What rendering reaches: a part of a ``World``, and all that rendering without a cluster needs."""

    @property
    def repositories(self) -> Repositories:
        """Where sources come from."""

    @property
    def charts(self) -> ChartRepositories:
        """Where dependencies come from."""

    @property
    def renderer(self) -> Renderer:
        """The engines."""

    @property
    def engines(self) -> str:
        """The version of the engines, part of every render's key."""

    @property
    def cache(self) -> RenderCache:
        """Earlier renders."""

    @property
    def cluster(self) -> Discovery:
        """The cluster that is rendered for."""

    @property
    def workspace(self) -> Callable[[], AbstractContextManager[str]]:
        """A fresh folder for one render, gone afterwards."""


class Cluster(Discovery, Protocol):
    """A cluster, watched."""

    async def watch(self, kinds: Collection[Kind]) -> None:
        """From now on follow these kinds; returns when each was listed once (or is not served)."""

    async def observe(self, keys: Collection[Key]) -> Mapping[Key, Live]:
        """
        The live objects of the keys; an absent key has no object.

        Never older than our own last write to the object.
        """

    @property
    def unreadable(self) -> Mapping[Key, str]:
        """The keys of which ``observe`` could not tell the last time whether there is an object, and why."""

    @property
    def unwatched(self) -> Mapping[Kind, str]:
        """The followed kinds of which nothing is heard at the moment, and why: what is known of them may be old."""

    def tracked(self, application: str) -> Sequence[Live]:
        """Live objects of the followed kinds whose tracking id names the application, as far as watches told."""

    def of_kinds(self, kinds: Collection[Kind]) -> Sequence[Live]:
        """Every live object of kinds that are kept whole (autoscalers)."""

    async def predict(self, target: Manifest) -> Predicted:
        """What a dry-run server-side apply of the target would give."""

    async def perform(self, command: Command) -> Result:
        """Do what was decided. A refusal by the API server is a failed ``Result``, not an error."""

    async def patch(self, key: Key, patch: Body, resource_version: str = "") -> Live | None:
        """Merge-patch (RFC 7386) exactly this version of an object; raises ``Stale`` if there is another one."""


class Applications(Protocol):
    """The Applications and AppProjects of the control plane's cluster, watched."""

    def get(self, name: AppName) -> Application | None:
        """The Application as last seen, never older than our own last write; raises ``SpecError`` if malformed."""

    def known(self, name: AppName) -> bool:
        """Whether there is an Application of the name, malformed or not."""

    def names(self) -> Sequence[AppName]:
        """Every Application known."""

    def project(self, name: str) -> AppProject | None:
        """A project of the control plane's namespace."""

    async def patch(self, name: AppName, patch: Body, resource_version: str = "") -> Application | None:
        """
        Merge-patch (RFC 7386) an Application and answer how it is then, ``None`` if it is gone.

        With a ``resource_version`` the patch holds only for that version; otherwise raises ``Stale``.
        """


class Meter(Protocol):
    """What is measured of the work."""

    def took(self, project: str, seconds: Mapping[str, float]) -> None:
        """
        A commit of one of the project's applications came further: the seconds of each stage, each told once.

        ``detected``, ``rendered``, ``started``, ``applied``, ``healthy``: since what has to come before. ``sync``:
        from the commit until it was applied. ``total``: from the first that is known of it until it was healthy.
        """
