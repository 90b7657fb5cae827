"""Nothing of a Secret's values leaves in what people see."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.model.redaction import LAST_APPLIED, redact, redact_text, redact_together

CANARY = "c4n4ry-in-the-mine"


def secret(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {"data": {"a": CANARY}},
        {"stringData": {"a": CANARY}},
        {"data": CANARY},
        {"data": [CANARY]},
        {"data": {"a": {"b": [CANARY]}}},
        {"metadata": {"annotations": {LAST_APPLIED: '{"data":{"a":"' + CANARY + '"}}'}}},
    ],
)
def test_no_value_of_a_secret_is_shown_whatever_its_shape(fields: dict[str, Any]):
    assert CANARY not in repr(redact(secret(**fields)))


@given(st.dictionaries(st.text("ab", max_size=2), st.text(max_size=5) | st.integers()), st.data())
def test_marks_are_equal_where_values_are(one: dict[str, Any], data: st.DataObject):
    other = data.draw(st.fixed_dictionaries({}, optional={k: st.just(v) | st.text() for k, v in one.items()}))
    shown, shown_other = redact_together(secret(data=one), secret(data=other))
    for name in one.keys() & other.keys():
        assert (shown["data"][name] == shown_other["data"][name]) == (one[name] == other[name])


def test_a_mark_does_not_tell_how_long_a_value_is():
    assert redact(secret(data={"a": "x"})) == redact(secret(data={"a": "x" * 1000}))


def test_keys_and_everything_else_are_shown():
    assert redact(secret(data={"a": "x"}, type="Opaque")) == secret(data={"a": "++++++++"}, type="Opaque")


def test_what_is_no_secret_is_shown_as_it_is():
    conf = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": CANARY}}
    assert redact(conf) is conf


@pytest.mark.parametrize("value", [CANARY, "YzRuNHJ5LWluLXRoZS1taW5l", 7734])
def test_messages_do_not_quote_a_value_or_what_it_decodes_to(value: Any):
    told = redact_text(
        f"data[a]: Invalid value: {value}, or {CANARY}?", secret(data={"a": value, "b": CANARY})
    )
    assert told == "data[a]: Invalid value: ++++++++, or ++++++++?"


def test_a_short_value_does_not_tear_a_message_to_pieces():
    assert redact_text("data[a]: bad a", secret(stringData={"x": "d"})) == "data[a]: bad a"
    assert redact_text("bad value: d", secret(stringData={"x": "d"})) == "bad value: ++++++++"
