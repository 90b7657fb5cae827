"""For any object of our types: what was read is written back; nulls and strangers change nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from tiphys.model.api import Application, AppProject, decode, to_json
from tiphys.model.api.appset import ApplicationSet
from tiphys.model.api.wire import API_VERSION, Wire

Strategy = st.SearchStrategy[Any]

TOP: tuple[type[Wire], ...] = (Application, AppProject, ApplicationSet)


def objects(shape: inspect.Type) -> Strategy:
    """JSON of the shape, with any of its optional fields absent."""
    return MAKERS[type(shape)](shape)


def mappings(shape: inspect.StructType) -> Strategy:
    head = (
        {"kind": st.just(shape.cls.__name__), "apiVersion": st.just(API_VERSION)} if shape.cls in TOP else {}
    )
    required = {field.encode_name: objects(field.type) for field in shape.fields if field.required}
    optional = {field.encode_name: objects(field.type) for field in shape.fields if not field.required}
    return st.fixed_dictionaries(
        required | head, optional={name: part for name, part in optional.items() if name not in head}
    )


def constrained(shape: inspect.Metadata) -> Strategy:
    words = (shape.extra_json_schema or {}).get("enum")
    return st.sampled_from(words) if words else objects(shape.type)


def without_none(shape: inspect.UnionType) -> list[inspect.Type]:
    return [part for part in shape.types if not isinstance(part, inspect.NoneType)]


MAKERS: dict[type[inspect.Type], Callable[[Any], Strategy]] = {
    inspect.StructType: mappings,
    inspect.Metadata: constrained,
    inspect.UnionType: lambda shape: st.one_of([objects(part) for part in without_none(shape)]),
    inspect.VarTupleType: lambda shape: st.lists(objects(shape.item_type), max_size=2),
    inspect.DictType: lambda shape: st.dictionaries(
        st.text(max_size=3), objects(shape.value_type), max_size=2
    ),
    inspect.BoolType: lambda _: st.booleans(),
    inspect.IntType: lambda _: st.integers(-(2**63), 2**63 - 1),
    inspect.StrType: lambda shape: st.just("manifests") if shape.pattern else st.text(max_size=5),
    inspect.AnyType: lambda _: st.none() | st.booleans() | st.text(max_size=3),
}
SHAPES = {kind: inspect.type_info(kind) for kind in TOP}
OBJECTS = {kind: objects(shape) for kind, shape in SHAPES.items()}

any_kind = pytest.mark.parametrize("kind", TOP)


def same(written: object, read: object) -> bool:
    """Equal, but for fields that were written with the value that they have when they are absent."""
    if isinstance(written, dict) and isinstance(read, dict):
        left_out = written.keys() - read.keys()
        return all(same(written[name], read[name]) for name in read) and not any(written[n] for n in left_out)
    if isinstance(written, list) and isinstance(read, list):
        return len(written) == len(read) and all(map(same, written, read))
    return written == read


def spoilt(value: object, shape: inspect.Type) -> object:
    """The same with null for every optional field that is absent, and with a field that nobody knows."""
    match shape, value:
        case inspect.UnionType(), _:
            return spoilt(value, without_none(shape)[0])
        case inspect.StructType(fields=fields), dict():
            parts = {field.encode_name: spoilt(value.get(field.encode_name), field.type) for field in fields}
            return parts | {"stranger": {"a": None}}
        case inspect.VarTupleType(item_type=item), list():
            return [spoilt(part, item) for part in value]
    return value


@any_kind
@given(data=st.data())
def test_what_is_read_is_written_back(kind: type[Wire], data: st.DataObject) -> None:
    written = data.draw(OBJECTS[kind])
    assert same(written, to_json(decode(json.dumps(written).encode(), kind)))


@any_kind
@given(data=st.data())
def test_nulls_and_strangers_change_nothing(kind: type[Wire], data: st.DataObject) -> None:
    written = data.draw(OBJECTS[kind])
    raw = json.dumps(spoilt(written, SHAPES[kind])).encode()
    assert decode(raw, kind) == decode(json.dumps(written).encode(), kind)
