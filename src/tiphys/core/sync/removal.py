"""
The cascade of a deleted Application: what to delete next, until nothing of it is left.

Works from what is recorded and tracked and renders nothing, so that a broken repository never keeps an
application from going. Reverse waves: what came last goes first.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tiphys.core.sync.options import effective, wave_of
from tiphys.core.sync.order import DEFINITION, rank
from tiphys.model.api import Application
from tiphys.model.flow import Delete
from tiphys.model.objects import Key, Live

FINALIZER = "resources-finalizer.argocd.argoproj.io"
FINALIZERS = {
    FINALIZER: "Foreground",
    f"{FINALIZER}/foreground": "Foreground",
    f"{FINALIZER}/background": "Background",
}
HOOK_FINALIZERS = ("pre-delete-finalizer.argocd.argoproj.io", "post-delete-finalizer.argocd.argoproj.io")
"""Argo CD's own, for hooks that run at a deletion."""


@dataclass(frozen=True, slots=True)
class Removal:
    """The next deletions, and what is awaited after them. Both empty: everything is gone."""

    deletions: tuple[Delete, ...] = ()
    awaited: tuple[Key, ...] = ()


def cascade(application: Application) -> str | None:
    """How the application's finalizer wants its objects deleted; ``None`` if they stay."""
    return next((FINALIZERS[f] for f in application.metadata.finalizers if f in FINALIZERS), None)


def without_cascade(finalizers: Iterable[str]) -> tuple[str, ...]:
    """The finalizers that are left when ours is done; those of others are theirs to remove."""
    return tuple(f for f in finalizers if f not in FINALIZERS)


def of_hooks(finalizers: Iterable[str]) -> tuple[str, ...]:
    """The finalizers that wait for hooks, which nobody runs yet."""
    return tuple(f for f in finalizers if f.partition("/")[0] in HOOK_FINALIZERS)


def removal(owned: Collection[Live], propagation: str) -> Removal:
    """What to delete now, given the application's objects that still live, itself not among them."""
    going = [live for live in owned if not keeps(live)]
    if not going:
        return Removal()
    last = max(_place(live) for live in going)
    wave = [live for live in going if _place(live) == last]
    asked = tuple(Delete(live.key, live.uid, propagation) for live in wave if not live.deleting)
    return Removal(asked, tuple(live.key for live in wave))


def keeps(live: Live) -> bool:
    """
    Whether an object outlives its application: ``Delete=false`` or Helm's ``resource-policy: keep``.

    So does every CustomResourceDefinition, as in Argo CD: with it would go the custom resources of everybody.
    """
    return live.key.of == DEFINITION or bool(
        effective((), live.annotations) & {"Delete=false", "Delete=confirm"}
    )


def _place(live: Live) -> tuple[int, int]:
    """Wave, and inside a wave custom resources before their controllers, and namespaces last."""
    kind = live.key.kind
    return wave_of(live.annotations), 0 if kind == "Namespace" else 1 if rank(kind) < rank("~") else 2
