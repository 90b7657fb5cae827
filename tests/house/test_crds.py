"""
Our CRDs are Argo CD's: the same fields, types, required fields and constraints, and no others.

``crd-fields.tsv`` lists Argo CD's fields, one a line. The list leaves open what is inside of a generator's
template and of the generators of matrix and merge; there ours keep whatever is written.
"""

import csv
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tiphys.model.api.schema import KINDS, Facts, definitions

ROOT = Path(__file__).parents[2]
PRESERVE = "x-kubernetes-preserve-unknown-fields"
LEFT_OPEN = re.compile(r"spec\.generators\[\]\.(\w+\.template|(matrix|merge)\.generators\[\])")

Field = tuple[str, bool, str]

kinds = pytest.mark.parametrize("facts", KINDS, ids=lambda facts: facts.type.__name__)


def listed(kind: str) -> dict[str, Field]:
    with (Path(__file__).parent / "crd-fields.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(rows) > 2000
    return {
        row["path"]: (row["type"], row["required"] == "required", row["constraints"] or "")
        for row in rows
        if row["kind"] == kind
    }


def generated(name: str) -> dict[str, Field]:
    version = definitions()[name]["spec"]["versions"][0]
    return dict(fields(version["schema"]["openAPIV3Schema"], ""))


def fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, Field]]:
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        yield from field(part, f"{path}.{name}".lstrip("."), required=name in required)
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if key in schema:
            yield from field(schema[key], path + mark, required=False)


def field(schema: dict[str, Any], path: str, *, required: bool) -> Iterator[tuple[str, Field]]:
    kind = "int-or-string" if "x-kubernetes-int-or-string" in schema else schema.get("type", "")
    constraints = "" if LEFT_OPEN.fullmatch(path) else ";".join(constraints_of(schema))
    yield path, (kind, required, constraints)
    yield from fields(schema, path)


def constraints_of(schema: dict[str, Any]) -> Iterator[str]:
    for name in ("format", "pattern", "minLength", "maxLength"):
        if name in schema:
            yield f"{name}={schema[name]}"
    if "enum" in schema:
        yield "enum=" + "|".join(schema["enum"])
    if PRESERVE in schema:
        yield "preserve-unknown"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "deploy/crds.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@kinds
def test_every_field_is_argo_cds_and_none_is_missing(facts: Facts) -> None:
    ours, theirs = generated(f"{facts.plural}.argoproj.io"), listed(facts.type.__name__)
    assert sorted(theirs.keys() - ours.keys()) == [], "Argo CD has these, our types lack them"
    assert sorted(ours.keys() - theirs.keys()) == [], "our types have these, Argo CD does not"
    assert {path: ours[path] for path in ours if ours[path] != theirs[path]} == {}, (
        "ours is another kind of field"
    )


def test_the_committed_files_are_what_the_types_give() -> None:
    committed = {file.name: file.read_text() for file in (ROOT / "deploy/chart/crds").glob("*.yaml")}
    assert committed == generator().files(), "run `make crds` and commit what it writes"


@kinds
def test_a_definition_fits_into_the_annotation_of_kubectl_apply(facts: Facts) -> None:
    name = f"{facts.plural}.argoproj.io"
    document = yaml.safe_load((ROOT / "deploy/chart/crds" / f"{name}.yaml").read_text())
    assert document == definitions()[name]
    assert len(json.dumps(document)) < 262_144
    assert (ROOT / "deploy/chart/crds" / f"{name}.yaml").stat().st_size < 262_144


@kinds
def test_every_struct_tells_what_it_is(facts: Facts) -> None:
    root = definitions()[f"{facts.plural}.argoproj.io"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert [path for path, text in descriptions(root, facts.plural) if not text] == []


def descriptions(schema: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    if "properties" in schema:
        yield path, schema.get("description", "")
    for name, part in schema.get("properties", {}).items():
        yield from descriptions(part, f"{path}.{name}")
    if "items" in schema:
        yield from descriptions(schema["items"], f"{path}[]")


def test_kubectl_shows_an_application_as_with_argo_cd() -> None:
    version = definitions()["applications.argoproj.io"]["spec"]["versions"][0]
    shown = [(c["name"], c["jsonPath"], c.get("priority", 0)) for c in version["additionalPrinterColumns"]]
    assert shown == [
        ("Sync Status", ".status.sync.status", 0),
        ("Health Status", ".status.health.status", 0),
        ("Revision", ".status.sync.revision", 10),
        ("Project", ".spec.project", 10),
    ]
    assert version["subresources"] == {}, "the status is written with the object"


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("applications.argoproj.io", ["app", "apps"]),
        ("appprojects.argoproj.io", ["appproj", "appprojs"]),
        ("applicationsets.argoproj.io", ["appset", "appsets"]),
    ],
)
def test_the_short_names_are_argo_cds(name: str, short: list[str]) -> None:
    spec = definitions()[name]["spec"]
    assert spec["names"]["shortNames"] == short
    assert (spec["group"], spec["scope"]) == ("argoproj.io", "Namespaced")
    assert [(v["name"], v["served"], v["storage"]) for v in spec["versions"]] == [("v1alpha1", True, True)]
