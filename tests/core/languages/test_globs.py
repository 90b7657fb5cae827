"""Globs as Argo CD reads them."""

import time
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.languages.globs import matches


@pytest.mark.parametrize(
    ("pattern", "text", "separator", "fits"),
    [
        ("web", "web", "", True),
        ("web", "webs", "", False),
        ("", "", "", True),
        ("", "web", "", False),
        ("team-*", "team-", "", True),
        ("team-*", "team-a/b", "", True),
        ("https://git/org/*", "https://git/org/repo", "/", True),
        ("https://git/org/*", "https://git/org/group/repo", "/", False),
        ("https://git/org/**", "https://git/org/group/repo", "/", True),
        ("?at", "cat", "", True),
        ("?at", "/at", "/", False),
        ("[abc]at", "bat", "", True),
        ("[!abc]at", "bat", "", False),
        ("[a-c]at", "bat", "", True),
        ("[!a-c]at", "dat", "", True),
        ("{web,db}-*", "db-1", "", True),
        ("{web,{db,mq}}", "mq", "", True),
        ("{web,}", "", "", True),
        (r"\*", "*", "", True),
        (r"\*", "x", "", False),
        (r"\{a,b}", "{a,b}", "", True),
        ("[*]", "*", "", True),
        ("a.c", "abc", "", False),
    ],
)
def test_a_glob_fits_whole_texts(pattern: str, text: str, separator: str, fits: bool):
    assert matches(pattern, text, separator) is fits


@given(st.text("ab*?", max_size=6), st.text("ab", max_size=6))
def test_stars_and_question_marks_mean_what_they_mean_everywhere(pattern: str, text: str):
    assert matches(pattern, text) == fnmatchcase(text, pattern)


@pytest.mark.parametrize("pattern", ["[a", "{a,b", "a\\", "{a,b" * 300, "{a,b}" * 9])
def test_what_is_no_glob_is_an_error_in_words(pattern: str):
    with pytest.raises(ValueError, match="the glob"):
        matches(pattern, "x")


def test_no_pattern_makes_matching_slow():
    began = time.perf_counter()
    assert not matches("*a" * 200 + "b", "a" * 2000)
    assert time.perf_counter() - began < 5
