"""Which files of a plain folder are manifests (Argo CD's directory page)."""

from collections.abc import Sequence

from tiphys.core.languages import globs
from tiphys.core.sources.recipe import DirectoryRequest
from tiphys.core.sources.tools import not_built
from tiphys.model.api import DirectorySource
from tiphys.model.errors import SpecError

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
    if request.exclude and _fits("exclude", request.exclude, file):
        return False
    return not request.include or _fits("include", request.include, file)


def _fits(field: str, pattern: str, file: str) -> bool:
    """Whether a file fits. As in Argo CD, ``*`` goes over ``/`` too, so that ``*.yaml`` means those of all folders."""
    try:
        return globs.matches(pattern, file)
    except ValueError as error:
        raise SpecError(f"spec.source.directory.{field}: {error}") from error
