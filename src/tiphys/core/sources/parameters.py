"""
How a Helm source asks for its chart: value files, parameters, release, namespace.

Facts are those of Argo CD's Helm and build environment pages.
"""

import re
from collections.abc import Mapping

from tiphys.core.sources.paths import inside
from tiphys.core.sources.recipe import HelmRequest
from tiphys.core.sources.tools import not_built
from tiphys.model.api import Application, ApplicationSource, HelmSource
from tiphys.model.errors import SpecError

_VARIABLE = re.compile(r"\$(\$|[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\})")
_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def build_environment(application: Application, source: ApplicationSource, sha: str) -> dict[str, str]:
    """The variables that parameters and value files may name (Argo CD's build environment)."""
    return {
        "ARGOCD_APP_NAME": application.metadata.name,
        "ARGOCD_APP_NAMESPACE": application.spec.destination.namespace,
        "ARGOCD_APP_PROJECT_NAME": application.spec.project,
        "ARGOCD_APP_REVISION": sha,
        "ARGOCD_APP_REVISION_SHORT": sha[:7],
        "ARGOCD_APP_REVISION_SHORT_8": sha[:8],
        "ARGOCD_APP_SOURCE_PATH": source.path,
        "ARGOCD_APP_SOURCE_REPO_URL": source.repo_url,
        "ARGOCD_APP_SOURCE_TARGET_REVISION": source.target_revision,
    }


def helm_request(application: Application, folder: str, environment: Mapping[str, str]) -> HelmRequest:
    """The request of an application's Helm source, whose chart lies in ``folder``."""
    source = application.spec.source
    helm = (source and source.helm) or HelmSource()
    plain = [p for p in helm.parameters if not p.force_string]
    forced = [p for p in helm.parameters if p.force_string]
    return HelmRequest(
        release_name=helm.release_name or application.metadata.name,
        namespace=helm.namespace or application.spec.destination.namespace,
        value_files=tuple(_value_file(f, folder, environment) for f in helm.value_files),
        values=helm.values if helm.values_object is None else "",
        values_object=helm.values_object,
        set_values=tuple(f"{p.name}={_escaped(substituted(p.value, environment))}" for p in plain),
        set_strings=tuple(f"{p.name}={_escaped(substituted(p.value, environment))}" for p in forced),
        set_files=tuple(
            (p.name, inside(folder, substituted(p.path, environment), f"fileParameters {p.name}:"))
            for p in helm.file_parameters
        ),
        kube_version=helm.kube_version,
        api_versions=helm.api_versions,
        skip_crds=helm.skip_crds,
        skip_tests=helm.skip_tests,
        skip_schema_validation=helm.skip_schema_validation,
    )


def substituted(text: str, environment: Mapping[str, str]) -> str:
    """``$NAME`` and ``${NAME}`` replaced, ``$$`` for a dollar; an unknown name is left as it stands."""

    def replaced(found: re.Match[str]) -> str:
        name = found[1]
        return "$" if name == "$" else environment.get(name.strip("{}"), found[0])

    return _VARIABLE.sub(replaced, text)


def _value_file(path: str, folder: str, environment: Mapping[str, str]) -> str:
    name = substituted(path, environment)
    if _REMOTE.match(name):
        raise not_built(f"a value file at a URL ({name.split('://')[0]}://…)")
    if name.startswith("$"):
        raise not_built(f"a value file of another source ({name})")
    if any(sign in name for sign in "*?["):
        raise not_built(f"a pattern in valueFiles ({name})")
    if not name:
        raise SpecError("spec.source.helm.valueFiles has an empty entry: remove it")
    return inside(folder, name, "spec.source.helm.valueFiles entry")


def _escaped(value: str) -> str:
    """A value as Argo CD hands it to ``--set``: commas are text, but for those of a ``{list}``."""
    if value.startswith("{") and value.endswith("}"):
        return value
    return re.sub(r"(?<!\\),", r"\\,", value)
