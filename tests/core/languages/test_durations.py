"""How durations are written, and what is none."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.languages.durations import parse_duration
from tiphys.model.errors import SpecError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5s", 5),
        ("1m30s", 90),
        ("2h", 7200),
        ("90", 90),
        (" 3m ", 180),
        ("1.5h", 5400),
        ("0", 0),
        ("500ms", 0.5),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, seconds: float):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "5 s", "-5s", "5x", "s", "²", "1m 30s", "9" * 400])
def test_what_is_no_duration_is_told(text: str):
    with pytest.raises(SpecError):
        parse_duration(text)


@given(st.text())
def test_no_text_does_worse_than_that(text: str):
    with suppress(SpecError):
        assert parse_duration(text) >= timedelta()
