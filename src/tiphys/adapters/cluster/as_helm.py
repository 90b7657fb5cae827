"""
A cluster written to as Helm 4 writes: by server-side apply and under Helm's field manager, so that either goes on
where the other ended.

Fulfils the port ``Site``. What to write, and in which order, others decide.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from tiphys.adapters.cluster import requests
from tiphys.adapters.cluster.api import Answer, Api, Rejected, Request
from tiphys.adapters.cluster.catalog import DEFINITIONS, WatchedCatalog
from tiphys.adapters.cluster.cluster import together
from tiphys.adapters.cluster.credentials import Connection
from tiphys.adapters.cluster.discovery import Discovery
from tiphys.adapters.cluster.wording import readable
from tiphys.model.errors import Refused, Unavailable
from tiphys.model.flow import Phase, Result
from tiphys.model.objects import Body, Catalog, Key, Kind, Live, Manifest, Resource, key_of
from tiphys.model.redaction import redact_text
from tiphys.model.releases import FIELD_MANAGER

_MANAGED = {"fieldManager": FIELD_MANAGER}
_STRICT = {"fieldValidation": "Strict"}


class ClusterAsHelm:
    """A cluster. ``open`` makes one."""

    def __init__(self, api: Api, catalog: WatchedCatalog) -> None:
        self._api = api
        self._catalog = catalog

    @classmethod
    @asynccontextmanager
    async def open(cls, connection: Connection) -> AsyncIterator["ClusterAsHelm"]:
        """A cluster for a ``with`` block. Raises ``Unavailable`` if the API server does not answer."""
        async with Api.open(connection) as api:
            yield await cls.on(api)

    @classmethod
    async def on(cls, api: Api) -> "ClusterAsHelm":
        """The cluster behind an API server that we are connected to."""
        discovery = Discovery(api)
        return cls(api, WatchedCatalog(discovery, await discovery.discover()))

    @property
    def server(self) -> str:
        """Its URL, for messages."""
        return self._api.server

    async def catalog(self) -> Catalog:
        """What it serves, discovered now."""
        return await self._catalog.refresh()

    async def read(self, keys: Collection[Key]) -> Mapping[Key, Live]:
        """The objects that there are. Raises ``Refused`` for what we may not read."""
        found = await together(self._get(key) for key in dict.fromkeys(keys))
        return {live.key: live for live in found if live}

    async def search(self, kind: Kind, namespace: str, labels: str = "") -> Sequence[Live]:
        """The objects of a kind in a namespace with these labels; none where the kind is not served."""
        resource = await self._catalog.find(kind)
        if not resource:
            return ()
        query = {"labelSelector": labels} if labels else {}
        request = Request("GET", requests.collection(resource, namespace), query)
        answer = await self._api.ask(request)
        if answer.code == 404:
            return ()
        items = _granted(request, answer).document().get("items") or ()
        return [_live(_typed(item, resource), resource) for item in items]

    async def apply(self, target: Manifest, *, force: bool = False, dry_run: bool = False) -> Result:
        """Apply it on the server's side; a field that others own is a failure with ``conflict``."""
        key, version = target.key, requests.version_of(target.body)
        resource = await self._catalog.expect(key.of)
        if not resource or version not in resource.versions:
            told = f'no matches for kind "{key.kind}" in version "{target.api_version}"'
            return Result(key, Phase.FAILED, f"{told}; is its definition installed?")
        options = {
            **_MANAGED,
            **_STRICT,
            "force": str(force).lower(),
            **(requests.DRY_RUN if dry_run else {}),
        }
        answer = await self._api.ask(requests.apply(resource, key, target.body, options))
        if answer.ok and key.of in DEFINITIONS and not dry_run:
            self._catalog.stir()
        return _told(key, answer, resource, target.body)

    async def put(self, body: Body, *, new: bool) -> Result:
        """Create an object, or write it anew whatever is there; ``conflict`` where a new one is there already."""
        key = key_of(body)
        resource = await self._expected(key)
        make = requests.create if new else requests.put
        answer = await self._api.ask(make(resource, key, body, _MANAGED))
        if not new and answer.code == 404:
            return await self.put(body, new=True)
        return _told(key, answer, resource, body)

    async def patch(self, key: Key, patch: Body) -> Result:
        """Merge a patch (RFC 7386); an absent object is success."""
        resource = await self._expected(key)
        request = requests.merge_patch(resource, key, patch)
        answer = await self._api.ask(replace(request, query=_MANAGED))
        if answer.code == 404:
            return Result(key, Phase.SUCCEEDED)
        return _told(key, answer, resource, patch)

    async def delete(self, live: Live, propagation: str = "Background") -> Result:
        """Delete exactly this object, and what it owns unless ``Orphan`` is said; an absent one is success."""
        resource = await self._catalog.find(live.key.of)
        if not resource:
            return Result(live.key, Phase.SUCCEEDED)
        answer = await self._api.ask(requests.delete(resource, live.key, live.uid, propagation))
        if answer.ok or answer.code in {404, 409}:
            return Result(live.key, Phase.SUCCEEDED)
        return Result(live.key, Phase.FAILED, answer.message)

    async def _get(self, key: Key) -> Live | None:
        resource = await self._catalog.find(key.of)
        if not resource:
            return None
        request = requests.get(resource, key)
        answer = await self._api.ask(request)
        return None if answer.code == 404 else _live(_granted(request, answer).document(), resource)

    async def _expected(self, key: Key) -> Resource:
        resource = await self._catalog.expect(key.of)
        if not resource:
            raise Unavailable(f"{self.server} does not serve {key.of}")
        return resource


def _granted(request: Request, answer: Answer) -> Answer:
    if answer.code == 403:
        raise Refused(f"{request}: {answer.message}; this needs the rights of a cluster's administrator")
    if not answer.ok:
        raise Rejected(request, answer)
    return answer


def _told(key: Key, answer: Answer, resource: Resource, body: Body) -> Result:
    if answer.ok:
        return Result(key, Phase.SUCCEEDED, live=_live(answer.document(), resource))
    message = readable(redact_text(answer.message, body))
    return Result(key, Phase.FAILED, message, conflict=answer.reason in {"Conflict", "AlreadyExists"})


def _live(document: Body, resource: Resource) -> Live:
    return Live(key_of(document)._replace(group=resource.kind.group), document)


def _typed(item: Body, resource: Resource) -> Body:
    """An item of a list as a read of it gives it: lists leave its type out."""
    group, kind = resource.kind
    return {"apiVersion": f"{group}/{resource.version}" if group else resource.version, "kind": kind, **item}
