"""Every setting, every variable and every flag of the engine is documented, with the default that it has."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from house.pages import ROOT, code, page, rows
from tiphys.cli.controller import controller
from tiphys.model.errors import SpecError
from tiphys.wiring.connecting import connection_of
from tiphys.wiring.settings import Settings, settings_from, state_folder

PAGE = "reference/settings.md"
VARIABLE = re.compile(r"^(TIPHYS|ARGOCD|KUBE|KUBECTL|KUBERNETES|XDG|GIT_SSL|SSL|CURL|NO)_?[A-Z0-9_]+$")
SILENT = {"_TIPHYS_COMPLETE"}


class Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return default


def documented() -> dict[str, list[str]]:
    """The table of settings: by name, the cells after it."""
    return {cells[0].strip("`"): cells[1:] for cells in rows(page(PAGE)) if len(cells) == 5}


def shown(value: object) -> str:
    """A default as the page writes it."""
    match value:
        case timedelta():
            seconds = int(value.total_seconds())
            return f"`{seconds // 60}m`" if seconds % 60 == 0 else f"`{seconds}s`"
        case None | "" | ():
            return "none"
        case Path():
            return f"`{value}`"
    return f"`{value}`"


def test_every_setting_has_its_row_and_its_default():
    usual = Settings(state=state_folder({"HOME": "~"}))
    told = {name: cells[2] for name, cells in documented().items()}
    assert told == {field.name: shown(getattr(usual, field.name)) for field in fields(Settings)}


def test_every_flag_of_the_engine_is_in_its_settings_row():
    flags = {parameter.name: max(parameter.opts, key=len) for parameter in controller.params}
    told = {name: cells[1].strip("`") for name, cells in documented().items() if cells[1]}
    assert told == flags


def test_every_variable_that_is_asked_for_is_documented():
    environment = Asked()
    settings = settings_from(environment)
    with pytest.raises(SpecError):
        connection_of(settings, environment)
    known = set(code(page(PAGE)))
    assert environment.names - {"HOME"} <= known
    assert "TIPHYS_POLL" in environment.names


@pytest.mark.parametrize("folder", ["wiring", "cli", "local", "adapters"])
def test_every_variable_that_the_code_names_is_documented(folder: str):
    named = {name for file in (ROOT / "src/tiphys" / folder).rglob("*.py") for name in variables(file)}
    known = {re.sub("_*$", "", word) for word in code(page(PAGE))}
    assert named - known - SILENT == set()


@pytest.mark.parametrize(
    "environment",
    [
        {"TIPHYS_POLL": "0"},
        {"TIPHYS_SYNC_DEADLINE": "0s"},
        {"TIPHYS_RENDER_DEADLINE": "soon"},
        {"TIPHYS_WORKERS": "0"},
        {"TIPHYS_WORKERS": "many"},
        {"TIPHYS_LISTEN": "somewhere"},
        {"TIPHYS_WEBHOOK_MIB": "0"},
    ],
)
def test_settings_with_which_nothing_would_happen_are_told(environment: Mapping[str, str]):
    with pytest.raises(SpecError, match=r"poll|sync deadline|RENDER_DEADLINE|workers|WORKERS|listen|webhook"):
        settings_from(environment)


def test_argo_cds_names_count_where_ours_are_not_given():
    assert settings_from({"ARGOCD_SYNC_WAVE_DELAY": "5"}).wave_delay == timedelta(seconds=5)
    both = {"ARGOCD_NAMESPACE": "theirs", "TIPHYS_NAMESPACE": "ours"}
    assert settings_from(both).namespace == "ours"


def variables(file: Path) -> Iterator[str]:
    """The names of environment variables that a file's texts consist of."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.match(node.value):
            yield node.value
