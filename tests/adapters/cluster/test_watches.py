"""
A watch goes on through cut connections, expired histories and restarts, and misses nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import orjson
import pytest
from aiohttp import web

from adapters.cluster.servers import EXPIRED, Wire, listed, serving, watched
from adapters.cluster.targets import config_map, eventually
from conftest import Plane
from tiphys.adapters.cluster.api import Api
from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.cluster.credentials import Connection, from_kubeconfig
from tiphys.adapters.cluster.watches import Watch
from tiphys.model.errors import Unavailable
from tiphys.model.flow import Apply, Delete, Phase
from tiphys.model.objects import Key, Kind, Resource
from tiphys.model.tracking import TRACKING_ID

CONFIG_MAP = Kind("", "ConfigMap")
CONFIG_MAPS = Resource(CONFIG_MAP, "v1", "configmaps", True, ("v1",), frozenset({"list", "watch"}))


@pytest.fixture
async def wire(kube: Path) -> AsyncIterator[Wire]:
    made = Wire(from_kubeconfig([kube]).server)
    await made.mend()
    yield made
    await made.cut()


async def test_nothing_is_missed_while_the_connection_was_cut(
    connection: Connection, wire: Wire, namespace: str
) -> None:
    stays, goes, comes = (
        config_map(namespace, name, namespace, turn="1") for name in ("stays", "goes", "comes")
    )
    async with (
        WatchedCluster.open(replace(connection, server=f"https://127.0.0.1:{wire.port}")) as cluster,
        WatchedCluster.open(connection) as other,
    ):
        await cluster.watch([CONFIG_MAP])
        going = [(await other.perform(Apply(target.key, target))).live for target in (stays, goes)][1]
        await eventually(lambda: len(cluster.tracked(namespace)) == 2)
        await wire.cut()
        await eventually(lambda: CONFIG_MAP in cluster.unwatched)
        with pytest.raises(Unavailable, match="cannot connect"):
            await cluster.observe([stays.key])
        await other.perform(Delete(goes.key, going.uid, "Background"))
        await other.perform(Apply(comes.key, comes))
        await other.patch(stays.key, {"data": {"turn": "2"}})
        await wire.mend()
        await eventually(lambda: {live.key for live in cluster.tracked(namespace)} == {stays.key, comes.key})
        await eventually(lambda: cluster.latest(stays.key).body["data"]["turn"] == "2")
        assert cluster.unwatched == {}
        assert cluster.latest(goes.key) is None


@dataclass
class Heard:
    """What a watch told."""

    names: list[str] = field(default_factory=list)
    lists: list[int] = field(default_factory=list)
    rewound: int = 0

    def seen(self, raw: msgspec.Raw, resource: Resource) -> Key:
        metadata = orjson.loads(bytes(raw))["metadata"]
        self.names.append(metadata["name"])
        return Key(*resource.kind, metadata.get("namespace", ""), metadata["name"])

    def gone(self, raw: msgspec.Raw, resource: Resource) -> None: ...

    def complete(self, listed: Collection[Key], _: str) -> None:
        self.lists.append(len(listed))

    def rewind(self) -> None:
        self.rewound += 1


class Fixed:
    """A catalog in which there are ConfigMaps."""

    def resource(self, kind: Kind) -> Resource | None:
        return CONFIG_MAPS if kind == CONFIG_MAP else None

    def undiscovered(self, kind: Kind) -> bool:
        return kind != CONFIG_MAP

    async def changed(self) -> None:
        await asyncio.Event().wait()


@asynccontextmanager
async def running(watch: Watch) -> AsyncIterator[Watch]:
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_history_that_was_set_back_is_noticed_after_an_outage(connection: Connection) -> None:
    heard = Heard()
    async with Api.open(connection) as api:
        watch = Watch(api, CONFIG_MAP, Fixed(), heard)
        watch._version, watch._doubtful = "999999999", True
        async with running(watch):
            await eventually(lambda: heard.lists and watch.in_sync, within=2)
    assert heard.rewound == 1


@pytest.mark.parametrize("how", ["at once", "in the stream"])
async def test_an_expired_history_is_read_again_at_once(how: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return listed("a")
        if request.query["resourceVersion"] == "5":
            return await watched(request)
        if how == "at once":
            return web.json_response(EXPIRED, status=410)
        return await watched(request, {"type": "ERROR", "object": EXPIRED})

    heard = Heard()
    async with serving(answer) as api:
        watch = Watch(api, CONFIG_MAP, Fixed(), heard)
        watch._version = "1"
        async with running(watch):
            await eventually(lambda: heard.lists and watch.in_sync, within=1)


async def test_a_watch_goes_on_from_the_last_bookmark() -> None:
    asked = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return listed("a")
        asked.append(request.query["resourceVersion"])
        if asked[-1] == "77":
            return await watched(request)
        return await watched(request, {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "77"}}})

    heard = Heard()
    async with serving(answer) as api, running(Watch(api, CONFIG_MAP, Fixed(), heard)):
        await eventually(lambda: asked == ["5", "77"])
    assert heard.lists == [1]


async def test_a_list_that_expires_half_way_is_begun_again_in_one_piece() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await watched(request)
        if "continue" in request.query:
            return web.json_response(EXPIRED, status=410)
        return listed("a", more="page-2") if "limit" in request.query else listed("a", "b", "c")

    heard = Heard()
    async with serving(answer) as api, running(Watch(api, CONFIG_MAP, Fixed(), heard)) as watch:
        await eventually(lambda: watch.in_sync)
    assert heard.lists == [3]


async def test_watches_survive_a_killed_api_server(own_plane: Plane) -> None:
    before, after = (config_map("default", name, "demo") for name in ("before", "after"))
    async with WatchedCluster.open(from_kubeconfig([own_plane.kubeconfig])) as cluster:
        await cluster.watch([CONFIG_MAP])
        await cluster.perform(Apply(before.key, before))
        await asyncio.to_thread(own_plane.kill)
        with pytest.raises(Unavailable):
            await cluster.perform(Apply(after.key, after))
        await asyncio.to_thread(own_plane.start)
        await eventually(lambda: not cluster.unwatched, within=30)
        await asyncio.to_thread(own_plane.kubectl, "create", "configmap", "by-hand")
        await asyncio.to_thread(
            own_plane.kubectl,
            "annotate",
            "configmap",
            "by-hand",
            f"{TRACKING_ID}=demo:/ConfigMap:default/by-hand",
        )
        await eventually(lambda: len(cluster.tracked("demo")) == 2)
        assert (await cluster.perform(Apply(after.key, after))).phase is Phase.SUCCEEDED
        assert len(cluster.tracked("demo")) == 3
