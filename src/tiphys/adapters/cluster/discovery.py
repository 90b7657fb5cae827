"""
What an API server serves: its version, groups, versions and kinds.

Reads aggregated discovery (two documents for everything), and where a server is too old for it the classic
kind, a document per group and version. A group that cannot be discovered is named, and takes no other with
it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec

from tiphys.adapters.cluster.api import LISTING, Answer, Api, Rejected, Request
from tiphys.model.errors import Unavailable
from tiphys.model.objects import Catalog, Kind, Resource

T = TypeVar("T")

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)


class _Named(msgspec.Struct, frozen=True):
    name: str = ""


class _ResponseKind(msgspec.Struct, frozen=True):
    kind: str = ""


class _Resource(msgspec.Struct, frozen=True, rename="camel"):
    resource: str
    response_kind: _ResponseKind | None = None
    scope: str = ""
    verbs: tuple[str, ...] = ()


class _Version(msgspec.Struct, frozen=True):
    version: str
    resources: tuple[_Resource, ...] | None = None
    freshness: str = "Current"


class _Group(msgspec.Struct, frozen=True):
    metadata: _Named = _Named()
    versions: tuple[_Version, ...] | None = None


class _GroupDiscovery(msgspec.Struct, frozen=True):
    kind: str = ""
    items: tuple[_Group, ...] | None = None


class _ClassicVersion(msgspec.Struct, frozen=True, rename="camel"):
    group_version: str
    version: str


class _ClassicGroup(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    versions: tuple[_ClassicVersion, ...] = ()


class _ClassicGroups(msgspec.Struct, frozen=True):
    groups: tuple[_ClassicGroup, ...] | None = None


class _ClassicVersions(msgspec.Struct, frozen=True):
    versions: tuple[str, ...] = ()


class _ClassicResource(msgspec.Struct, frozen=True):
    name: str
    kind: str
    namespaced: bool = False
    verbs: tuple[str, ...] | None = None


class _ClassicResources(msgspec.Struct, frozen=True):
    resources: tuple[_ClassicResource, ...] | None = None


class _ServerVersion(msgspec.Struct, frozen=True, rename="camel"):
    git_version: str


@dataclass(frozen=True)
class Found:
    """One kind in one version of its group, as a discovery document lists it."""

    kind: Kind
    version: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]


@dataclass(frozen=True)
class Part:
    """What ``/api`` or ``/apis`` told, and the tag under which it would tell the same again."""

    found: tuple[Found, ...] = ()
    failed: tuple[str, ...] = ()
    etag: str = ""


@dataclass
class Discovery:
    """Discovers, again and again, asking only for what changed since the last time."""

    api: Api
    _parts: dict[str, Part] = field(default_factory=dict)

    async def discover(self) -> Catalog:
        """The catalog as of now. Raises ``Unavailable``."""
        version = await _document(self.api, "/version", _ServerVersion)
        parts = [await self._part(root) for root in ("/api", "/apis")]
        return catalog_of(version.git_version, parts)

    async def _part(self, root: str) -> Part:
        known = self._parts.get(root, Part())
        request = Request("GET", root, accept=AGGREGATED, deadline=LISTING, etag=known.etag)
        answer = await self.api.ask(request)
        if answer.code == 304:
            return known
        self._parts[root] = await self._told(request, answer)
        return self._parts[root]

    async def _told(self, request: Request, answer: Answer) -> Part:
        if not answer.ok:
            raise Rejected(request, answer)
        document = _decoded(request, answer.body, _GroupDiscovery)
        if document.kind == "APIGroupDiscoveryList":
            return replace(aggregated(document.items or ()), etag=answer.etag)
        return await self._classic(request, answer.body)

    async def _classic(self, request: Request, body: bytes) -> Part:
        if request.path == "/api":
            versions = [("", v) for v in _decoded(request, body, _ClassicVersions).versions]
        else:
            groups = _decoded(request, body, _ClassicGroups).groups or ()
            versions = [(g.name, v.version) for g in groups for v in g.versions]
        told = [await self._classic_version(group, version) for group, version in versions]
        return Part(
            tuple(f for p in told for f in p.found), tuple(dict.fromkeys(g for p in told for g in p.failed))
        )

    async def _classic_version(self, group: str, version: str) -> Part:
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        try:
            listed = await _document(self.api, path, _ClassicResources)
        except Rejected:
            return Part(failed=(group,))
        return Part(tuple(_classic_found(group, version, listed.resources or ())))


def aggregated(groups: Iterable[_Group]) -> Part:
    """What an ``APIGroupDiscoveryList`` says. A stale version is one whose server does not answer."""
    found = [f for g in groups for v in g.versions or () for f in _found(g.metadata.name, v)]
    failed = [g.metadata.name for g in groups if any(v.freshness == "Stale" for v in g.versions or ())]
    return Part(tuple(found), tuple(failed))


def catalog_of(version: str, parts: Iterable[Part]) -> Catalog:
    """The catalog: of each kind the first version listed, which is the one that the server prefers."""
    resources: dict[Kind, Resource] = {}
    failed: list[str] = []
    for part in parts:
        failed.extend(part.failed)
        for f in part.found:
            first = resources.get(f.kind) or Resource(f.kind, f.version, f.plural, f.namespaced, (), f.verbs)
            resources[f.kind] = replace(first, versions=tuple(dict.fromkeys((*first.versions, f.version))))
    return Catalog(version, resources, tuple(sorted(failed)))


def remembering(old: Catalog, new: Catalog) -> Catalog:
    """
    The new catalog, with what the old one knew of the groups that could not be discovered now.

    An aggregated API that is down for a moment does not make its kinds vanish from what charts see.
    """
    kept = {k: r for k, r in old.resources.items() if k.group in new.failed_groups and k not in new.resources}
    return replace(new, resources={**new.resources, **kept}) if kept else new


def _found(group: str, version: _Version) -> Iterator[Found]:
    for r in version.resources or ():
        if r.response_kind and r.response_kind.kind:
            kind = Kind(group, r.response_kind.kind)
            yield Found(kind, version.version, r.resource, r.scope == "Namespaced", frozenset(r.verbs))


def _classic_found(group: str, version: str, resources: Iterable[_ClassicResource]) -> Iterator[Found]:
    for r in resources:
        if "/" not in r.name:
            yield Found(Kind(group, r.kind), version, r.name, r.namespaced, frozenset(r.verbs or ()))


async def _document(api: Api, path: str, form: type[T]) -> T:
    request = Request("GET", path)
    return _decoded(request, (await api.expect(request)).body, form)


def _decoded(request: Request, body: bytes, form: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=form)
    except msgspec.MsgspecError as error:
        raise Unavailable(f"{request}: this is no Kubernetes API server's answer ({error})") from error
