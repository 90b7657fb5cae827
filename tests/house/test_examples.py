"""Every example can be read and used: it has a page, and its charts are charts."""

from pathlib import Path

import pytest
import yaml

import tiphys_toolbox
from house.pages import ROOT
from tiphys.cli.main import tiphys

EXAMPLES = sorted(folder for folder in (ROOT / "examples").iterdir() if folder.is_dir())
CHARTS = sorted(file.parent for file in (ROOT / "examples").rglob("Chart.yaml"))
FETCHED = {"metrics"}
"""Charts whose dependency is served only while the platform runs; the journeys render them."""


def named(path: Path) -> str:
    return str(path.relative_to(ROOT / "examples"))


def is_library(chart: Path) -> bool:
    return bool(yaml.safe_load((chart / "Chart.yaml").read_text()).get("type") == "library")


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_every_example_says_what_it_is(example: Path):
    assert (example / "README.md").read_text().startswith("# ")


@pytest.mark.parametrize("chart", CHARTS, ids=named)
def test_every_chart_says_who_it_is(chart: Path):
    said = yaml.safe_load((chart / "Chart.yaml").read_text())
    assert said["apiVersion"] == "v2"
    assert {"name", "version", "description"} <= said.keys()
    assert said["name"].lstrip("_") == chart.name.lstrip("_")


@pytest.mark.parametrize(
    "chart", [c for c in CHARTS if c.name not in FETCHED and not is_library(c)], ids=named
)
def test_every_chart_renders(chart: Path, capsys: pytest.CaptureFixture[str]):
    if not tiphys_toolbox.binary().exists():
        pytest.skip("the toolbox is not built (make build)")
    repository = next((p for p in chart.parents if p.parent.name == "platform"), ROOT)
    code = tiphys.main(["render", str(chart), "--repo", str(repository)], standalone_mode=False)
    objects = list(yaml.safe_load_all(capsys.readouterr().out))
    assert not code
    assert objects
    assert all({"apiVersion", "kind", "metadata"} <= each.keys() for each in objects)
