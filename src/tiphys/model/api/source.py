"""
Where manifests come from, and how each tool is to be called to make them.

``ApplicationSource`` names a place; at most one of its tool sections applies. Which one does, and what its
fields do, is decided elsewhere.
"""

from typing import Any

from msgspec import field
from msgspec.structs import replace

from tiphys.model.api.wire import FreeForm, Wire


class HelmParameter(Wire, frozen=True, kw_only=True):
    """One value set as with helm --set, or with --set-string if forceString."""

    name: str = ""
    value: str = ""
    force_string: bool = False


class HelmFileParameter(Wire, frozen=True, kw_only=True):
    """One value whose content is a file, as with helm --set-file."""

    name: str = ""
    path: str = ""


class HelmSource(Wire, frozen=True, kw_only=True):
    """How the chart is rendered. Parameters win over valuesObject, that over values, that over valueFiles."""

    value_files: tuple[str, ...] = ()
    values: str = ""
    values_object: FreeForm | None = None
    parameters: tuple[HelmParameter, ...] = ()
    file_parameters: tuple[HelmFileParameter, ...] = ()
    ignore_missing_value_files: bool = False
    release_name: str = ""
    namespace: str = ""
    version: str = ""
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    pass_credentials: bool = False
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False


class KustomizeReplica(Wire, frozen=True, kw_only=True):
    """The number of replicas of the workloads with this name."""

    name: str
    count: int | str


class KustomizeSelector(Wire, frozen=True, kw_only=True):
    """The objects that a patch is for; what is empty matches all."""

    group: str = ""
    version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    label_selector: str = ""
    annotation_selector: str = ""


class KustomizePatch(Wire, frozen=True, kw_only=True):
    """A patch, inline or in a file, and the objects that it is for."""

    path: str = ""
    patch: str = ""
    target: KustomizeSelector | None = None
    options: dict[str, bool] = field(default_factory=dict)


class KustomizeSource(Wire, frozen=True, kw_only=True):
    """What is laid over the overlay's kustomization before it is built."""

    name_prefix: str = ""
    name_suffix: str = ""
    namespace: str = ""
    images: tuple[str, ...] = ()
    replicas: tuple[KustomizeReplica, ...] = ()
    patches: tuple[KustomizePatch, ...] = ()
    components: tuple[str, ...] = ()
    ignore_missing_components: bool = False
    common_labels: dict[str, str] = field(default_factory=dict)
    common_annotations: dict[str, str] = field(default_factory=dict)
    common_annotations_envsubst: bool = False
    force_common_labels: bool = False
    force_common_annotations: bool = False
    label_without_selector: bool = False
    label_include_templates: bool = False
    version: str = ""
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()


class JsonnetVar(Wire, frozen=True, kw_only=True):
    """A variable given to Jsonnet: text, or an expression if code."""

    name: str
    value: str
    code: bool = False


class JsonnetSource(Wire, frozen=True, kw_only=True):
    """The variables and library folders that Jsonnet files are evaluated with."""

    ext_vars: tuple[JsonnetVar, ...] = ()
    tlas: tuple[JsonnetVar, ...] = ()
    libs: tuple[str, ...] = ()


class DirectorySource(Wire, frozen=True, kw_only=True):
    """Which files of a plain folder are manifests. include and exclude are globs."""

    recurse: bool = False
    include: str = ""
    exclude: str = ""
    disable_extension_filter: bool = False
    jsonnet: JsonnetSource | None = None


class EnvEntry(Wire, frozen=True, kw_only=True):
    """One environment variable of a plugin."""

    name: str
    value: str


class PluginParameter(Wire, frozen=True, kw_only=True):
    """One parameter of a plugin: a text, a list or a mapping."""

    name: str = ""
    string: str | None = None
    array: tuple[str, ...] | None = None
    map: dict[str, str] | None = None


class PluginSource(Wire, frozen=True, kw_only=True):
    """The config management plugin that makes the manifests, and what it is told."""

    name: str = ""
    env: tuple[EnvEntry, ...] = ()
    parameters: tuple[PluginParameter, ...] = ()


class ApplicationSource(Wire, frozen=True, kw_only=True):
    """A place that holds manifests: a folder of a Git repository, or a chart of a Helm or OCI repository."""

    repo_url: str
    path: str = ""
    target_revision: str = ""
    tag_prefix: str = ""
    chart: str = ""
    ref: str = ""
    name: str = ""
    helm: HelmSource | None = None
    kustomize: KustomizeSource | None = None
    directory: DirectorySource | None = None
    plugin: PluginSource | None = None


def storable(source: ApplicationSource | None) -> ApplicationSource | None:
    """
    The source as a status can hold it: without the nulls inside of ``valuesObject``.

    Statuses are written by merge patches (RFC 7386), in which a null in a mapping means "take this away"; the API
    server does so in lists too. Whoever compares a source with one of a status compares this.
    """
    if source is None or source.helm is None or not source.helm.values_object:
        return source
    return replace(source, helm=replace(source.helm, values_object=_merged(source.helm.values_object)))


def _merged(value: Any) -> Any:
    if isinstance(value, list):
        return [_merged(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {name: _merged(part) for name, part in value.items() if part is not None}
