"""
Between bytes and our types, and what to tell a user whose object does not fit.

Reading is tolerant where clusters are: unknown fields are skipped and null means absent, as it does to Go.
What does not fit is a ``SpecError`` that names the object and the field, but never a value, which may be
secret. Times, globs and revisions stay text; those who act on them judge them.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from tiphys.model.api.application import Application
from tiphys.model.api.project import AppProject
from tiphys.model.api.wire import API_VERSION, Wire
from tiphys.model.errors import SpecError

T = TypeVar("T", bound=Wire)

_WORDS = {
    "bool": "a boolean",
    "int": "a whole number",
    "float": "a decimal number",
    "str": "a string",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_HINTS = {
    ("bool", "str"): "write true or false without quotes",
    ("int", "str"): "write the number without quotes",
    ("str", "int"): "put the number in quotes",
    ("str", "float"): "put the number in quotes",
    ("str", "bool"): "put it in quotes",
    ("array", "object"): "begin each entry with a dash",
    ("array", "str"): "begin each entry with a dash",
}
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_QUOTED = re.compile(r"`([^`]+)`")
_MISFIT = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")


def decode_application(raw: bytes) -> Application:
    """The Application in JSON text. Raises SpecError, in the user's words, if it isn't one."""
    return decode(raw, Application)


def decode_project(raw: bytes) -> AppProject:
    """The AppProject in JSON text. Raises SpecError, in the user's words, if it isn't one."""
    return decode(raw, AppProject)


def decode(raw: bytes, kind: type[T]) -> T:
    """An object of our API group in JSON text, as the struct ``kind``, whose name is the Kubernetes kind."""
    try:
        found = msgspec.json.decode(raw, type=kind)
    except _UNREADABLE:
        return _decode_slowly(raw, kind)
    return found if _is_one(found, kind) else _decode_slowly(raw, kind)


def encode(value: Wire) -> bytes:
    """JSON text of a struct or a part of one; fields at their defaults are left out."""
    return msgspec.json.encode(value)


def to_json(value: Wire) -> dict[str, Any]:
    """A struct, or a part of one, as a plain JSON mapping; fields at their defaults are left out."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return plain


def _decode_slowly(raw: bytes, kind: type[T]) -> T:
    """The same for what is not as our types have it at first sight: with nulls, or wrong."""
    try:
        plain = msgspec.json.decode(raw)
    except _UNREADABLE as error:
        raise SpecError(f"{kind.__name__}: this is not JSON that can be read: {error}") from error
    try:
        head = msgspec.convert(plain, _Head)
        if not _is_one(head, kind):
            got, wanted = head.kind or "object", f"{kind.__name__} of {API_VERSION}"
            raise SpecError(f"{_title(plain, got)}: this is of {head.api_version}; expected: {wanted}")
        return msgspec.convert(_without_nulls(plain, inspect.type_info(kind)), kind)
    except msgspec.ValidationError as error:
        raise SpecError(f"{_title(plain, kind.__name__)}: {_explain(str(error))}") from error


class _Head(Wire, frozen=True, kw_only=True):
    api_version: str | None = None
    kind: str | None = None


def _is_one(found: Wire, kind: type[Wire]) -> bool:
    # The items of a list may leave both out, since the list says them.
    api_version, name = getattr(found, "api_version", None), getattr(found, "kind", None)
    return api_version in {None, API_VERSION} and name in {None, kind.__name__}


def _without_nulls(value: object, shape: inspect.Type) -> object:
    """The value without the nulls that stand for "absent"; those inside of free-form parts are kept."""
    match shape, value:
        case inspect.Metadata(type=inner), _:
            return value if _is_free(shape) else _without_nulls(value, inner)
        case inspect.UnionType(types=shapes), _:
            return _without_nulls(value, next(s for s in shapes if not isinstance(s, inspect.NoneType)))
        case inspect.StructType(fields=fields), dict():
            shapes_by_name = {f.encode_name: f.type for f in fields}
            return {
                name: _without_nulls(part, shapes_by_name.get(name, inspect.AnyType()))
                for name, part in value.items()
                if part is not None
            }
        case inspect.VarTupleType(item_type=item), list():
            return [_without_nulls(part, item) for part in value]
        case inspect.DictType(value_type=item), dict():
            return {name: _without_nulls(part, item) for name, part in value.items()}
    return value


def _is_free(shape: inspect.Metadata) -> bool:
    return "x-kubernetes-preserve-unknown-fields" in (shape.extra_json_schema or {})


def _title(plain: object, kind: str) -> str:
    metadata = plain.get("metadata") if isinstance(plain, Mapping) else None
    if not isinstance(metadata, Mapping):
        return kind
    named = [part for key in ("namespace", "name") if isinstance(part := metadata.get(key), str) and part]
    return " ".join(filter(None, (kind, "/".join(named))))


def _explain(message: str) -> str:
    """The decoder's message, "Expected `bool`, got `str` - at `$.spec.x`", as a sentence about spec.x."""
    problem, _, place = message.partition(" - at ")
    path = place.strip("`").removeprefix("$").lstrip(".")
    if path.endswith("[...]"):
        path = f"each value of {path.removesuffix('[...]')}"
    if missing := _MISSING.match(problem):
        return f"{'.'.join(filter(None, (path, missing['name'])))} is missing"
    if misfit := _MISFIT.match(problem):
        return f"{path or 'the object'} {_misfit(misfit['wanted'], misfit['got'])}"
    told = _QUOTED.sub(lambda quoted: _WORDS.get(quoted[1], quoted[1]), problem)
    return f"{path or 'the object'} must be {told.removeprefix('Expected ')}"


def _misfit(wanted: str, got: str) -> str:
    kinds = [kind for kind in wanted.split(" | ") if kind != "null"]
    said = f"must be {' or '.join(_WORDS.get(kind, kind) for kind in kinds)}, not {_WORDS.get(got, got)}"
    hint = _HINTS.get((kinds[0], got))
    return f"{said}: {hint}" if hint else said
