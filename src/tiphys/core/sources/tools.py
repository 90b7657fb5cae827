"""Which tool makes the manifests of a source, and which wishes of a spec are not built yet."""

from collections.abc import Collection, Iterator
from enum import StrEnum

from tiphys.core.sources.paths import inside, joined
from tiphys.model.addresses import shown
from tiphys.model.api import Application, ApplicationSource
from tiphys.model.errors import SpecError

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class Tool(StrEnum):
    """What makes manifests of a folder, by Argo CD's name in ``status.sourceType``."""

    HELM = "Helm"
    DIRECTORY = "Directory"


def source_of(application: Application) -> ApplicationSource:
    """The one source of an application. Raises ``SpecError`` for sources that are not built yet, by name."""
    spec = application.spec
    if spec.source_hydrator:
        raise not_built("spec.sourceHydrator")
    if spec.sources:
        raise not_built("spec.sources (several sources)")
    if not spec.source or not spec.source.repo_url:
        raise SpecError("spec.source.repoURL is missing: name the repository that holds the manifests")
    source = spec.source
    if source.chart:
        raise not_built("spec.source.chart (a chart straight from a chart repository)")
    if source.repo_url.startswith("oci://"):
        raise not_built("spec.source.repoURL with oci:// (an OCI artifact)")
    for word, section in (("kustomize", source.kustomize), ("plugin", source.plugin)):
        if section:
            raise not_built(f"spec.source.{word}")
    return source


def folder_of(source: ApplicationSource) -> str:
    """The source's folder in its repository, ``""`` for the root."""
    if source.path.startswith("/"):
        raise SpecError(
            f"spec.source.path {source.path!r} must be relative to the root of {shown(source.repo_url)}"
        )
    return inside("", source.path or ".", "spec.source.path")


def probes(folder: str) -> tuple[str, ...]:
    """The files whose presence tells the tool (Argo CD's tool detection page)."""
    return tuple(joined(folder, name) for name in ("Chart.yaml", *KUSTOMIZATIONS))


def tool_of(source: ApplicationSource, folder: str, present: Collection[str]) -> Tool:
    """
    The tool for a folder, given which of its ``probes`` are there.

    A section of the spec decides, else the files do: Chart.yaml, then a kustomization, else a plain directory.
    """
    chart = joined(folder, "Chart.yaml") in present
    if source.helm and not chart:
        raise SpecError(
            f"spec.source.helm is set, but {source.path or '.'} has no Chart.yaml at this revision"
        )
    if source.helm or (chart and not source.directory):
        return Tool.HELM
    if not source.directory and any(joined(folder, name) in present for name in KUSTOMIZATIONS):
        raise not_built(f"a Kustomize overlay ({source.path or '.'})")
    if source.directory and source.directory.jsonnet:
        raise not_built("spec.source.directory.jsonnet")
    return Tool.DIRECTORY


def deferred(application: Application) -> Iterator[str]:
    """Wishes of a spec that we keep and do not act on yet, in words, so that a condition can say so."""
    source, policy = application.spec.source, application.spec.sync_policy
    if source and source.helm and source.helm.version:
        yield f"spec.source.helm.version {source.helm.version} is not acted on: Helm 4 renders every chart"
    if source and source.helm and source.helm.pass_credentials:
        yield "spec.source.helm.passCredentials is not acted on yet"
    if source and source.directory and source.directory.disable_extension_filter:
        yield "spec.source.directory.disableExtensionFilter is not acted on yet"
    if policy and policy.managed_namespace_metadata:
        yield "spec.syncPolicy.managedNamespaceMetadata is not acted on yet"


def not_built(what: str) -> SpecError:
    """The error for a wish that Tiphys knows and cannot fulfil yet."""
    return SpecError(f"{what} is not built yet in this version of Tiphys")
