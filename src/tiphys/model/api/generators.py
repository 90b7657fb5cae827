"""
The generators of an ApplicationSet: where the parameters of its applications come from.

Providers of repositories and pull requests are in ``providers``. A template inside of a generator is a part
of an ApplicationSet's template, laid over it; matrix and merge hold generators in turn. Both are kept as they
are written, and are read when they are used.
"""

from typing import Any

from msgspec import field

from tiphys.model.api.providers import PullRequestGenerator, SCMProviderGenerator
from tiphys.model.api.wire import FreeForm, Wire


class LabelRequirement(Wire, frozen=True, kw_only=True):
    """One condition on labels: In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


class LabelSelector(Wire, frozen=True, kw_only=True):
    """Conditions on labels, all of which must hold."""

    match_labels: dict[str, str] = field(default_factory=dict)
    match_expressions: tuple[LabelRequirement, ...] = ()


class ListGenerator(Wire, frozen=True, kw_only=True):
    """Parameters that are written down here."""

    elements: tuple[Any, ...] = ()
    elements_yaml: str = ""
    template: FreeForm | None = None


class ClusterGenerator(Wire, frozen=True, kw_only=True):
    """One set of parameters for each cluster that the engine knows."""

    selector: LabelSelector | None = None
    values: dict[str, str] = field(default_factory=dict)
    flat_list: bool = False
    template: FreeForm | None = None


class GitPath(Wire, frozen=True, kw_only=True):
    """A glob of folders or files, to take or to leave out."""

    path: str
    exclude: bool = False


class GitGenerator(Wire, frozen=True, kw_only=True):
    """One set of parameters for each folder, or from each file, of a Git repository."""

    repo_url: str
    revision: str
    directories: tuple[GitPath, ...] = ()
    files: tuple[GitPath, ...] = ()
    path_param_prefix: str = ""
    requeue_after_seconds: int | None = None
    values: dict[str, str] = field(default_factory=dict)
    template: FreeForm | None = None


class ClusterDecisionGenerator(Wire, frozen=True, kw_only=True):
    """One set of parameters for each cluster that some other object chose."""

    config_map_ref: str
    name: str = ""
    label_selector: LabelSelector | None = None
    requeue_after_seconds: int | None = None
    values: dict[str, str] = field(default_factory=dict)
    template: FreeForm | None = None


class PluginConfigMap(Wire, frozen=True, kw_only=True):
    """The ConfigMap that says where the plugin listens."""

    name: str


class PluginInput(Wire, frozen=True, kw_only=True):
    """What the plugin is told."""

    parameters: dict[str, Any] = field(default_factory=dict)


class PluginGenerator(Wire, frozen=True, kw_only=True):
    """Parameters from a plugin that is asked over HTTP."""

    config_map_ref: PluginConfigMap
    input: PluginInput | None = None
    requeue_after_seconds: int | None = None
    values: dict[str, str] = field(default_factory=dict)
    template: FreeForm | None = None


class MatrixGenerator(Wire, frozen=True, kw_only=True):
    """Every combination of what two generators give."""

    generators: tuple[FreeForm, ...]
    template: FreeForm | None = None


class MergeGenerator(Wire, frozen=True, kw_only=True):
    """What several generators give, merged where the values of mergeKeys are equal."""

    generators: tuple[FreeForm, ...]
    merge_keys: tuple[str, ...]
    template: FreeForm | None = None


class Generator(Wire, frozen=True, kw_only=True):
    """One source of parameters; exactly one of its sections applies. selector filters what it gives."""

    list: ListGenerator | None = None
    clusters: ClusterGenerator | None = None
    git: GitGenerator | None = None
    scm_provider: SCMProviderGenerator | None = None
    pull_request: PullRequestGenerator | None = None
    cluster_decision_resource: ClusterDecisionGenerator | None = None
    plugin: PluginGenerator | None = None
    matrix: MatrixGenerator | None = None
    merge: MergeGenerator | None = None
    selector: LabelSelector | None = None
