"""
Applications by the Kubernetes API: what the commands ask of it, and what its answers mean to a user.

Knows paths, verbs and codes of the API; how to reach an API server is wiring's. Objects are kept as they were
given, so that what we print has every field, and we never write back a spec that we parsed.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import orjson

from tiphys.cli.options import Access, Selection
from tiphys.cli.output import tell, without_logs
from tiphys.core.diff.pointers import without
from tiphys.model.api import Application, decode_application
from tiphys.model.errors import Refused, SpecError, Stale, TiphysError, Unavailable
from tiphys.model.objects import AppName, Body, part

if TYPE_CHECKING:
    from tiphys.wiring.settings import Settings

GROUP = "/apis/argoproj.io/v1alpha1"
MERGE_PATCH = "application/merge-patch+json"
EVERYWHERE = "*"
NOTHING: Mapping[str, str] = {}

_MANAGER = "tiphys"
_ATTEMPTS = 10
_PATIENCE = 8
_WATCH = 300


class Reply(Protocol):
    """What the API server said, yes or no."""

    @property
    def code(self) -> int:
        """The HTTP status."""

    @property
    def body(self) -> bytes:
        """The answer."""

    @property
    def message(self) -> str:
        """A refusal in the API server's words."""

    @property
    def date(self) -> str:
        """The server's time, as HTTP writes it."""


class Lines(Protocol):
    """A long answer, a JSON document a line."""

    def batches(self) -> AsyncIterator[list[bytes]]:
        """The lines, as many at a time as have arrived."""


class Api(Protocol):
    """An API server, by raw requests. Raises ``Unavailable`` where it does not answer."""

    @property
    def server(self) -> str:
        """Its URL, for messages."""

    async def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = ...,
        body: bytes = ...,
        content_type: str = ...,
    ) -> Reply:
        """The answer, also when it is no."""

    def follow(self, path: str, query: Mapping[str, str], seconds: int) -> AbstractAsyncContextManager[Lines]:
        """A watch that lasts for so long at most. Raises ``Unavailable`` where it is not granted."""


@dataclass(frozen=True)
class Found:
    """An Application as the API server has it."""

    raw: bytes

    @cached_property
    def body(self) -> Body:
        """Every field of it, but for who manages which: as kubectl shows objects."""
        body: Body = orjson.loads(self.raw)
        return without(body, (("metadata", "managedFields"),))

    @cached_property
    def app(self) -> Application:
        """The fields that we know. Raises ``SpecError`` where one is malformed."""
        return decode_application(self.raw)

    @property
    def metadata(self) -> Body:
        """``metadata``."""
        return part(self.body, "metadata")

    @property
    def name(self) -> AppName:
        """What names it."""
        return AppName(self.metadata.get("namespace", ""), self.metadata["name"])

    @property
    def version(self) -> str:
        """The resource version of this reading."""
        return str(self.metadata.get("resourceVersion", ""))


class ControlPlane:
    """The Applications of one control plane."""

    def __init__(self, api: Api, access: Access) -> None:
        self._api = api
        self._access = access

    @property
    def place(self) -> str:
        """The namespace of Applications that are named without one."""
        return self._access.app_namespace or self._access.namespace

    def named(self, text: str) -> AppName:
        """The Application that a user names: ``homepage``, or ``team-a/homepage`` wherever it lives."""
        namespace, _, name = text.rpartition("/")
        return AppName(namespace or self.place, name)

    async def find(self, name: AppName) -> Found | None:
        """An Application, ``None`` if there is none."""
        reply = await self._ask("GET", _path(name))
        if reply.code == 404:
            return None
        return Found(self._granted(reply, f"read Application {name}").body)

    async def application(self, name: AppName) -> Found:
        """An Application. Raises ``SpecError`` with near names if there is none."""
        if found := await self.find(name):
            return found
        others = [found.name.name for found in await self.applications(name.namespace)]
        raise unknown(name, others)

    async def applications(self, namespace: str = "", selector: str = "") -> list[Found]:
        """The Applications of a namespace, sorted; the usual one if none is given, ``*`` for all."""
        place = namespace or self.place
        path = f"{GROUP}/applications" if place == EVERYWHERE else _collection(place)
        reply = await self._ask("GET", path, {"labelSelector": selector} if selector else {})
        if reply.code == 404:
            raise SpecError(
                f"{self._api.server} knows no Applications ({reply.message}): install Tiphys or its CRDs "
                "there, or choose another cluster with --context or --kubeconfig"
            )
        items = orjson.loads(self._granted(reply, f"list Applications of {place}").body)["items"]
        return sorted((Found(_item(item)) for item in items), key=lambda found: found.name)

    async def picked(self, selection: Selection) -> list[Found]:
        """The Applications that a user names or selects. Raises ``SpecError`` where there are none."""
        if selection.names:
            return [await self.application(self.named(name)) for name in selection.names]
        found = await self.applications("", selection.selector)
        projects = selection.projects
        picked = [one for one in found if not projects or one.body["spec"].get("project") in projects]
        if not picked:
            filters = [selection.selector, *(f"project {name}" for name in projects)]
            raise SpecError(f"no Application in {self.place} matches {' and '.join(filter(None, filters))}")
        return picked

    async def objects(self, path: str) -> list[Body]:
        """The objects of another collection; none where we may not list them or it is not served."""
        reply = await self._ask("GET", path)
        if reply.code in (403, 404):
            return []
        items: list[Body] = orjson.loads(self._granted(reply, f"list {path}").body)["items"]
        return items

    async def clock(self) -> datetime | None:
        """The API server's time; ``None`` if it does not tell."""
        told = (await self._ask("GET", "/version")).date
        return parsedate_to_datetime(told) if told else None

    async def review(self, path: str, question: Body) -> Body:
        """The ``status`` of a review that is created: what somebody may do. Raises ``Refused`` where we may not ask."""
        reply = await self._api.call("POST", path, {}, orjson.dumps(question))
        answer: Body = orjson.loads(self._granted(reply, f"create {question['kind']}").body)
        return part(answer, "status")

    async def document(self, path: str) -> Body:
        """What the API server answers at a path; empty where there is nothing."""
        reply = await self._ask("GET", path)
        if reply.code == 404:
            return {}
        found: Body = orjson.loads(self._granted(reply, f"read {path}").body)
        return found

    async def write(self, found: Found, patch: Body) -> Found:
        """Merge a patch (RFC 7386) into exactly this reading. Raises ``Stale`` if it has changed since."""
        exact = {**patch, "metadata": {**part(patch, "metadata"), "resourceVersion": found.version}}
        reply = await self._api.call(
            "PATCH", _path(found.name), {"fieldManager": _MANAGER}, orjson.dumps(exact), MERGE_PATCH
        )
        if reply.code == 409:
            raise Stale(f"Application {found.name} changed while we wrote it: {reply.message}")
        return Found(self._granted(reply, f"write Application {found.name}").body)

    async def revise(self, name: AppName, change: Callable[[Found], Body]) -> Found:
        """
        Read, decide, write; again while others write in between. Answers how the Application is then.

        ``change`` makes a merge patch of what it is shown, empty for none, and may raise to refuse.
        """
        for _ in range(_ATTEMPTS):
            found = await self.application(name)
            if not (patch := change(found)):
                return found
            try:
                return await self.write(found, patch)
            except Stale:
                await asyncio.sleep(0.05)
        raise Stale(f"Application {name} keeps changing while we write it: try again")

    async def delete(self, found: Found) -> None:
        """Delete exactly this Application; it is fine if it is gone."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": found.metadata.get("uid", "")},
        }
        reply = await self._api.call("DELETE", _path(found.name), {}, orjson.dumps(options))
        if reply.code != 404:
            self._granted(reply, f"delete Application {found.name}")

    async def follow(self, name: AppName) -> AsyncGenerator[Found | None]:
        """
        The Application as it is now and after each change; ``None`` once it is gone, and the end.

        The same reading may come twice. A watch that breaks is taken up again, unless the API server does not
        answer for several attempts on end.
        """
        failures = 0
        while True:
            try:
                found = await self.find(name)
                failures = 0
                yield found
                if not found:
                    return
                async with aclosing(self._changes(found)) as changes:
                    async for change in changes:
                        yield change
                        if not change:
                            return
            except Unavailable:
                failures += 1
                if failures > _PATIENCE:
                    raise
            await asyncio.sleep(min(0.2 * 2**failures, 5.0))

    async def _changes(self, found: Found) -> AsyncGenerator[Found | None]:
        """What happens after a reading; ends when the watch does, or when its history is too old."""
        namespace, name = found.name
        query = {
            "watch": "true",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": found.version,
            "timeoutSeconds": str(_WATCH),
        }
        async with self._api.follow(_collection(namespace), query, _WATCH + 30) as lines:
            async for batch in lines.batches():
                for event in (orjson.loads(line) for line in batch if line):
                    match event["type"]:
                        case "ADDED" | "MODIFIED":
                            yield Found(orjson.dumps(event["object"]))
                        case "DELETED":
                            yield None
                            return
                        case "ERROR":
                            return

    async def _ask(self, method: str, path: str, query: Mapping[str, str] = NOTHING) -> Reply:
        """The answer. Raises ``Unavailable`` that says what a user can do where there is none."""
        try:
            return await self._api.call(method, path, query)
        except Unavailable as error:
            other = "choose another cluster, or other credentials, with --kubeconfig or --context"
            raise Unavailable(f"{error}; {other}") from error

    def _granted(self, reply: Reply, doing: str) -> Reply:
        """The reply, if it is a yes; otherwise raises who must act."""
        match reply.code:
            case code if code < 300:
                return reply
            case 403:
                raise Refused(f"cannot {doing}: {reply.message}; ask for the right, or use another --context")
            case 400 | 404 | 422:
                raise SpecError(f"cannot {doing}: {reply.message}")
        raise Unavailable(f"cannot {doing} on {self._api.server}: {reply.message}")


@asynccontextmanager
async def control_plane(access: Access) -> AsyncIterator[ControlPlane]:
    """The control plane that the command's flags name."""
    from tiphys.wiring.connecting import open_api  # noqa: PLC0415 - nothing else here needs a connection

    without_logs()
    async with open_api(access) as api:
        yield ControlPlane(api, access)


def settings_for(access: Access) -> "Settings":
    """The settings of the environment, with what the command's flags say in their place."""
    from tiphys.wiring.settings import settings_from  # noqa: PLC0415

    usual = settings_from(os.environ)
    return replace(
        usual,
        kubeconfig=access.kubeconfig or usual.kubeconfig,
        context=access.context or usual.context,
        namespace=access.namespace,
    )


def readable(found: Sequence[Found]) -> list[Found]:
    """Those that have the shape of an Application; of the others we say what is wrong, and go on."""
    kept = []
    for one in found:
        try:
            one.app  # noqa: B018 - decoded here, where a failure is one application's
        except TiphysError as error:
            tell(f"Warning: left out {one.name}: {error}")
        else:
            kept.append(one)
    return kept


def unknown(name: AppName, others: Sequence[str] = ()) -> SpecError:
    """The error that there is no such Application, with names near to it."""
    near = get_close_matches(name.name, others, n=3)
    others_are = "see `tiphys app list`, or name another namespace with -N"
    hint = f"did you mean {' or '.join(near)}?" if near else others_are
    return SpecError(f"there is no Application {name.name} in namespace {name.namespace}: {hint}")


def _item(item: dict[str, Any]) -> bytes:
    """An item of a list as the object that a read of it gives; lists may leave its type out."""
    return orjson.dumps({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **item})


def _collection(namespace: str) -> str:
    return f"{GROUP}/namespaces/{quote(namespace, safe='')}/applications"


def _path(name: AppName) -> str:
    return f"{_collection(name.namespace)}/{quote(name.name, safe='')}"
