"""
How our types look on the wire: immutable, tolerant, and spelt as Argo CD spells them.

Knows the naming rule and the few shared field types. What the fields mean is said where they are declared.
A field without a default is ``required`` in the CRD; a field at its default is left out when written.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct

API_VERSION = "argoproj.io/v1alpha1"

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""A point in time as RFC 3339 text; this level neither parses nor compares it."""

FreeForm = Annotated[dict[str, Any], Meta(extra_json_schema={"x-kubernetes-preserve-unknown-fields": True})]
"""A mapping whose inside belongs to somebody else, such as a chart's values; nulls in it are kept."""

_ACRONYMS = {"id": "ID", "sha": "SHA", "url": "URL", "urls": "URLs"}


def wire_name(name: str) -> str:
    """Argo CD's JSON name of a Python attribute: ``value_files`` is valueFiles, ``repo_url`` is repoURL."""
    first, *others = name.split("_")
    return first + "".join(_ACRONYMS.get(word, word.capitalize()) for word in others)


class Wire(Struct, frozen=True, kw_only=True, omit_defaults=True, rename=wire_name):
    """What all our wire types share. Fields that we don't know are skipped, never an error."""
