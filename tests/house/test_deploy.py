"""What stands in deploy/ is what it is made from."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import tiphys
import tiphys_localkube
from house.pages import ROOT, code, page


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / f"deploy/{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_install_yaml_is_what_the_chart_gives() -> None:
    if not Path(tiphys_localkube.binary()).exists():
        pytest.skip("localkube is not built (make build)")
    committed = (ROOT / "deploy/install.yaml").read_text()
    assert committed == script("install_yaml").text(), "run `make install-yaml` and commit what it writes"


def test_the_page_of_the_charts_values_is_what_they_say_of_themselves() -> None:
    committed = page("reference/chart-values.md")
    assert committed == script("chart_values").page(), "run `make chart-values` and commit what it writes"


def test_every_value_says_what_it_is() -> None:
    text = (ROOT / "deploy/chart/values.yaml").read_text()
    described = {value.path for value in script("chart_values").read(text)}
    assert [path for path in leaves(yaml.safe_load(text)) if not prefixes(path) & described] == []


def leaves(values: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(values, dict) or not values:
        return [path]
    return [leaf for key, value in values.items() for leaf in leaves(value, (*path, key))]


def prefixes(path: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {path[:length] for length in range(1, len(path) + 1)}


def test_alerts_ask_for_metrics_that_there_are() -> None:
    rules = (ROOT / "deploy/chart/templates/monitoring.yaml").read_text()
    asked = set(re.findall(r"(argocd_\w+|tiphys_\w+)\{", rules))
    assert asked
    assert asked <= set(code(page("reference/metrics.md")))


def test_the_chart_installs_the_version_that_it_comes_with() -> None:
    chart = yaml.safe_load((ROOT / "deploy/chart/Chart.yaml").read_text())
    assert chart["appVersion"] == tiphys.__version__
    assert f"ARG VERSION={tiphys.__version__}\n" in (ROOT / "deploy/image/Dockerfile").read_text()
