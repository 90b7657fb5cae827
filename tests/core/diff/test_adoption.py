"""What was applied in the client is noted as ours, field by field as it was applied."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.diff.adoption import adopted, named_in
from tiphys.model.objects import Key, Live
from tiphys.model.redaction import LAST_APPLIED

APPLIED = {
    "apiVersion": "apps/v1",
    "spec": {
        "template": {
            "spec": {"containers": [{"name": "web", "ports": [{"containerPort": 80}], "resources": {}}]}
        }
    },
}
PORT = 'k:{"containerPort":80,"protocol":"TCP"}'
CONTAINER = {
    ".": {},
    "f:name": {},
    "f:imagePullPolicy": {},
    "f:ports": {".": {}, PORT: {".": {}, "f:containerPort": {}, "f:protocol": {}}},
    "f:resources": {"f:requests": {"f:cpu": {}}},
}
FIELDS = {
    "f:spec": {
        "f:replicas": {},
        "f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': CONTAINER}, "f:dnsPolicy": {}}},
    }
}


def live(*entries: dict[str, Any], applied: object = APPLIED) -> Live:
    annotations = {LAST_APPLIED: applied if isinstance(applied, str) else json.dumps(applied)}
    body = {"apiVersion": "apps/v1", "metadata": {"annotations": annotations, "managedFields": list(entries)}}
    return Live(Key("apps", "Deployment", "web", "web"), body)


def entry(manager: str, operation: str, fields: object, **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsV1": fields, **more}


ARGO = entry("argocd-controller", "Update", FIELDS)
KUBELET = entry("kube-controller-manager", "Update", {"f:status": {}}, subresource="status")


def managed(patch: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = patch["metadata"]["managedFields"]
    return found


def test_exactly_what_was_applied_becomes_ours_and_defaults_do_not():
    others, ours = managed(adopted(live(ARGO, KUBELET)))
    assert others == KUBELET
    assert (ours["manager"], ours["operation"]) == ("argocd-controller", "Apply")
    port = {".": {}, "f:containerPort": {}}
    # What was applied empty is owned itself, and nothing that came into it.
    container = {".": {}, "f:name": {}, "f:ports": {".": {}, PORT: port}, "f:resources": {".": {}}}
    pod = {"f:containers": {'k:{"name":"web"}': container}}
    assert ours["fieldsV1"]["f:spec"] == {"f:template": {"f:spec": pod}}


def test_the_note_of_what_was_applied_goes_with_our_first_apply():
    ours = managed(adopted(live(ARGO)))[0]
    assert ours["fieldsV1"]["f:metadata"] == {"f:annotations": {f"f:{LAST_APPLIED}": {}}}


def test_what_we_apply_already_stays_ours():
    before = entry("argocd-controller", "Apply", {"f:data": {"f:word": {}}})
    ours = managed(adopted(live(ARGO, before)))[0]
    assert ours["fieldsV1"]["f:data"] == {"f:word": {}}
    assert "f:spec" in ours["fieldsV1"]


def test_there_is_nothing_to_adopt():
    assert adopted(live(KUBELET)) is None
    assert adopted(live(entry("kubectl-edit", "Update", FIELDS))) is None
    assert adopted(live(ARGO, applied="nonsense")) is None
    assert adopted(live(ARGO, applied=[])) is None
    assert adopted(live(ARGO, applied={"apiVersion": "apps/v1beta1"})) is None
    again = live(*managed(adopted(live(ARGO, KUBELET))))
    assert adopted(again) is None, "it is done once"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
TREES = st.recursive(
    st.just({}),
    lambda inner: st.dictionaries(
        st.sampled_from(["f:spec", "f:a", "f:", ".", 'k:{"name":"web"}', "v:1", "k:{", "i:0"]),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)


@given(JSON, TREES)
def test_malformed_trees_and_values_are_passed_over(value: object, fields: dict[str, Any]):
    assert named_in(value, fields).keys() <= fields.keys()


@given(JSON, st.lists(st.dictionaries(st.sampled_from(["manager", "operation", "fieldsV1"]), JSON)))
def test_no_object_is_too_malformed_to_be_asked(applied: object, entries: list[dict[str, Any]]):
    adopted(live(*entries, {**ARGO, "fieldsV1": applied}, applied=applied))
