"""
The cluster that a release is brought to, as the stories of installing and uninstalling know it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from tiphys.core.bootstrap.history import History, history_of
from tiphys.core.bootstrap.records import PENDING, UNINSTALLING, Record, record_of, secret_key
from tiphys.model.errors import SpecError, Unavailable
from tiphys.model.flow import Phase, Result
from tiphys.model.objects import Body, Catalog, Key, Kind, Live, Manifest, part


class Site(Protocol):
    """A cluster, written to as Helm writes. Every method raises ``Unavailable`` where it does not answer."""

    @property
    def server(self) -> str:
        """Its URL, for messages."""

    async def catalog(self) -> Catalog:
        """What it serves, discovered now."""

    async def read(self, keys: Collection[Key]) -> Mapping[Key, Live]:
        """The objects that there are. Raises ``Refused`` for what we may not read."""

    async def search(self, kind: Kind, namespace: str, labels: str = "") -> Sequence[Live]:
        """The objects of a kind in a namespace with these labels; none where the kind is not served."""

    async def apply(self, target: Manifest, *, force: bool = False, dry_run: bool = False) -> Result:
        """
        Apply it on the server's side, taking fields from others only by ``force``.

        A refusal is a failed ``Result``, and so is a field that others own, with ``conflict`` set.
        """

    async def put(self, body: Body, *, new: bool) -> Result:
        """Create an object, or write it anew whatever is there; ``conflict`` where a new one is there already."""

    async def patch(self, key: Key, patch: Body) -> Result:
        """Merge a patch (RFC 7386); an absent object is success."""

    async def delete(self, live: Live, propagation: str = "Background") -> Result:
        """Delete exactly this object, and what it owns unless ``Orphan`` is said; an absent one is success."""


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened to an object: ``created``, ``configured``, ``unchanged``, ``deleted``, ``kept`` …"""

    key: Key
    what: str


class Reporter(Protocol):
    """Whoever wants to hear how it goes."""

    def done(self, news: Sequence[News]) -> None:
        """These objects of one kind are as they should be."""

    def say(self, text: str) -> None:
        """Something else worth a line."""


@dataclass(frozen=True)
class Scene:
    """Where a release is brought to, and what time it is there."""

    site: Site
    report: Reporter
    now: Callable[[], datetime]
    patience: float = 300.0
    """Seconds that hooks, and objects to become ready or to go, may take each time."""


SECRET = Kind("", "Secret")
AT_WORK = PENDING | {UNINSTALLING}
"""The states of a revision that somebody is at work on."""


async def history(name: str, namespace: str, site: Site) -> History:
    """The revisions of a release."""
    found = await site.search(SECRET, namespace, f"owner=helm,name={name}")
    prefix = secret_key(namespace, name, 0).name[:-1]
    return history_of(record_of(secret) for secret in found if secret.key.name.startswith(prefix))


async def write(record: Record, scene: Scene, *, new: bool = False) -> None:
    """Record a revision. Raises ``SpecError`` where the API server does not take it."""
    result = await scene.site.put(record.secret(scene.now()), new=new)
    if result.conflict:
        raise Unavailable(
            f"somebody else has just begun revision {record.version} of {record.namespace}/{record.name}: "
            "wait until that is done and run this again"
        )
    if "Too long" in result.message:  # the API server's word for a Secret of more than 1 MiB
        advice = "name what it does not need in its .helmignore"
        result = replace(
            result, message=f"the chart is too large to be recorded: {advice} ({result.message})"
        )
    sure(result, "record the release in")


@dataclass
class Journal:
    """A revision that somebody is at work on, as it is recorded by now."""

    record: Record
    scene: Scene
    news: list[News] = field(default_factory=list)
    """What was done so far."""

    def tell(self, *news: News) -> None:
        """Note what was done, and tell it."""
        self.news.extend(news)
        if news:
            self.scene.report.done(news)

    async def note(self, record: Record) -> None:
        """Record how it is now. Raises ``Unavailable`` if somebody else has taken the revision over."""
        found = (await self.scene.site.read([record.key])).get(record.key)
        if not found or part(found.metadata, "labels").get("status") not in AT_WORK:
            raise Unavailable(
                f"somebody else has taken revision {record.version} of {record.namespace}/{record.name} over: "
                "nothing more was done; see what they made of it with `helm history`"
            )
        await write(record, self.scene)
        self.record = record


def sure(result: Result, doing: str) -> None:
    """Raises ``SpecError`` for what the API server refused."""
    if result.phase is Phase.FAILED or result.conflict:
        raise SpecError(f"cannot {doing} {result.key}: {result.message}")
