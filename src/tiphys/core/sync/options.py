"""Sync options: ``Name=value`` words of the application and of each object, the object's winning."""

from collections.abc import Iterable, Mapping

ANNOTATION = "argocd.argoproj.io/sync-options"
WAVE = "argocd.argoproj.io/sync-wave"
HELM_WEIGHT = "helm.sh/hook-weight"
RESOURCE_POLICY = "helm.sh/resource-policy"


def effective(application: Iterable[str], annotations: Mapping[str, str]) -> frozenset[str]:
    """The options that hold for an object with these annotations (Argo CD's sync options page)."""
    chosen = dict(_parsed(application))
    if annotations.get(RESOURCE_POLICY, "").strip() == "keep":
        chosen["Delete"] = "false"
    chosen.update(_parsed(annotations.get(ANNOTATION, "").split(",")))
    return frozenset(f"{name}={value}" for name, value in chosen.items())


def kept_by(options: frozenset[str]) -> str:
    """Why an object with these options is never pruned, in Argo CD's words; empty if it may be."""
    if "Prune=false" in options:
        return "no prune"
    return "Prune=confirm is not built yet" if "Prune=confirm" in options else ""


def wave_of(annotations: Mapping[str, str]) -> int:
    """
    The sync wave of an object; what is no whole number counts as 0, as in Argo CD.

    A Helm hook's weight stands in where there is no wave, since Helm's crd-install hooks are applied as targets.
    """
    for name in (WAVE, HELM_WEIGHT):
        try:
            return max(-(2**31), min(2**31, int(annotations[name].strip())))
        except (KeyError, ValueError):
            continue
    return 0


def _parsed(words: Iterable[str]) -> Iterable[tuple[str, str]]:
    for word in words:
        name, equals, value = word.strip().partition("=")
        if equals:
            yield name.strip(), value.strip()
