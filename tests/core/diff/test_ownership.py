"""Trees of owned fields, as the API server writes them."""

from typing import Any

import pytest

from tiphys.core.diff.ownership import Grip, entries_of, equal, fields_without, grip, project
from tiphys.core.diff.pointers import parse_pointer
from tiphys.model.objects import Key, Live

LIVE = {
    "replicas": 2,
    "args": ["a"],
    "ports": [{"port": 80, "protocol": "TCP", "name": "web"}, {"port": 53, "protocol": "UDP"}],
    "finalizers": ["a", "b"],
}
WEB = 'k:{"port":80,"protocol":"TCP"}'
FIELDS = {
    "f:replicas": {},
    "f:args": {},
    "f:ports": {WEB: {".": {}, "f:name": {}, "f:port": {}}},
    "f:finalizers": {".": {}, 'v:"b"': {}},
}


@pytest.mark.parametrize(
    ("pointer", "how"),
    [
        ("/replicas", Grip.HELD),
        ("/ports", Grip.HELD),
        ("/ports/0", Grip.HELD),
        ("/ports/0/name", Grip.HELD),
        ("/ports/0/protocol", Grip.NONE),
        ("/ports/1", Grip.NONE),
        ("/ports/9", Grip.NONE),
        ("/args/0", Grip.WITHIN),
        ("/finalizers/1", Grip.HELD),
        ("/finalizers/0", Grip.NONE),
        ("/paused", Grip.NONE),
    ],
)
def test_a_tree_holds_a_field_a_part_of_it_or_what_it_is_a_part_of(pointer: str, how: Grip):
    assert grip(FIELDS, LIVE, parse_pointer(pointer)) is how


def test_a_pointer_is_cut_out_of_a_tree_by_the_live_items_key():
    cut = fields_without(FIELDS, LIVE, (parse_pointer("/ports/0/name"), parse_pointer("/replicas")))
    assert cut == {
        "f:args": {},
        "f:ports": {WEB: {".": {}, "f:port": {}}},
        "f:finalizers": FIELDS["f:finalizers"],
    }


def test_what_is_owned_of_a_value_is_the_value_without_what_others_added():
    assert project(LIVE, FIELDS) == {
        "replicas": 2,
        "args": ["a"],
        "ports": [{"port": 80, "protocol": "TCP", "name": "web"}],
        "finalizers": ["b"],
    }


@pytest.mark.parametrize(
    "managed", [None, "x", [1, {}, {"fieldsV1": "x"}, {"manager": None, "fieldsV1": {}}]]
)
def test_odd_managed_fields_own_nothing(managed: Any):
    entries = entries_of(Live(Key("", "", "", ""), {"metadata": {"managedFields": managed}}))
    assert not any(entry.ours or entry.fields for entry in entries)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        ({"a": [1]}, {"a": [1.0]}, True),
        (True, 1, False),
        ([True], [1], False),
        ("1", 1, False),
        (None, False, False),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ("ab", ["a", "b"], False),
    ],
)
def test_equality_is_that_of_json(one: Any, other: Any, same: bool):
    assert equal(one, other) is same
