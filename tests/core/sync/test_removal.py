"""What goes when an Application goes, and in which order."""

import pytest

from core.sync.playbook import key
from tiphys.core.sync.removal import keeps, removal
from tiphys.model.objects import Key, Live

CRD = Key("apiextensions.k8s.io", "CustomResourceDefinition", "", "widgets.example.org")
WIDGET = Key("example.org", "Widget", "shop", "one")


def live(named: Key, *, wave: int = 0, deleting: bool = False, **annotations: str) -> Live:
    marks = {"argocd.argoproj.io/sync-wave": str(wave), **annotations}
    metadata = {"uid": named.name, "annotations": marks, "deletionTimestamp": "now" if deleting else None}
    return Live(named, {"metadata": metadata})


def names(*owned: Live) -> list[str]:
    return [deletion.key.name for deletion in removal(owned, "Foreground").deletions]


def test_custom_resources_go_before_those_who_look_after_them_and_namespaces_last():
    owned = [live(WIDGET), live(key("operator")), live(key("shop", "Namespace"))]
    assert [names(*owned), names(*owned[1:]), names(*owned[2:])] == [["one"], ["operator"], ["shop"]]


def test_a_later_wave_goes_first_and_is_awaited():
    owned = [live(key("db")), live(key("web"), wave=5, deleting=True)]
    step = removal(owned, "Foreground")
    assert (step.deletions, step.awaited) == ((), (key("web"),))


def test_definitions_outlive_their_application_since_others_may_have_objects_of_them():
    assert removal([live(CRD)], "Foreground").awaited == ()


@pytest.mark.parametrize(
    ("annotations", "stays"),
    [
        ({"argocd.argoproj.io/sync-options": "Delete=false"}, True),
        ({"argocd.argoproj.io/sync-options": "Prune=false, Delete=confirm"}, True),
        ({"argocd.argoproj.io/sync-options": "Prune=false"}, False),
        ({"helm.sh/resource-policy": "keep"}, True),
        ({"helm.sh/resource-policy": "keep", "argocd.argoproj.io/sync-options": "Delete=true"}, False),
    ],
)
def test_what_is_marked_to_stay_stays(annotations: dict[str, str], stays: bool):
    assert keeps(live(key("web"), **annotations)) is stays
