"""How answers look."""

import time
from datetime import timedelta

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tiphys_toolbox
from tiphys.adapters.render import Toolbox, decode_yaml
from tiphys.cli import output
from tiphys.cli.output import fields, moment, span, table, yaml_documents, yaml_text


def test_columns_are_as_wide_as_their_widest_cell():
    assert table(("NAME", "STATUS"), [("homepage", "Synced"), ("api", "")]) == (
        "NAME      STATUS\n"
        "homepage  Synced\n"
        "api"
    )  # fmt: skip


def test_a_table_without_rows_is_its_header():
    assert table(("ID", "DATE"), []) == "ID  DATE"


def test_text_from_outside_cannot_break_a_table_or_a_terminal():
    assert table(("MESSAGE",), [("one\n  two\x1b[2J\x07",)]) == "MESSAGE\none two[2J"


def test_fields_are_aligned_as_argocd_has_them():
    assert fields([("Name:", "argocd/homepage"), ("Namespace:", "")]) == (
        "Name:               argocd/homepage\nNamespace:"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (5, "5s"), (65, "1m5s"), (3600, "1h0m0s"), (3723.9, "1h2m3s"), (-4, "0s")],
)
def test_durations_are_written_as_go_does(seconds, text):
    assert span(timedelta(seconds=seconds)) == text


def test_times_are_in_the_users_zone(monkeypatch):
    with monkeypatch.context() as there:
        there.setenv("TZ", "Europe/Berlin")
        time.tzset()
        assert moment("2026-09-21T08:00:00Z") == "2026-09-21 10:00:00 +0200 CEST"
    time.tzset()


def test_no_color_and_pipes_have_no_colours(monkeypatch):
    monkeypatch.setattr(output.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.coloured()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.coloured()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr(output.sys.stdout, "isatty", lambda: False, raising=False)
    assert not output.coloured()


def test_texts_of_several_lines_are_literal_blocks():
    assert yaml_text({"data": {"a": "one\ntwo\n"}}) == "data:\n  a: |\n    one\n    two\n"


def test_documents_follow_their_dashes():
    assert yaml_documents([{"a": 1}, {"b": 2}]) == "---\na: 1\n---\nb: 2\n"


TRICKY = ["y", "No", "on", "0755", "0o17", "1e3", "12e45", "1_000", "1.0", "2001-01-01", "null", "~", "=", "<<",
          ".inf", "0x1F", "12:30:45", "- a", "a: b", "#", " a", "a\n", "\ta", "", "a\u2028b"]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(TRICKY), st.text(max_size=12), st.from_regex(r"[0-9eE.+_ox-]{1,8}", fullmatch=True)
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


async def test_kubernetes_reads_our_yaml_as_it_was():
    if not tiphys_toolbox.binary().exists():
        pytest.skip("the toolbox is not built (make build)")
    async with Toolbox(tiphys_toolbox.binary()) as toolbox:
        for value in TRICKY:
            text = yaml_text({"value": value, "list": [value], value: 1})
            (document,) = await decode_yaml(toolbox, text, "tricky", 10)
            assert document.value == {"value": value, "list": [value], value: 1}, text


@given(VALUES)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_our_yaml_says_what_it_was_given(value):
    assert yaml.safe_load(yaml_text({"value": value})) == {"value": value}
