"""What stands in deploy/ is what it is made from."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import tiphys
import tiphys_localkube
from house.pages import ROOT


def install_yaml() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install_yaml", ROOT / "deploy/install_yaml.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_install_yaml_is_what_the_chart_gives() -> None:
    if not Path(tiphys_localkube.binary()).exists():
        pytest.skip("localkube is not built (make build)")
    committed = (ROOT / "deploy/install.yaml").read_text()
    assert committed == install_yaml().text(), "run `make install-yaml` and commit what it writes"


def test_the_chart_installs_the_version_that_it_comes_with() -> None:
    chart = yaml.safe_load((ROOT / "deploy/chart/Chart.yaml").read_text())
    assert chart["appVersion"] == tiphys.__version__
    assert f"ARG VERSION={tiphys.__version__}\n" in (ROOT / "deploy/image/Dockerfile").read_text()
