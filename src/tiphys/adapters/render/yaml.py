"""YAML and JSON read as Kubernetes reads them. No user's YAML is parsed in Python: the two differ."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiphys.adapters.render.toolbox import Toolbox
from tiphys.model.errors import SpecError
from tiphys.model.rendering import RenderedObject


@dataclass(frozen=True, slots=True)
class Document:
    """A document that says something, and where it stands: file, position in the file, line."""

    file: str
    index: int
    line: int
    value: Any


async def decode_yaml(
    toolbox: Toolbox, text: str, name: str, deadline_seconds: float
) -> tuple[Document, ...]:
    """The documents of one text; errors call it ``name``, and a name ending in ``.json`` makes it JSON."""
    answer = await toolbox.call(
        "yaml.decode", {"text": text, "name": name}, deadline_seconds, doing=f"read {name}"
    )
    return tuple(_document(found) for found in answer["documents"])


async def decode_files(
    toolbox: Toolbox, root: Path, files: Sequence[Path], deadline_seconds: float
) -> tuple[RenderedObject, ...]:
    """
    The objects of files under ``root``, in the order given, named relative to it.

    Raises ``SpecError`` for a file that leads out of ``root``, for what is not YAML or not an object, and for
    more than 10 MiB in all (Argo CD's limit for a directory).
    """
    if not files:
        return ()
    answer = await toolbox.call(
        "yaml.decode",
        {"root": os.fspath(root), "files": [os.fspath(file) for file in files]},
        deadline_seconds,
        doing="read manifests",
    )
    return tuple(_object(_document(found)) for found in answer["documents"])


def _document(found: dict[str, Any]) -> Document:
    return Document(found["file"], found["index"], found["line"], found["object"])


def _object(document: Document) -> RenderedObject:
    if not isinstance(document.value, dict):
        raise SpecError(
            f"{document.file}: line {document.line}: this document is no mapping with apiVersion and kind: "
            f"correct it, or exclude the file"
        )
    return RenderedObject(document.file, document.value)
