"""Words that somebody misspelt are told with the word that was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tiphys.core.lint.words import (
    ANNOTATIONS,
    FINALIZERS,
    PREFIX,
    SYNC_OPTIONS,
    odd_annotations,
    odd_finalizers,
    odd_options,
)


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
    [told] = odd_finalizers([written])
    assert repr(written) in told
    assert told.endswith(f"did you mean {meant!r}?")


def test_known_finalizers_and_those_of_others_are_left_alone():
    others = ["kubernetes.io/pvc-protection", "foregroundDeletion", "example.com/cleanup"]
    assert not list(odd_finalizers([*FINALIZERS, *others]))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("CreateNamespaces=true", "nobody knows the option 'CreateNamespaces=true'; did you mean 'CreateNamespace'?"),
        ("createnamespace=true", "did you mean 'CreateNamespace'?"),
        ("Prune", "write Prune=true or Prune=false or Prune=confirm"),
        ("ServerSideApply=yes", "write ServerSideApply=true or ServerSideApply=false"),
        ("PrunePropagationPolicy=Foreground", "write PrunePropagationPolicy=foreground or"),
        ("Wholly=unknown", "nobody knows the option 'Wholly=unknown'"),
    ],
)  # fmt: skip
def test_an_option_that_nobody_knows_is_told(written: str, told: str):
    [sentence] = odd_options([written])
    assert told in sentence


def test_every_known_option_with_every_known_value_is_left_alone():
    known = [f"{name}={value}" for name, values in SYNC_OPTIONS.items() for value in values]
    assert not list(odd_options([*known, "", " Prune=false "]))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("sync-wave", "abc", "'abc' is no whole number, so it counts as 0"),
        ("sync-wave", "1e99", "so it counts as 0"),
        ("sync-waves", "1", "did you mean 'argocd.argoproj.io/sync-wave'?"),
        ("sync-options", "Prune=flase", "the option 'Prune=flase' has no effect"),
        ("sync-options", "Prune=false,Replaces=true", "did you mean 'Replace'?"),
        ("compare-options", "IgnoreExtraneouss", "did you mean 'IgnoreExtraneous'?"),
        ("hook", "presync", "it is one of PreSync, Sync"),
        ("hook-delete-policy", "HookSuceeded", "it is one of HookSucceeded"),
        ("refresh", "now", "write normal or hard"),
    ],
)
def test_an_annotation_that_nobody_knows_is_told_with_its_name(name: str, value: str, told: str):
    [sentence] = odd_annotations({PREFIX + name: value})
    assert sentence.startswith(f"{PREFIX}{name}: ")
    assert told in sentence


def test_a_prefix_that_is_nearly_ours_is_told():
    [sentence] = odd_annotations({"argocd.argoproj.com/sync-wave": "1"})
    assert "did you mean 'argocd.argoproj.io/sync-wave'?" in sentence


def test_annotations_of_others_and_sound_ones_are_left_alone():
    sound = {"sync-wave": "-5", "sync-options": "Prune=false,Delete=confirm", "hook": "PreSync,PostSync"}
    mine = {PREFIX + name: value for name, value in sound.items()}
    assert not list(odd_annotations({**mine, "helm.sh/hook": "x", "example.com/sync-wave": "abc"}))


@given(some.dictionaries(some.sampled_from([PREFIX + name for name in ANNOTATIONS]), some.text()))
def test_no_value_is_too_odd_to_be_told_of(annotations: dict[str, str]):
    for sentence in odd_annotations(annotations):
        assert sentence
