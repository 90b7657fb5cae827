"""
The CustomResourceDefinitions, made from our types.

A struct becomes a structural OpenAPI schema: its docstring the description, a field without a default a
required one, ``Meta`` its constraints. Names, columns and subresources of each kind are rows of a table.
Metadata is left to the API server. ``deploy/crds.py`` writes the files.
"""

import hashlib
import inspect as python
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import inspect

from tiphys.model.api.application import Application
from tiphys.model.api.appset import ApplicationSet
from tiphys.model.api.meta import ObjectMeta
from tiphys.model.api.project import AppProject
from tiphys.model.api.wire import API_VERSION, Wire

Json = dict[str, Any]

EDITION = "tiphys.dev/edition"
"""The annotation of our definitions, not of Argo CD's: a hash of what is defined, another with each change of it."""

_GROUP, _, _VERSION = API_VERSION.partition("/")
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_ANYTHING = {_PRESERVE: True}

# Argo CD's columns; kubectl shows those of priority 10 with -o wide alone.
_APPLICATION_COLUMNS = (
    {"name": "Sync Status", "type": "string", "jsonPath": ".status.sync.status"},
    {"name": "Health Status", "type": "string", "jsonPath": ".status.health.status"},
    {"name": "Revision", "type": "string", "jsonPath": ".status.sync.revision", "priority": 10},
    {"name": "Project", "type": "string", "jsonPath": ".spec.project", "priority": 10},
)


class Facts(NamedTuple):
    """What a definition says beside its schema."""

    type: type[Wire]
    plural: str
    short_names: tuple[str, ...]
    columns: tuple[Json, ...] = ()
    status_apart: bool = False


# As in Argo CD, the status of an Application is written with the object, and that of a set apart from it.
KINDS = (
    Facts(Application, "applications", ("app", "apps"), _APPLICATION_COLUMNS),
    Facts(AppProject, "appprojects", ("appproj", "appprojs")),
    Facts(ApplicationSet, "applicationsets", ("appset", "appsets"), status_apart=True),
)


def definitions() -> dict[str, Json]:
    """All definitions by name, such as applications.argoproj.io."""
    return {f"{facts.plural}.{_GROUP}": definition(facts) for facts in KINDS}


def definition(facts: Facts) -> Json:
    """The CustomResourceDefinition of one kind, as plain JSON. Its annotation ``EDITION`` says that it is ours."""
    name = f"{facts.plural}.{_GROUP}"
    spec = {
        "group": _GROUP,
        "scope": "Namespaced",
        "names": _names(facts),
        "versions": [_version(facts)],
    }
    # Argo CD's own labels, by which its tools and charts find the definitions.
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name, "labels": labels, "annotations": {EDITION: _edition(spec)}},
        "spec": spec,
    }


def _edition(spec: Json) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]


def schema_of(shape: inspect.Type) -> Json:
    """The structural schema of a field's type. TypeError for a type that has none."""
    if maker := _MAKERS.get(type(shape)):
        return maker(shape)
    raise TypeError(f"{shape}: say in _MAKERS how this looks in OpenAPI")


def _names(facts: Facts) -> Json:
    kind = facts.type.__name__
    return {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": facts.plural,
        "singular": kind.lower(),
        "shortNames": list(facts.short_names),
    }


def _version(facts: Facts) -> Json:
    columns = {"additionalPrinterColumns": list(facts.columns)} if facts.columns else {}
    schema = {"openAPIV3Schema": schema_of(inspect.type_info(facts.type))}
    return {
        "name": _VERSION,
        "served": True,
        "storage": True,
        **columns,
        "schema": schema,
        "subresources": {"status": {}} if facts.status_apart else {},
    }


def _struct(shape: inspect.StructType) -> Json:
    if shape.cls is ObjectMeta:
        return {"type": "object"}
    required = sorted(f.encode_name for f in shape.fields if f.required)
    return {
        "description": python.cleandoc(shape.cls.__doc__ or ""),
        "type": "object",
        **({"required": required} if required else {}),
        "properties": {
            f.encode_name: schema_of(f.type) for f in sorted(shape.fields, key=lambda f: f.encode_name)
        },
    }


def _constrained(shape: inspect.Metadata) -> Json:
    extra = shape.extra_json_schema or {}
    return _ANYTHING | {"type": "object"} if _PRESERVE in extra else schema_of(shape.type) | extra


def _union(shape: inspect.UnionType) -> Json:
    shapes = [part for part in shape.types if not isinstance(part, inspect.NoneType)]
    if {type(part) for part in shapes} == {inspect.IntType, inspect.StrType}:
        return {"x-kubernetes-int-or-string": True}
    (only,) = shapes
    return schema_of(only)


def _string(shape: inspect.StrType) -> Json:
    limits = {"minLength": shape.min_length, "maxLength": shape.max_length, "pattern": shape.pattern}
    return {"type": "string"} | {name: limit for name, limit in limits.items() if limit is not None}


_MAKERS: dict[type[inspect.Type], Callable[[Any], Json]] = {
    inspect.StructType: _struct,
    inspect.StrType: _string,
    inspect.BoolType: lambda _: {"type": "boolean"},
    inspect.IntType: lambda _: {"type": "integer", "format": "int64"},
    inspect.VarTupleType: lambda shape: {"type": "array", "items": schema_of(shape.item_type)},
    inspect.DictType: lambda shape: {"type": "object", "additionalProperties": schema_of(shape.value_type)},
    inspect.AnyType: lambda _: _ANYTHING,
    inspect.UnionType: _union,
    inspect.Metadata: _constrained,
}
