"""``ignoreDifferences``: which objects a rule means, which fields, and what is not acted on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.diff.ignore import malformed, rules_for
from tiphys.core.diff.pointers import ABSENT, parse_pointer, value_at, without, write_pointer
from tiphys.model.api import IgnoreDifference
from tiphys.model.objects import Key

WEB = Key("apps", "Deployment", "shop", "web")


@pytest.mark.parametrize(
    ("rule", "means_it"),
    [
        ({"group": "apps", "kind": "Deployment"}, True),
        ({"group": "*", "kind": "*"}, True),
        ({"group": "apps", "kind": "Deploy*"}, True),
        ({"group": "apps", "kind": "Deployment", "name": "web"}, True),
        ({"group": "apps", "kind": "Deployment", "name": "w*", "namespace": "*"}, True),
        ({"kind": "Deployment"}, False),
        ({"group": "apps", "kind": "StatefulSet"}, False),
        ({"group": "apps", "kind": "Deployment", "name": "db"}, False),
        ({"group": "apps", "kind": "Deployment", "namespace": "other"}, False),
        ({"group": "apps", "kind": "Deploy[ment"}, False),
    ],
)
def test_a_rule_means_objects_by_group_kind_name_and_namespace(rule: dict[str, str], means_it: bool):
    rules = rules_for(WEB, [IgnoreDifference(**rule, json_pointers=("/spec/replicas",))])
    assert rules.pointers == ((("spec", "replicas"),) if means_it else ())


def test_the_rules_of_an_object_add_up():
    rules = [
        IgnoreDifference(group="apps", kind="*", json_pointers=("/a", "/b")),
        IgnoreDifference(group="*", kind="Deployment", json_pointers=("/b", "/c")),
    ]
    assert rules_for(WEB, rules).pointers == (("a",), ("b",), ("c",))


@pytest.mark.parametrize(
    ("pointer", "kept"),
    [
        (
            "/spec/replicas",
            {"metadata": {"annotations": {"a/b": "1", "c~d": "2"}}, "spec": {"list": [1, {"x": 1}]}},
        ),
        ("/metadata/annotations/a~1b", {"metadata": {"annotations": {"c~d": "2"}}}),
        ("/metadata/annotations/c~0d", {"metadata": {"annotations": {"a/b": "1"}}}),
        ("/spec/list/0", {"spec": {"replicas": 1, "list": [{"x": 1}]}}),
        ("/spec/list/1/x", {"spec": {"replicas": 1, "list": [1, {}]}}),
        ("/spec/list/7", {}),
        ("/spec/list/-", {}),
        ("/spec/list/01", {}),
        ("/spec/nothing/here", {}),
        ("/spec", {"spec": ABSENT}),
    ],
)
def test_what_a_pointer_means_is_left_out_and_the_rest_stays(pointer: str, kept: dict[str, object]):
    body = {
        "metadata": {"annotations": {"a/b": "1", "c~d": "2"}},
        "spec": {"replicas": 1, "list": [1, {"x": 1}]},
    }
    wanted = {k: v for k, v in {**body, **kept}.items() if v is not ABSENT}
    assert without(body, (parse_pointer(pointer),)) == wanted


@given(st.lists(st.text("a/~0", max_size=4), min_size=1, max_size=4).map(tuple))
def test_a_pointer_written_reads_the_same(tokens: tuple[str, ...]):
    assert parse_pointer(write_pointer(tokens)) == tokens


@given(
    st.recursive(st.integers(), lambda j: st.lists(j) | st.dictionaries(st.sampled_from("01a"), j)), st.data()
)
def test_cutting_leaves_the_body_alone_and_nothing_at_the_pointer_of_a_mapping(
    value: object, data: st.DataObject
):
    body = {"a": value}
    pointer = ("a", *data.draw(st.lists(st.sampled_from("01a"), max_size=3)))
    before = repr(body)
    cut = without(body, (pointer,))
    assert repr(body) == before
    assert isinstance(value_at(body, pointer[:-1]), list) or value_at(cut, pointer) is ABSENT


@pytest.mark.parametrize("pointer", ["", "spec/replicas", "/a~2", "/a~"])
def test_a_malformed_pointer_is_not_used_and_told(pointer: str):
    rule = IgnoreDifference(group="apps", kind="Deployment", json_pointers=(pointer, "/b"))
    assert rules_for(WEB, [rule]).pointers == (("b",),)
    [told] = malformed([rule])
    assert told.startswith(f"spec.ignoreDifferences[0] (apps/Deployment): {pointer!r} is not a JSON pointer")


def test_a_rule_that_cannot_be_read_is_told():
    rules = [
        IgnoreDifference(kind="ConfigMap", json_pointers=("/data",)),
        IgnoreDifference(kind="Pod", jq_path_expressions=(".spec",), managed_fields_managers=("kcm",)),
        IgnoreDifference(kind="{", json_pointers=("/data",)),
    ]
    told = malformed(rules)
    assert [text.partition(" (")[0] for text in told] == [
        "spec.ignoreDifferences[2]",
    ]
    assert "does not close" in told[0]
