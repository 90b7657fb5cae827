"""
Words of an Application that nobody knows and that come near to one that we know.

A misspelt finalizer is an error that shows late: the application's objects stay when it is deleted, and the
Application itself never goes, since nobody removes a finalizer that is not theirs.
"""

from collections.abc import Iterable
from difflib import get_close_matches

FINALIZERS = tuple(
    f"{name}{suffix}"
    for name in (
        "resources-finalizer.argocd.argoproj.io",
        "pre-delete-finalizer.argocd.argoproj.io",
        "post-delete-finalizer.argocd.argoproj.io",
    )
    for suffix in ("", "/foreground", "/background", "/cleanup")
)
"""Those that Argo CD documents."""

_NEAR = 0.8
"""The share of equal letters from which a word is taken for another one misspelt."""


def near_misses(finalizers: Iterable[str]) -> tuple[str, ...]:
    """
    Sentences about the finalizers that are near to a known one and are none; others' finalizers are theirs.
    """
    return tuple(
        f"metadata.finalizers: nobody knows {finalizer!r}, so it does nothing but keep the Application from being "
        f"deleted; did you mean {meant[0]!r}?"
        for finalizer in finalizers
        if finalizer not in FINALIZERS and (meant := get_close_matches(finalizer, FINALIZERS, 1, _NEAR))
    )
