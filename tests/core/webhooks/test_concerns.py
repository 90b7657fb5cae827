"""Whom a push concerns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.webhooks.concerns import follows, joined, place, touches
from tiphys.core.webhooks.news import Push

HERE = [
    "https://github.com/Example/Charts",
    "https://github.com/example/charts.git",
    "https://github.com/example/charts/",
    "http://token:x@github.com:80/example/charts.git?x=1",
    "git@github.com:example/charts.git",
    "ssh://git@GitHub.com:22/example/charts",
    "github.com:example/charts",
]


@pytest.mark.parametrize("url", HERE)
def test_a_repository_is_one_place_however_it_is_written(url: str):
    assert place(url) == "github.com/example/charts"


def test_azure_calls_a_repository_by_two_names():
    over_http = place("https://example@dev.azure.com/example/my%20platform/_git/charts")
    assert over_http == place("git@ssh.dev.azure.com:v3/example/my%20platform/charts")


@pytest.mark.parametrize("other", ["https://github.com/example/charts2", "https://gitlab.com/example/charts"])
def test_another_repository_is_another_place(other: str):
    assert place(other) != place(HERE[0])


@given(st.text(max_size=60))
def test_any_text_has_a_place(url: str):
    assert isinstance(place(url), str)


@pytest.mark.parametrize(
    ("revision", "ref", "known", "concerned"),
    [
        ("main", "refs/heads/main", "", True),
        ("refs/heads/main", "refs/heads/main", "", True),
        ("heads/main", "refs/heads/main", "", True),
        ("feature/x", "refs/heads/feature/x", "", True),
        ("x", "refs/heads/feature/x", "", False),
        ("v1.0.0", "refs/tags/v1.0.0", "", True),
        ("main", "refs/heads/other", "", False),
        ("HEAD", "refs/heads/main", "refs/heads/main", True),
        ("HEAD", "refs/heads/other", "refs/heads/main", False),
        ("HEAD", "refs/heads/other", "", True),
        ("", "refs/heads/other", "HEAD", True),
        ("a" * 40, "refs/heads/main", "", False),
    ],
)
def test_who_follows_a_revision_hears_of_its_ref(revision: str, ref: str, known: str, concerned: bool):
    assert follows(revision, ref, known) is concerned


@pytest.mark.parametrize(
    ("file", "touched"),
    [
        ("charts/homepage/templates/x.yaml", True),
        ("values/common.yaml", True),
        ("charts/homepage2/values.yaml", False),
        ("charts/homepage", True),
        ("values/common.yaml.bak", False),
        ("README", False),
    ],
)
def test_a_file_counts_at_or_below_what_is_read(file: str, touched: bool):
    assert touches([file], ["charts/homepage", "values/common.yaml"]) is touched


def test_who_reads_the_root_reads_everything():
    assert touches(["README"], [""])
    assert not touches([], [""])


def push(before: str, after: str, *files: str, known: bool = True) -> Push:
    return Push(("u",), "refs/heads/main", before, after, frozenset(files) if known else None)


def test_two_pushes_in_a_row_are_one_with_the_files_of_both():
    assert joined(push("1", "2", "a"), push("2", "3", "b")) == push("1", "3", "a", "b")
    assert joined(None, push("2", "3", "b")) == push("2", "3", "b")


def test_a_gap_between_two_pushes_may_hold_any_file():
    assert joined(push("1", "2", "a"), push("3", "4", "b")).files is None
    assert joined(push("1", "2", known=False), push("2", "3", "b")).files is None
