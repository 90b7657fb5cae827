"""The engine's server and its figures, as wiring puts them together."""

import asyncio
import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import aiohttp
import orjson
import pytest
from structlog.testing import capture_logs

from tiphys.model.api import Application, decode_application
from tiphys.model.errors import SpecError
from tiphys.model.objects import AppName
from tiphys.model.rendering import Tip
from tiphys.reconcile.tips import Followed, Reading
from tiphys.reconcile.world import World
from tiphys.wiring import serving as module
from tiphys.wiring.metrics import Metrics
from tiphys.wiring.serving import Face, serving

ASKED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LABELS = (
    'autosync_enabled="false",dest_namespace="shop",dest_server="https://kubernetes.default.svc",'
    'health_status="Healthy",name="shop",namespace="argocd",operation="",project="default",'
    'repo="https://git.example/charts.git",sync_status="Synced"'
)


def application(name: str) -> Application:
    return decode_application(
        orjson.dumps(
            {
                "metadata": {"name": name, "namespace": "argocd"},
                "spec": {
                    "project": "",
                    "source": {"repoURL": "https://user:word@git.example/charts.git", "path": "."},
                    "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
                },
                "status": {
                    "sync": {"status": "Synced"},
                    "health": {"status": "Healthy"},
                    "conditions": [{"type": "ComparisonError", "message": "m"}] * 2,
                    "operationState": {"operation": {"sync": {}}, "phase": "Succeeded", "startedAt": ""},
                },
            }
        )
    )


class Listed:
    """Applications that can be read, and one that cannot."""

    def __init__(self, *names: str) -> None:
        self.known = [*names, "odd"]

    def names(self) -> list[AppName]:
        return [AppName("argocd", name) for name in self.known]

    def get(self, name: AppName) -> Application | None:
        if name.name == "odd":
            raise SpecError("malformed")
        return application(name.name) if name.name in self.known else None


class Engines:
    """Renders in no time."""

    async def render_chart(self, chart: object) -> object:
        return chart


@pytest.fixture
def listed() -> Listed:
    return Listed("shop", "api")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def world(listed: Listed, metrics: Metrics) -> World:
    followed = Followed("https://user:word@git.example/charts.git", "main")
    silent = Followed("https://git.example/silent.git", "main")
    readings = {
        followed: Reading(Tip("a" * 40), ASKED),
        silent: Reading(None, ASKED, SpecError("no")),
    }
    parts: dict[str, Any] = dict.fromkeys(World.__dataclass_fields__)
    parts |= {"applications": listed, "renderer": Engines(), "tips": SimpleNamespace(readings=readings)}
    return metrics.watching(World(**parts))


def told(metrics: Metrics, accept: str = "") -> str:
    return metrics.exposition(accept)[0].decode()


def test_figures_are_read_when_they_are_asked_for(world: World, metrics: Metrics):
    text = told(metrics)
    assert f"argocd_app_info{{{LABELS}}} 1.0" in text
    assert 'argocd_app_condition{condition="ComparisonError",name="shop",namespace="argocd"} 2.0' in text
    assert (
        'tiphys_source_last_success_timestamp_seconds{repo="https://git.example/charts.git"} '
        "1.767323045e+09" in text
    )
    assert "silent" not in text
    assert "word" not in text
    assert world.witness is metrics


def test_operations_are_counted_and_those_of_the_gone_forgotten(
    world: World, metrics: Metrics, listed: Listed
):
    for name in ("shop", "shop", "api"):
        found = application(name)
        assert found.status.operation_state
        world.witness.ended(found, found.status.operation_state)
    of_shop = 'name="shop",namespace="argocd",phase="Succeeded",project="default"} 2.0'
    assert of_shop in told(metrics)
    listed.known.remove("shop")
    assert of_shop not in told(metrics)
    assert 'name="api",namespace="argocd",phase="Succeeded"' in told(metrics)


async def test_looks_and_renders_are_timed_also_where_they_fail(world: World, metrics: Metrics):
    async def story(name: AppName) -> datetime | None:
        if name.name == "api":
            raise SpecError("no")
        return None

    timed = metrics.timed(story, world)
    await timed(AppName("argocd", "shop"))
    with pytest.raises(SpecError):
        await timed(AppName("argocd", "api"))
    await world.renderer.render_chart("chart")  # type: ignore[arg-type]
    text = told(metrics)
    of_both = (
        'argocd_app_reconcile_count{dest_server="https://kubernetes.default.svc",namespace="argocd"} 2.0'
    )
    assert of_both in text
    assert "tiphys_render_seconds_count 1.0" in text


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"),
        ("application/openmetrics-text; version=x.y; escaping=z", "application/openmetrics-text"),
        ("*/*, \x00;;=,", "text/plain"),
    ],
)
def test_any_accept_header_is_answered(metrics: Metrics, accept: str, content_type: str):
    assert metrics.exposition(accept)[1].startswith(content_type)


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    with socket.socket() as other:
        # Below those that the system gives out, or a neighbour has it in the moment in which it is free.
        while True:
            with suppress(OSError):
                other.bind(("127.0.0.1", random.randrange(20_000, 30_000)))  # noqa: S311 - no secret
                break
        other.listen()
        yield other


async def test_a_port_that_is_taken_is_told_once_and_had_when_it_is_free(
    taken: socket.socket, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "AGAIN_AFTER", 0.02)
    address = f"127.0.0.1:{taken.getsockname()[1]}"
    with capture_logs() as logs:
        async with serving(address, Face()):
            async with asyncio.timeout(10):
                while not logs:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)
                taken.close()
                while logs[-1]["event"] != "listening":  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            async with aiohttp.ClientSession() as web, web.get(f"http://{address}/readyz") as answer:
                assert answer.status == 503
    assert [entry["event"] for entry in logs] == ["not listening", "listening"]
    assert logs[0]["address"] == address
    assert logs[0]["why"] == "Address already in use"
    assert "TIPHYS_LISTEN" in logs[0]["remedy"]
