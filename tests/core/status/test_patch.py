"""Merge patches, and that an unchanged status is not written."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.status.patch import merge_patch

values = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


def patched(old: Any, patch: Any) -> Any:
    """RFC 7386, by the letter."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = patched(result.get(name), value)
    return result


@given(objects, objects)
def test_a_patch_turns_the_old_into_the_new(old: dict[str, Any], new: dict[str, Any]):
    assert patched(old, merge_patch(old, new)) == new


@given(objects)
def test_nothing_changed_is_no_patch(old: dict[str, Any]):
    assert merge_patch(old, old) == {}
