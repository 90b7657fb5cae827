"""The API server's refusals as people want to read them: what is wrong and where, without the object quoted whole."""

import re
from collections.abc import Iterator

LONGEST = 120
"""Characters that a quoted value may have."""
IMMUTABLE = "field is immutable"
ADVICE = "; to have the object made anew, delete it or give it the sync option Force=true"

_CLOSING = {"{": "}", "[": "]"}
_QUOTES = re.compile(r" value: (?=[{[])")
"""Before the value in ``Invalid value:``, ``Duplicate value:`` and the like; errors in a list are in brackets too."""


def readable(message: str) -> str:
    """
    A refusal with the values that it quotes at length left out, and with what to do where that is not plain.

    Kubernetes quotes a pod template of which one field must not change as a whole, by a name in which nobody
    finds it: ``spec.template: Invalid value: {"labels":{…3 kB…}: field is immutable``.
    """
    told = "".join(_parts(message))
    return f"{told}{ADVICE}" if told.endswith(IMMUTABLE) else told


def _parts(text: str) -> Iterator[str]:
    while found := _QUOTES.search(text):
        begin = found.end()
        end = begin + _length(text[begin:])
        yield text[:begin]
        yield text[begin:end] if end - begin <= LONGEST else f"{text[begin]}…{_CLOSING[text[begin]]}"
        text = text[end:]
    yield text


def _length(text: str) -> int:
    """How long the JSON value is with which a text begins; all of the text if it does not end."""
    depth, in_string, escaped = 0, False, False
    for i, character in enumerate(text):
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
            continue
        in_string = character == '"'
        depth += (character in "{[") - (character in "}]")
        if depth == 0:
            return i + 1
    return len(text)
