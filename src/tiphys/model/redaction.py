"""
The redaction boundary: what of an object may be shown to people.

Values of Secrets become marks. Of bodies redacted together, equal values of a field get equal marks and
different values different ones, so that a difference still shows; a mark tells nothing else, the value's
length neither.
"""

import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterator, Mapping

from tiphys.model.objects import Body, group_of, part

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""The annotation in which ``kubectl apply`` keeps a whole object, a Secret's values included."""

MARK = "++++++++"
_SECRET_FIELDS = ("data", "stringData")


def redact(body: Body) -> Body:
    """The body as it may be shown."""
    return redact_together(body)[0]


def redact_together(*bodies: Body) -> tuple[Body, ...]:
    """
    Versions of one object as they may be shown, comparable with each other.

    A Secret may be malformed (a number as a value, a list as ``data``): nothing of it is shown whatever its
    shape.
    """
    if not any(_is_secret(body) for body in bodies):
        return bodies
    marks: dict[tuple[str, ...], list[object]] = {}
    return tuple(_redacted(body, marks) for body in bodies)


def redact_text(text: str, *bodies: Body) -> str:
    """A message about an object as it may be shown: API servers quote values that they refuse."""
    values = {value for body in bodies if _is_secret(body) for value in _secret_values(body)}
    for value in sorted(values, key=len, reverse=True):
        # A short value is only replaced as a whole word, or a password "a" would leave no message at all.
        pattern = re.escape(value) if len(value) > 3 else rf"(?<!\w){re.escape(value)}(?!\w)"
        text = re.sub(pattern, MARK, text)
    return text


def _is_secret(body: Body) -> bool:
    return body.get("kind") == "Secret" and group_of(str(body.get("apiVersion", ""))) == ""


def _redacted(body: Body, marks: dict[tuple[str, ...], list[object]]) -> Body:
    shown = {k: _marked(v, (k,), marks) if k in _SECRET_FIELDS else v for k, v in body.items()}
    annotations = part(body, "metadata", "annotations")
    if LAST_APPLIED in annotations:
        mark = _mark(annotations[LAST_APPLIED], (LAST_APPLIED,), marks)
        shown["metadata"] = {**body["metadata"], "annotations": {**annotations, LAST_APPLIED: mark}}
    return shown


def _marked(value: object, path: tuple[str, ...], marks: dict[tuple[str, ...], list[object]]) -> object:
    if isinstance(value, Mapping):
        return {k: _mark(v, (*path, k), marks) for k, v in value.items()}
    return value if value is None else _mark(value, path, marks)


def _mark(value: object, path: tuple[str, ...], marks: dict[tuple[str, ...], list[object]]) -> str:
    """The mark of a value: one more ``+`` for each other value that the field has had before."""
    known = marks.setdefault(path, [])
    if value not in known:
        known.append(value)
    return MARK + "+" * known.index(value)


def _secret_values(body: Body) -> Iterator[str]:
    for field in _SECRET_FIELDS:
        for text in _texts(body.get(field)):
            yield text
            yield from _decoded(text)
    yield from _texts(part(body, "metadata", "annotations").get(LAST_APPLIED))


def _texts(value: object) -> Iterator[str]:
    """Every scalar of a value as text."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif value not in (None, "") and not isinstance(value, bool):
        yield str(value)


def _decoded(text: str) -> Iterator[str]:
    try:
        plain = b64decode(text, validate=True).decode()
    except (NoBase64, ValueError):
        return
    if plain.strip():
        yield plain
