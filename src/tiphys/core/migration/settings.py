"""
What Argo CD is told in ``argocd-cm`` and ``argocd-cmd-params-cm`` that our engine does not follow, and what that means.

Settings of its server, of sign-in and of notifications are left out: those parts run on as they are.
"""

from collections.abc import Iterator, Mapping

TRACKING = "application.resourceTrackingMethod"
_CUSTOM = "resource.customizations"
_ANNOTATION = "annotation"

_SAID = {
    "installationID": "objects carry the annotation argocd.argoproj.io/installation-id, which ours do not get: "
    "after a sync by Tiphys, Argo CD takes an object for somebody else's until you remove installationID",
    "resource.inclusions": "other kinds are acted on as well",
    "resource.respectRBAC": "a kind that the engine may not list is told of in its log",
    "kustomize.buildOptions": "Kustomize is not built yet",
    "configManagementPlugins": "plugins are not built yet",
    "helm.valuesFileSchemes": "value files from elsewhere are not built yet",
    "application.sync.impersonation.enabled": "syncs act as the engine's own account, which may do more",
    "application.instanceLabelKey": "the label is not written; objects are known by their annotation",
}
"""Settings of ``argocd-cm``, with what it means that they are not followed."""
_CUSTOMS = {
    "health": "the scripts are not run, and the health of these kinds may be judged otherwise",
}
"""Customizations likewise. Actions belong to the server; the others are needless here."""
_PARAMETERS = {
    "application.namespaces": "give the engine the same: TIPHYS_APPLICATION_NAMESPACES",
    "controller.sync.timeout.seconds": "give the engine the same: TIPHYS_SYNC_DEADLINE",
}


def unfollowed(settings: Mapping[str, str], parameters: Mapping[str, str], version: str) -> Iterator[str]:
    """Sentences on what our engine does otherwise than an Argo CD of this version with these settings."""
    yield from _tracking(settings.get(TRACKING, "").strip(), version)
    for key, said in _SAID.items():
        if _given(settings.get(key, "")):
            yield f"argocd-cm has {key}: {said}"
    for word, said in _CUSTOMS.items():
        if kinds := [k for k in (_custom(key, word) for key in settings) if k]:
            yield f"argocd-cm has {_CUSTOM}.{word} for {', '.join(sorted(kinds))}: {said}"
    if _given(settings.get(_CUSTOM, "")):
        yield f"argocd-cm has {_CUSTOM}: of it the ignored differences are read: scripts for health in it do not count"
    for key, said in _PARAMETERS.items():
        if _given(parameters.get(key, "")) and parameters[key].strip() != "0":
            yield f"argocd-cmd-params-cm has {key}: {parameters[key].strip()}: {said}"


def tracks_by_label(settings: Mapping[str, str], version: str) -> bool:
    """Whether objects may lack the annotation by which we know them: Argo CD's way before 3.0."""
    method = settings.get(TRACKING, "").strip()
    return method == "label" or (not method and version.removeprefix("v").startswith(("1.", "2.")))


def _tracking(method: str, version: str) -> Iterator[str]:
    if tracks_by_label({TRACKING: method}, version):
        yield (
            "Argo CD tracks by the label app.kubernetes.io/instance: a sync by Tiphys marks each object with the "
            "annotation as well, and what was taken from Git before that is not pruned. Before you hand back, set "
            f"{TRACKING}: {_ANNOTATION} in argocd-cm"
        )
    elif method == "annotation+label":
        yield (
            "Argo CD writes the label app.kubernetes.io/instance too, which Tiphys does not: objects that their chart "
            f"does not label so lose it when they are synced; set {TRACKING}: {_ANNOTATION} in argocd-cm if nothing "
            "reads it"
        )


def _custom(key: str, word: str) -> str:
    """The kind that a key of ``argocd-cm`` customizes in some respect, as people write it; empty if it does not."""
    prefix = f"{_CUSTOM}.{word}."
    return key.removeprefix(prefix).replace("_", "/") if key.startswith(prefix) else ""


def _given(value: str) -> bool:
    return value.strip().lower() not in ("", "false")
