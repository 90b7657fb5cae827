"""Differences as people read them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.diff.differences import changes, shortfalls, told
from tiphys.core.diff.ownership import equal

bodies = st.recursive(
    st.integers(0, 2) | st.booleans(),
    lambda j: (
        st.lists(j, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "name"]), j, max_size=2)
        | st.lists(st.fixed_dictionaries({"name": st.sampled_from("ab"), "v": j}), max_size=3)
    ),
    max_leaves=12,
)


def paths(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    return [(d.path, d.before, d.after) for d in told(changes(before, after))]


@given(bodies, bodies)
def test_there_are_differences_exactly_where_bodies_differ(before: Any, after: Any):
    assert (not paths(before, after)) == equal(before, after)


@given(bodies)
def test_a_target_falls_short_of_nothing_that_equals_it(body: Any):
    assert not list(shortfalls(body, body))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {"a": 2}, [("/a", 1, 2)]),
        ({"a": 1}, {}, [("/a", 1, None)]),
        ({}, {"a/b": 1}, [("/a~1b", None, 1)]),
        ({"l": [1, 2]}, {"l": [1, 3, 4]}, [("/l/1", 2, 3), ("/l/2", None, 4)]),
        ([{"name": "b"}], [{"name": "a"}, {"name": "b"}], [("/0", None, {"name": "a"})]),
        ([{"name": "a"}, {"name": "b"}], [{"name": "b"}], [("/0", {"name": "a"}, None)]),
        ([{"name": "a", "v": 1}, {"name": "b"}], [{"name": "b"}, {"name": "a", "v": 1}], [
            ("/0/name", "a", "b"),
            ("/0/v", 1, None),
            ("/1/name", "b", "a"),
            ("/1/v", None, 1),
        ]),
    ],
)  # fmt: skip
def test_a_difference_is_told_in_its_smallest_part(before: Any, after: Any, found: list[Any]):
    assert paths(before, after) == found


def test_what_is_live_beyond_the_target_is_no_shortfall():
    live = {"a": 1, "l": [{"name": "x", "v": 1}, {"name": "y"}]}
    target = {"l": [{"name": "x", "v": 2}], "n": None}
    assert [(d.path, d.before, d.after) for d in told(shortfalls(live, target))] == [("/l/0/v", 1, 2)]
