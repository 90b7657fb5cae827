"""YAML means here what it means to Kubernetes, and a mistake is told with its file and line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tiphys.adapters.render import Engines, Toolbox, decode_files, decode_yaml
from tiphys.model.errors import SpecError

Decode = Callable[..., Any]


@pytest.fixture
def decode(toolbox: Toolbox) -> Decode:
    async def decoded(text: str, name: str = "a.yaml") -> list[Any]:
        return [d.value for d in await decode_yaml(toolbox, text, name, 10)]

    return decoded


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[no, yes, y, n, on, OFF, 'no']", [False, True, True, False, True, False, "no"]),
        ("[0755, 0x1F, 1_000, 1.0, 1e3, 1.5, 1000660000]", [493, 31, 1000, 1, 1000, 1.5, 1000660000]),
        ("[9007199254740993, 18446744073709551615]", [9007199254740993, 18446744073709551615]),
        ("[2024-01-02, 12:30, ~, '']", ["2024-01-02", "12:30", None, ""]),
        ("{a: 1, a: 2}", {"a": 2}),
        ("{1: a, true: b, 1.5: c}", {"1": "a", "true": "b", "1.5": "c"}),
        ("a: &x {b: 1}\nc: {<<: *x, d: 2}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
        ("a: |\n  x\n   y\nb: >-\n  x\n  y", {"a": "x\n y\n", "b": "x y"}),
        ("a: 1\r\nb: |\r\n  x\r\n", {"a": 1, "b": "x\n"}),
        ("\ufeffa: 🙂", {"a": "🙂"}),
        ('{"json": [1, {"a": null}]}', {"json": [1, {"a": None}]}),
        ("kind: List\nitems: [{kind: List}]", {"kind": "List", "items": [{"kind": "List"}]}),
    ],
)
async def test_values_are_read_as_kubernetes_reads_them(text, value, decode):
    assert await decode(text) == [value]


async def test_documents_are_counted_and_those_that_say_nothing_left_out(toolbox):
    text = "# first\n---\na: 1\n---\n---\n# only a comment\n--- # b\n\nb: 2\n---\nnull\n"
    found = await decode_yaml(toolbox, text, "a.yaml", 10)
    assert [(d.index, d.line, d.value) for d in found] == [(1, 3, {"a": 1}), (3, 8, {"b": 2})]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 1\nb: 2\n---\nc:\n  d: e: f\n",
            r"a.yaml: line 5: mapping values are not allowed.*\n +5 \|   d: e: f",
        ),
        ("a: 1\n\tb: 2\n", r"a.yaml: line 2: found a tab character that violates indentation"),
        ("a: [1\n", r"a.yaml: line 1: did not find expected"),
        ("a: *nobody\n", r"a.yaml: line 1: unknown anchor 'nobody' referenced"),
        ("a: 1\n--- oops\n", r'a.yaml: line 2: "--- oops" is neither a separator nor YAML'),
        ("a: !!binary x", r"a.yaml: .*invalid base64"),
        ("a: .nan", r"a.yaml: the document that begins on line 1: json: unsupported value: NaN"),
        ("{? {a: 1} : b}", r"a.yaml: line 1: invalid map key\n"),
        ("a: !!int word", r"a.yaml: .*cannot decode !!str\n"),
        ("a: \x00", r"a.yaml: .*control characters"),
    ],
)
async def test_a_mistake_is_told_with_its_line(text, message, decode):
    with pytest.raises(SpecError, match=message):
        await decode(text)


async def test_a_secret_is_not_quoted(decode):
    for line in ["password: hunter2: x", "hunter2\n x: y", "{hunter2: {}}: x", "a: !!int hunter2"]:
        with pytest.raises(SpecError) as told:
            await decode(f"kind: Secret\ndata:\n  {line}\n")
        assert "hunter" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            '{"a": 1.0, "b": 1000660000, "c": 1.5, "d": 9007199254740993}',
            {"a": 1, "b": 1000660000, "c": 1.5, "d": 9007199254740993},
        ),
        ('{"a": "\\ud83d\\ude42", "b":\t"\\/"}', {"a": "🙂", "b": "/"}),
    ],
)
async def test_json_files_are_read_as_json(text, value, decode):
    assert await decode(text, "a.json") == [value]
    assert await decode("null", "a.json") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,\n "b": }', r"a.json: line 2: invalid character '}'"),
        ('{"a": 1}\n{"b": 1}', r"a.json: there is something after the first JSON value"),
        ("a: 1", r"a.json: line 1: invalid character 'a'"),
    ],
)
async def test_a_mistake_in_json_is_told_with_its_line(text, message, decode):
    with pytest.raises(SpecError, match=message):
        await decode(text, "a.json")


async def test_files_are_read_in_order_and_named_from_the_root(toolbox, tmp_path):
    (tmp_path / "b.yaml").write_text("kind: B\n---\nkind: C\n")
    (tmp_path / "a.json").write_text('{"kind": "A"}')
    found = await decode_files(toolbox, tmp_path, [tmp_path / "b.yaml", tmp_path / "a.json"], 10)
    assert [(o.file, o.body["kind"]) for o in found] == [("b.yaml", "B"), ("b.yaml", "C"), ("a.json", "A")]
    assert await decode_files(toolbox, tmp_path, [], 10) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", r"read manifests: a.yaml: line 1"),
        ("- a", r"a.yaml: line 1: this document is no mapping"),
        ("x" * (10 << 20), r"a.yaml is larger than 10485760 bytes|more than 10485760 bytes together"),
    ],
)
async def test_a_file_that_is_no_manifest_is_told(text, message, toolbox, tmp_path):
    (tmp_path / "a.yaml").write_text(text + "\n")
    with pytest.raises(SpecError, match=message) as told:
        await decode_files(toolbox, tmp_path, [tmp_path / "a.yaml"], 10)
    assert str(tmp_path) not in str(told.value)


async def test_files_share_one_size_limit(toolbox, tmp_path):
    files = [tmp_path / f"{n}.yaml" for n in range(3)]
    for file in files:
        file.write_text("a: b\n" + "#" * (4 << 20))
    with pytest.raises(SpecError, match="more than 10485760 bytes together"):
        await decode_files(toolbox, tmp_path, files, 10)


async def test_no_file_leads_out_of_the_root(toolbox, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.yaml").symlink_to("/etc/passwd")
    for file in [root / "link.yaml", Path("/etc/passwd"), root / ".." / "x.yaml"]:
        with pytest.raises(SpecError, match="outside of the folder that may be read here"):
            await decode_files(toolbox, root, [file], 10)


async def test_ten_megabytes_on_one_line_are_read(decode):
    (value,) = await decode("a: " + "x" * (9 << 20))
    assert len(value["a"]) == 9 << 20


async def test_the_engines_speak_as_the_stories_ask(toolbox):
    engines = Engines(toolbox)
    assert await engines.decode_text("a: 1\n---\nb: 2", "x.yaml") == ({"a": 1}, {"b": 2})
    assert await engines.best_version("1.x", ["1.2.3"]) == "1.2.3"
    assert await engines.jq(".a", {"a": 1}) == [1]


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
async def test_what_nests_too_deeply_is_told(name, decode):
    assert await decode("[" * 200 + "]" * 200, name)
    with pytest.raises(SpecError, match="nests more than 200 levels deep"):
        await decode("[" * 300 + "]" * 300, name)
