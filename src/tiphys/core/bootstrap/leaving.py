"""
What an uninstall leaves behind, and how it takes the rest: workloads run on.

A root's Applications carry finalizers by which the engine deletes all that they made, or which hold them for ever
where no engine runs. Either is more than who takes the engine off a cluster asked for.
"""

from collections.abc import Iterable

from tiphys.core.bootstrap import ownership
from tiphys.model.objects import Kind, Live, part

APPLICATION = Kind("argoproj.io", "Application")
APPLICATION_SET = Kind("argoproj.io", "ApplicationSet")
CASCADES = ("resources-finalizer", "pre-delete-finalizer", "post-delete-finalizer")
STAYING = {
    Kind(
        "apiextensions.k8s.io", "CustomResourceDefinition"
    ): "kept: with it would go every object of its kind",
    Kind("", "Namespace"): "kept: with it would go everything in it",
}


def stays(live: Live, name: str, namespace: str) -> str:
    """Why an object of a release outlives it, for people; empty if it goes."""
    if ownership.keeps(live):
        return f"kept, as {ownership.POLICY} says"
    whose = ownership.owner(live, name, namespace)
    return f"left alone: {whose}" if whose else STAYING.get(live.key.of, "")


def cascades(live: Live) -> bool:
    """Whether deleting the object deletes what it made, or waits for an engine to do so."""
    return live.key.of == APPLICATION and any(map(_of_cascade, _finalizers(live)))


def without_cascade(live: Live) -> dict[str, object]:
    """The merge patch after which deleting an Application deletes nothing else."""
    left = [f for f in _finalizers(live) if not _of_cascade(f)]
    return {"metadata": {"finalizers": left or None}}


def propagation(live: Live) -> str:
    """How the object is deleted: an ApplicationSet's Applications stay, as what those made does."""
    return "Orphan" if live.key.of == APPLICATION_SET else "Background"


def in_order(going: Iterable[Live]) -> list[Live]:
    """Applications and their sets first, as long as nothing that looks after them changes; else as given."""
    return sorted(going, key=lambda live: live.key.of not in (APPLICATION, APPLICATION_SET))


def _finalizers(live: Live) -> list[str]:
    return [str(each) for each in part(live.body, "metadata").get("finalizers") or ()]


def _of_cascade(finalizer: str) -> bool:
    name, _, rest = finalizer.partition(".")
    return name in CASCADES and rest.partition("/")[0] == "argocd.argoproj.io"
