"""Finalizers that somebody misspelt."""

import pytest

from tiphys.core.projects.near_misses import FINALIZERS, near_misses


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("resource-finalizer.argocd.argoproj.io", "resources-finalizer.argocd.argoproj.io"),
        ("resources-finalizers.argocd.argoproj.io", "resources-finalizer.argocd.argoproj.io"),
        (
            "resources-finalizer.argocd.argoproj.io/backgroud",
            "resources-finalizer.argocd.argoproj.io/background",
        ),
        ("Resources-Finalizer.argocd.argoproj.io", "resources-finalizer.argocd.argoproj.io"),
        ("resources-finalizer.argo.argoproj.io", "resources-finalizer.argocd.argoproj.io"),
    ],
)
def test_a_finalizer_near_to_a_known_one_is_told_with_the_one_that_was_meant(written: str, meant: str):
    [told] = near_misses([written])
    assert repr(written) in told
    assert told.endswith(f"did you mean {meant!r}?")


def test_known_finalizers_and_those_of_others_are_left_alone():
    assert (
        near_misses(
            [*FINALIZERS, "kubernetes.io/pvc-protection", "foregroundDeletion", "example.com/cleanup"]
        )
        == ()
    )
