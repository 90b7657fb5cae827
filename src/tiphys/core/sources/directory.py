"""Which files of a plain folder are manifests (Argo CD's directory page)."""

import re
from collections.abc import Sequence
from functools import cache

from tiphys.core.sources.recipe import DirectoryRequest
from tiphys.core.sources.tools import not_built
from tiphys.model.api import DirectorySource

SKIP = b"+argocd:skip-file-rendering"
"""A file that holds this mark is not rendered."""


def directory_request(source: DirectorySource | None) -> DirectoryRequest:
    """The request of a directory source; one without a section takes the YAML and JSON files of the folder itself."""
    wish = source or DirectorySource()
    return DirectoryRequest(wish.recurse, wish.include, wish.exclude)


def chosen(files: Sequence[str], request: DirectoryRequest) -> tuple[str, ...]:
    """The manifests among the files, given relative to the folder. Raises ``SpecError`` for Jsonnet."""
    wanted = tuple(f for f in files if _wanted(f, request))
    jsonnet = next((f for f in wanted if f.endswith(".jsonnet")), None)
    if jsonnet:
        raise not_built(f"Jsonnet ({jsonnet})")
    return tuple(f for f in wanted if f.endswith((".yaml", ".yml", ".json")))


def _wanted(file: str, request: DirectoryRequest) -> bool:
    if "/" in file and not request.recurse:
        return False
    if request.exclude and _glob(request.exclude).fullmatch(file):
        return False
    return not request.include or bool(_glob(request.include).fullmatch(file))


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    """A glob with ``*`` (not over ``/``), ``**``, ``?``, ``[a-z]`` and ``{a,b}`` as a regular expression."""
    words = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|"}
    parts = re.findall(r"\*\*|\[[^\]]+\]|.", pattern)
    open_braces, out = 0, []
    for sign in parts:
        open_braces += {"{": 1, "}": -1}.get(sign, 0)
        known = words.get(sign) if sign != "," or open_braces else None
        out.append(sign if sign.startswith("[") and len(sign) > 1 else known or re.escape(sign))
    try:
        return re.compile("".join(out))
    except re.error:
        return re.compile(re.escape(pattern))
