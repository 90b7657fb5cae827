"""Installing, upgrading and uninstalling on the server in memory: whatever befalls one attempt, the next ends well."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import tiphys_toolbox
from memory.merging import Writer
from memory.server import Server
from memory.wire import Fault, MemoryApi, keep_running
from tiphys.adapters.charts import HttpChartRepositories
from tiphys.adapters.checkout import Checkout
from tiphys.adapters.cluster.api import Request
from tiphys.adapters.cluster.as_helm import ClusterAsHelm
from tiphys.adapters.render import Engines, Toolbox
from tiphys.core.bootstrap.records import record_of
from tiphys.core.sources.recipe import ChartFolder, HelmRequest, Recipe
from tiphys.core.sources.tools import Tool
from tiphys.model.errors import Unavailable
from tiphys.model.objects import Key, Kind, Live
from tiphys.reconcile import pending
from tiphys.reconcile.bootstrap import Wish, bootstrap
from tiphys.reconcile.charting import Charted
from tiphys.reconcile.recipes import Commit
from tiphys.reconcile.site import News, Scene
from tiphys.reconcile.uninstall import Farewell, uninstall
from tiphys.wiring.offline import Kept, NoCluster, Offline

Story = Callable[[Scene], Awaitable[object]]
FAULTS = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.LOST, Fault.UNREACHABLE)
every_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.lower())
CONFIG, SECRET = Kind("", "ConfigMap"), Kind("", "Secret")
OLD = {"stays": "1", "changes": "1", "goes": "1"}
NEW = {"stays": "1", "changes": "2", "comes": "1"}


class Silent:
    """Nobody who listens."""

    def done(self, news: Sequence[News]) -> None: ...

    def say(self, text: str) -> None: ...


class Yard:
    """A cluster in memory, and a chart of ConfigMaps and a hook to be installed there."""

    def __init__(self, folder: Path, toolbox: Toolbox) -> None:
        self.folder = folder
        self.server = Server()
        self.engines = Engines(toolbox)
        self.running = asyncio.create_task(keep_running(self.server, lambda: 0.0))

    def chart(self, settings: dict[str, str]) -> Charted:
        """The chart with these ConfigMaps."""
        templates = self.folder / "shop/templates"
        templates.mkdir(parents=True, exist_ok=True)
        (self.folder / "shop/Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
        bodies = [_config(name, value) for name, value in settings.items()]
        hook = _config("hook", "1", {"helm.sh/hook": "pre-install,pre-upgrade,post-upgrade"})
        (templates / "all.yaml").write_text("\n---\n".join(map(json.dumps, [*bodies, hook])))
        recipe = Recipe(
            Tool.HELM, "shop", (("shop", ""),), ChartFolder("shop"), HelmRequest("shop", "web"), toolbox=""
        )
        workshop = Offline(
            repositories=Checkout(self.folder, {}),
            charts=HttpChartRepositories(self.folder / "charts"),
            renderer=self.engines,
            cache=Kept(),
            workspace=tempfile.TemporaryDirectory,
            cluster=NoCluster(),
        )
        return Charted(recipe, Commit("here", "now"), workshop, self.engines)

    async def scene(
        self, faults: Callable[[Request], Fault] = lambda _: Fault.NONE
    ) -> tuple[Scene, MemoryApi]:
        """The cluster as one client sees it, who meets these faults from now on."""
        api = MemoryApi(self.server)
        site = await ClusterAsHelm.on(api)
        api.faults = faults
        return Scene(site, Silent(), lambda: datetime.now(UTC), 20.0), api

    def installing(self, settings: dict[str, str]) -> Story:
        chart = self.chart(settings)
        return lambda scene: bootstrap(Wish("shop", "web"), chart, scene)

    async def installed(self, settings: dict[str, str]) -> None:
        scene, _ = await self.scene()
        await self.installing(settings)(scene)

    def leaving(self) -> Story:
        return lambda scene: uninstall(Farewell("shop", "web"), self.engines, scene)

    async def attempted(self, story: Story, fault: Fault, at: int) -> bool:
        """A story that meets a fault at its nth write; whether it came that far."""
        writes, met = 0, False

        def faults(request: Request) -> Fault:
            nonlocal writes, met
            writes += request.method != "GET"
            if met or request.method == "GET" or writes <= at:
                return Fault.NONE
            met = True
            return fault

        scene, api = await self.scene(faults)
        telling = asyncio.create_task(story(scene))
        killed = asyncio.create_task(api.killed.wait())
        await asyncio.wait({telling, killed}, return_when=asyncio.FIRST_COMPLETED)
        killed.cancel()
        while not telling.done():  # the first cancellation is Ctrl-C, of which it tells the cluster if it can
            telling.cancel()
            await asyncio.sleep(0)
        await asyncio.wait({telling})
        return met

    def anew(self) -> None:
        """Another cluster, with nothing in it."""
        self.running.cancel()
        self.server = Server()
        self.running = asyncio.create_task(keep_running(self.server, lambda: 0.0))

    def configs(self) -> dict[str, str]:
        return {k.name: r.body["data"]["n"] for k, r in self.server.of_kind(CONFIG) if k.name != "hook"}

    def statuses(self) -> list[str]:
        records = [record_of(Live(key, found.read())) for key, found in self.server.of_kind(SECRET)]
        return [record.status for record in sorted(records, key=lambda record: record.version)]


def _config(name: str, value: str, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    metadata = {"name": name, "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"n": value}}


@pytest.fixture
async def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Yard]:
    if not tiphys_toolbox.binary().exists():
        pytest.skip("the toolbox is not built (make build)")
    monkeypatch.setattr(pending, "SILENCE", 0.05)
    async with Toolbox(tiphys_toolbox.binary()) as toolbox:
        made = Yard(tmp_path, toolbox)
        yield made
        made.running.cancel()


@every_fault
async def test_whatever_befalls_an_upgrade_at_whichever_write_the_next_one_ends_well(
    yard: Yard, fault: Fault
) -> None:
    at, met = 0, True
    while met:
        yard.anew()
        await yard.installed(OLD)
        met = await yard.attempted(yard.installing(NEW), fault, at)
        await yard.installed(NEW)
        assert yard.configs() == NEW, f"{fault} at write {at}"
        *earlier, newest = yard.statuses()
        assert newest == "deployed"
        assert not set(earlier) & {"deployed", "pending-upgrade"}, f"{fault} at write {at}: {earlier}"
        at += 1
    assert at > 8, "every write of an upgrade was met"


@every_fault
async def test_whatever_befalls_an_uninstall_the_next_one_leaves_nothing(yard: Yard, fault: Fault) -> None:
    at, met = 0, True
    while met:
        yard.anew()
        await yard.installed(OLD)
        met = await yard.attempted(yard.leaving(), fault, at)
        if yard.statuses():
            await yard.leaving()((await yard.scene())[0])
        assert (yard.configs(), yard.statuses()) == ({}, []), f"{fault} at write {at}"
        at += 1
    assert at > 4, "every write of an uninstall was met"


async def test_what_a_failed_attempt_brought_and_the_next_does_not_want_is_taken_back(yard: Yard) -> None:
    await yard.installed(OLD)
    assert await yard.attempted(yard.installing({**OLD, "strange": "1"}), Fault.KILLED_AFTER, 8)
    assert "strange" in yard.configs()
    await yard.installed(NEW)
    assert yard.configs() == NEW


async def test_what_another_release_took_meanwhile_is_left_to_it(yard: Yard) -> None:
    await yard.installed(OLD)
    taken = {"metadata": {"annotations": {"meta.helm.sh/release-name": "other"}}}
    yard.server.patch(Key("", "ConfigMap", "web", "goes"), taken, Writer("Update", "helm"))
    await yard.installed(NEW)
    assert yard.configs() == {**NEW, "goes": "1"}


async def test_whoever_begins_the_same_revision_second_is_told(yard: Yard) -> None:
    await yard.installed(OLD)
    scene, _ = await yard.scene()
    other, _ = await yard.scene()
    told = await asyncio.gather(
        yard.installing(NEW)(scene), yard.installing(NEW)(other), return_exceptions=True
    )
    assert [type(each) for each in told].count(Unavailable) == 1
    assert yard.statuses() == ["superseded", "deployed"]


async def test_who_was_taken_for_dead_and_comes_back_leaves_the_revision_to_others(yard: Yard) -> None:
    await yard.installed(OLD)
    record = Key("", "Secret", "web", "sh.helm.release.v1.shop.v2")

    def taken(request: Request) -> Fault:
        if request.method == "PATCH" and request.path.endswith("/configmaps/comes"):
            yard.server.patch(
                record, {"metadata": {"labels": {"status": "failed"}}}, Writer("Update", "helm")
            )
        return Fault.NONE

    scene, _ = await yard.scene(taken)
    with pytest.raises(Unavailable, match="somebody else has taken revision 2"):
        await yard.installing(NEW)(scene)
    assert yard.statuses()[0] == "deployed", "what was there before is not superseded"
