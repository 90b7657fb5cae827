"""The edit changes the value's bytes and no others."""

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.release.written import NASTY, TEXTS, Written, files
from tiphys.core.release.document import read
from tiphys.core.release.edit import edited
from tiphys.core.release.paths import Place, parsed
from tiphys.model.errors import SpecError


def setting(text: str, **values: str) -> str:
    """The text with values, by their paths with ``_`` for the dots."""
    places = {Place(0, parsed(path.replace("_", "."))): value for path, value in values.items()}
    return edited(read(text.encode(), "values.yaml"), places).encoded().decode()


def replaced(tree, path, value):
    """The tree with one value replaced."""
    if not path:
        return value
    if isinstance(tree, list):
        return [replaced(x, path[1:], value) if at == path[0] else x for at, x in enumerate(tree)]
    return {key: replaced(x, path[1:], value) if key == path[0] else x for key, x in tree.items()}


def documents(content: bytes):
    return list(yaml.load_all(content, Loader=yaml.CBaseLoader))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files(), TEXTS, st.booleans(), st.data())
def test_only_the_values_bytes_change(written: Written, value: str, marked: bool, data: st.DataObject):
    path, (start, end) = data.draw(
        st.sampled_from(sorted(written.values.items(), key=str)) if written.values else st.nothing()
    )
    place, mark = Place(0, path), b"\xef\xbb\xbf" * marked
    before = mark + written.text.encode()

    after = edited(read(before, "values.yaml"), {place: value}).encoded()

    head, tail = mark + written.text[:start].encode(), written.text[end:].encode()
    assert after.startswith(head)
    assert after.endswith(tail)
    assert len(after) >= len(head) + len(tail)
    first, *others = documents(before)
    assert documents(after) == [replaced(first, path, value), *others]
    assert edited(read(after, "values.yaml"), {place: value}).encoded() == after


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files(), st.booleans(), TEXTS.filter(bool), st.data())
def test_a_key_that_is_missing_comes_in_and_no_byte_goes(
    written: Written, flow: bool, value: str, data: st.DataObject
):
    """An image without a tag, at the end of a file of any kind or before it."""
    end = "\r\n" if "\r\n" in written.text else "\n"
    comment = data.draw(st.sampled_from(["", "  # ours"]))
    block = f"zz:{end}    image:{end}       repository: a/b{comment}{end}       pull: x{end}"
    image = f"zz: {{ image: {{repository: 'a/b' }}}}{comment}{end}" if flow else block
    # A second document would come between.
    text = image if "second: document" in written.text else written.text + image
    cut = data.draw(st.booleans())
    before = text.removesuffix(f"       pull: x{end}").removesuffix(end) if cut else text
    place = Place(0, ("zz", "image", "tag"))

    after = setting_at(before, place, value)

    new = [tree for tree in documents(after.encode()) if "zz" in tree]
    assert new == [replaced_in(tree, value) for tree in documents(before.encode()) if "zz" in tree]
    head = next(
        at for at in range(len(before) + 1) if at == len(before) or not after.startswith(before[: at + 1])
    )
    assert after.endswith(before[head:])
    assert len(after) > len(before)
    assert "\r\n" not in before or "\n" not in after.replace("\r\n", "")
    assert setting_at(after, place, value) == after


def setting_at(text: str, place: Place, value: str) -> str:
    return edited(read(text.encode(), "values.yaml"), {place: value}).encoded().decode()


def replaced_in(tree, value: str):
    return {**tree, "zz": {"image": {**tree["zz"]["image"], "tag": value}}}


@given(
    st.one_of(st.sampled_from(NASTY), TEXTS), st.sampled_from(["1.0", "v1", "'1'", '"1"', "", "~", "!!str 1"])
)
def test_what_is_set_is_text(value: str, old: str):
    after = setting(f"image:\n  tag: {old} # why\n", image_tag=value)
    assert yaml.safe_load(after) == {"image": {"tag": value}}
    assert after.endswith(" # why\n")


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        ("1.0.0", "1.1.0", "1.1.0"),
        ("1.0.0", "1.1", '"1.1"'),
        ("1.0", "1.1.0", "1.1.0"),
        ('"1.0"', "1.1.0", '"1.1.0"'),
        ("'1.0'", "1.1", "'1.1'"),
        ("abc", "12e34567", '"12e34567"'),
        ("abc", "1e3", '"1e3"'),
        ("abc", "0x1f", '"0x1f"'),
        ("abc", "1a2b3c4", "1a2b3c4"),
        ("web:1.0", "web:1.1", "web:1.1"),
        ("1.10", "1.10", '"1.10"'),
        ("# none", "v1", "v1 # none"),
        ("~", "v1", "v1"),
    ],
)
def test_quotes_stay_and_come_where_they_are_needed(old: str, new: str, written: str):
    assert setting(f"tag: {old}\nb: 1\n", tag=new) == f"tag: {written}\nb: 1\n"


def test_a_value_that_is_there_already_changes_nothing():
    text = "tag: 'v1'   # é\r\n"
    assert setting(text, tag="v1") == text


def test_several_values_of_one_file():
    assert setting("a: 1.0.0\nb: {tag: x}\n", a="2.0.0", b_tag="z") == "a: 2.0.0\nb: {tag: z}\n"


def test_an_alias_is_followed_only_to_where_one_was_asked_to():
    text = "web: {tag: &tag v1}\nworker: {tag: *tag}\n"
    with pytest.raises(
        SpecError, match=r"web.tag and worker.tag are one value \(line 1\).*--path worker.tag"
    ):
        setting(text, web_tag="v2")
    with pytest.raises(SpecError, match="one value"):
        setting(text, worker_tag="v2")
    assert setting(text, web_tag="v2", worker_tag="v2") == text.replace("v1", "v2")
    assert setting("tag: &tag v1\n", tag="v2") == "tag: &tag v2\n"


def test_what_is_merged_in_is_one_value_too():
    text = "base: &base\n  tag: v1\nweb:\n  <<: *base\napi:\n  <<: *base\n  tag: v7\n"
    with pytest.raises(SpecError, match=r"web.tag and base.tag are one value"):
        setting(text, web_tag="v2")
    assert setting(text, api_tag="v8") == text.replace("v7", "v8")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tag: v1\ntag: v2\n", "line 2: 'tag' stands there twice"),
        ("tag: |\n  v1\n", "line 1: the value is a block"),
        ("tag: !!int 1\n", "without changing something else"),
        ("tag: [\n", "not valid YAML: line 2"),
        ("tag: \x01\n", "not valid YAML"),
        ("other: 1\n", "has no value tag"),
        ("tag: *nothing\n", "nothing"),
        ("", "has no value tag"),
    ],
)
def test_what_cannot_be_edited_is_left_alone(text: str, why: str):
    with pytest.raises(SpecError, match=why):
        setting(text, tag="v2")


def test_a_key_that_stands_twice_elsewhere_is_nobodys_business():
    assert setting("a: {b: 1, b: 2}\ntag: v1\n", tag="v2") == "a: {b: 1, b: 2}\ntag: v2\n"


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]\ntag: v1\n",
        "a: &a {<<: {<<: *a}}\ntag: v1\n",
        "tag: v1\nb: &b [x,x]\n"
        + "".join(f"c{i}: &c{i} [*{'b' if not i else f'c{i - 1}'}, 1]\n" for i in range(50)),
    ],
)
def test_aliases_that_go_round_do_no_harm(text: str):
    assert setting(text, tag="v2") == text.replace("v1", "v2")


def test_aliases_that_multiply_are_refused():
    lines = [
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
        *(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)),
    ]
    with pytest.raises(SpecError, match="aliases followed"):
        setting("\n".join([*lines, "tag: v1"]), tag="v2")


def test_what_is_no_utf_8_is_told():
    with pytest.raises(SpecError, match=r"not UTF-8 \(byte 5\)"):
        read(b"tag: \xff\n", "values.yaml")


def test_a_value_with_control_characters_is_refused():
    with pytest.raises(SpecError, match="control characters"):
        setting("tag: v1\n", tag="v2\nevil: true")
