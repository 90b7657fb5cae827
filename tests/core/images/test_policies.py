"""Which tags count, and which is the newest."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.images.policies import (
    Order,
    Policy,
    by_precision,
    counted,
    highest,
    last_by_name,
    newest_built,
)
from tiphys.model.images import ANY, Built, Platform

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_what_is_ignored_and_what_belongs_to_other_images_does_not_count():
    tags = ["1.0", "1.1-rc1", "latest", f"sha256-{'a' * 64}.sig", f"sha256-{'b' * 64}"]
    assert counted(Policy(ignore=("*-rc*", "latest")), tags) == ["1.0"]


def test_the_most_exact_of_equal_versions_comes_first():
    assert by_precision(["1", "1.28", "1.28.0"]) == ["1.28.0", "1.28", "1"]


def test_the_last_that_was_built_is_the_newest():
    built = {name: Built(name, NOW + timedelta(hours=h)) for name, h in (("a", 2), ("b", 3), ("c", 1))}
    assert newest_built(built) == "b"
    assert newest_built({"a": Built("a", None)}) is None


def test_numbers_that_an_expression_finds_compare_as_numbers():
    assert highest({"main-9": "9", "main-10": "10"}) == "main-10"
    assert highest({"a-2026.1.9": "2026.1.9", "b-2026.1.10": "2026.1.10"}) == "b-2026.1.10"
    assert last_by_name(["9", "10"]) == "9"


def test_of_nothing_there_is_no_newest():
    assert [highest({}), last_by_name([]), newest_built({})] == [None] * 3


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
def test_the_highest_is_one_of_them_whatever_their_order(found: dict[str, str]):
    chosen = highest(found)
    assert chosen in found
    assert highest(dict(reversed(found.items()))) == chosen


@pytest.mark.parametrize(
    ("asked", "there", "runs"),
    [
        (ANY, Platform("linux", "arm64", "v8"), True),
        (Platform("linux", "arm64"), Platform("linux", "arm64", "v8"), True),
        (Platform("linux", "arm64"), Platform("linux", "amd64"), False),
        (Platform("linux", "arm", "v7"), Platform("linux", "arm", "v6"), False),
    ],
)
def test_a_platform_is_as_exact_as_it_is_written(asked: Platform, there: Platform, runs: bool):
    assert asked.runs(there) is runs


def test_a_policy_reads_as_it_is_written():
    assert str(Policy(constraint="1.x", ignore=("a", "b"))) == "semver:1.x ignore:a,b"
    assert str(Policy(Order.REGEXP, allow="^v")) == "regexp:^v"
