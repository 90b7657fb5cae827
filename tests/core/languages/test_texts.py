"""Long texts keep their beginning and their end."""

from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.languages.texts import shortened


def test_what_fits_stays_as_it_is():
    assert shortened("short", 5) == "short"


def test_of_what_does_not_fit_the_beginning_and_the_end_stay():
    assert shortened("a" * 500 + "b" * 500, 21) == "aaaaaaa [...] bbbbbbb"


@given(st.text(), st.integers(20, 60))
def test_it_always_fits(text: str, most: int):
    assert len(shortened(text, most)) <= most
