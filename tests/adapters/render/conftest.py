"""A real toolbox child, and the real Helm to hold it against."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import tiphys_toolbox
from tiphys.adapters.render import Toolbox, decode_yaml, render_chart
from tiphys.model.rendering import ChartRender, Rendered

HELM = Path(__file__).parents[3] / "localkube/src/tiphys_localkube/bin/localkube"


@pytest.fixture
def binary() -> Path:
    if not tiphys_toolbox.binary().exists():
        pytest.skip("the toolbox is not built (make build)")
    return tiphys_toolbox.binary()


@pytest.fixture
async def toolbox(binary: Path) -> AsyncIterator[Toolbox]:
    async with Toolbox(binary) as opened:
        yield opened


@pytest.fixture
def render(toolbox: Toolbox) -> Callable[..., Any]:
    """Renders the chart in a folder; further words are fields of ``ChartRender``."""

    async def rendered(folder: Path, *, seconds: float = 30, **fields: Any) -> Rendered:
        usual: dict[str, Any] = {"root": str(folder), "release_name": "web", "namespace": "shop"}
        return await render_chart(toolbox, ChartRender(**{**usual, "chart": str(folder), **fields}), seconds)

    return rendered


@pytest.fixture
def template(toolbox: Toolbox, tmp_path: Path) -> Callable[..., Any]:
    """What ``helm template`` of the same version makes of a folder, as (file, object) in its order."""
    if not HELM.exists():
        pytest.skip("localkube, which has the real Helm, is not built (make build)")

    async def templated(folder: Path, *flags: str) -> list[tuple[str, Mapping[str, Any]]]:
        command = [HELM, "helm", "template", "web", folder, "--namespace", "shop", *flags]
        environment = {"HOME": str(tmp_path), "TZ": "UTC", "PATH": ""}
        helm = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, complaints = (text.decode() for text in await helm.communicate())
        assert helm.returncode == 0, complaints
        files = sourced(printed)
        documents = await decode_yaml(toolbox, printed, "helm.yaml", 30)
        return [(files[d.line], d.value) for d in documents]

    return templated


def sourced(text: str) -> dict[int, str]:
    """For each line of Helm's output the file it was made from, by the last comment that says so."""
    file, by_line = "", {}
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("# Source: "):
            file = line.removeprefix("# Source: ").strip()
        by_line[number] = file
    return by_line
