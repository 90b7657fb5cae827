"""Private chart repositories: by a password or a token, which goes to the repository's own host alone."""

import base64
from pathlib import Path

import pytest
from aiohttp import web

from adapters.charts.conftest import Charts
from tiphys.adapters.charts import HttpChartRepositories, Settings
from tiphys.model.access import ANYBODY, Access
from tiphys.model.errors import SpecError, Unavailable
from tiphys.model.rendering import ChartPin

CANARY = "canary-Xq7"
HEADER = "Basic " + base64.b64encode(f"ada:{CANARY}".encode()).decode()
ADA = Access(
    secret="Secret argocd/charts", username="ada", password=CANARY, remedy="Secret argocd/charts was used"
)


class Door:
    """Lets in who shows a header; what it was shown, by host."""

    def __init__(self, charts: Charts, header: str) -> None:
        self.shown: list[tuple[str, str]] = []
        self._charts = charts
        self._header = header

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "")
        self.shown.append((request.url.host or "", shown))
        if request.url.host == "127.0.0.1" and shown != self._header:
            return web.Response(status=401)
        return web.Response(body=self._charts.files[request.path.rpartition("/")[2]])


@pytest.mark.parametrize(
    ("access", "header"), [(ADA, HEADER), (Access(bearer_token=CANARY), f"Bearer {CANARY}")]
)
async def test_a_private_chart_is_fetched(tmp_path: Path, upstream: Charts, access: Access, header: str):
    pack = upstream.publish("web")
    upstream.instead = Door(upstream, header)
    async with HttpChartRepositories(tmp_path, ways=lambda *_: access) as charts:
        assert await charts.versions(upstream.url, "web") == ["1.0.0"]
        assert (await charts.fetch(ChartPin(upstream.url, "web", "1.0.0"))).read_bytes() == pack


async def test_a_refusal_names_the_secret_and_a_change_counts_at_once(tmp_path: Path, upstream: Charts):
    upstream.publish("web")
    upstream.instead = Door(upstream, HEADER)
    now = [Access(remedy="no Secret in namespace argocd is for it")]
    async with HttpChartRepositories(tmp_path, Settings(hold_seconds=60), lambda *_: now[0]) as charts:
        with pytest.raises(
            Unavailable, match=r"asks for credentials.*no Secret in namespace argocd"
        ) as error:
            await charts.versions(upstream.url, "web")
        now[0] = ADA
        assert await charts.versions(upstream.url, "web") == ["1.0.0"]
        now[0] = Access(problem="the Secret argocd/charts for it cannot be used: odd")
        with pytest.raises(SpecError, match="argocd/charts for it cannot be used"):
            await charts.versions(upstream.url, "web")
    assert CANARY not in str(error.value)


async def test_an_archive_at_another_host_is_asked_for_without_credentials(tmp_path: Path, upstream: Charts):
    upstream.publish("web", urls=[f"{upstream.other_url}/web-1.0.0.tgz"])
    door = upstream.instead = Door(upstream, HEADER)
    async with HttpChartRepositories(tmp_path, ways=lambda *_: ADA) as charts:
        await charts.fetch(ChartPin(upstream.url, "web", "1.0.0"))
    assert set(door.shown) == {("127.0.0.1", HEADER), ("localhost", "")}


async def test_what_one_project_fetched_is_no_other_projects(tmp_path: Path, upstream: Charts):
    upstream.publish("web")
    upstream.instead = Door(upstream, HEADER)
    own = Access(username="ada", password=CANARY, project="shop")
    pin = ChartPin(upstream.url, "web", "1.0.0")
    ways = {"shop": own}
    async with HttpChartRepositories(tmp_path, ways=lambda _, project: ways.get(project, ANYBODY)) as charts:
        await charts.of("shop").fetch(pin)
        with pytest.raises(Unavailable, match="asks for credentials"):
            await charts.of("other").fetch(pin)
