"""What is wrong with a chart is told with its file, its line and Helm's own words, and hurts nobody else."""

import os

import pytest

from adapters.render.specimens import BACKEND, HOMEPAGE, chart_yaml, config_map, lay, pack
from tiphys.model.errors import SpecError

SOUND = {
    "Chart.yaml": chart_yaml("c"),
    "values.yaml": "count: 1\n",
    "templates/c.yaml": config_map("c", a="b"),
}
DEEP = '{{- define "f" }}{{ template "f" . }}{{ end }}{{ template "f" . }}'

FAULTS = {
    "a template that does not parse": (
        {"templates/c.yaml": "a: 1\nb: {{ if }}\n"},
        r"parse error at \(c/templates/c.yaml:2\): missing value for if",
    ),
    "a function that does not exist": (
        {"templates/c.yaml": "{{ nope }}"},
        r'c.yaml:1\): function "nope" not defined',
    ),
    "a value that is not there": (
        {"templates/c.yaml": "a:\n  b: {{ .Values.x.y }}\n"},
        r"c/templates/c.yaml:2:15\n  executing .* at <.Values.x.y>:\n    nil pointer evaluating interface {}.y",
    ),
    "a required value": (
        {"templates/c.yaml": 'a: {{ required "tell me n" .Values.x }}'},
        r"execution error at \(c/templates/c.yaml:1:6\): tell me n",
    ),
    "a fail": ({"templates/c.yaml": '{{ fail "so be it" }}'}, r"\(c/templates/c.yaml:1:3\): so be it"),
    "rendered text that is not YAML": (
        {"templates/c.yaml": "{{/* x */}}\nkind: A\n---\nkind: B\nmetadata:\n  name: a: b\n"},
        r"YAML parse error on c/templates/c.yaml: line 6: mapping values are .*\n +6 \|   name: a: b",
    ),
    "a rendered list": (
        {"templates/c.yaml": "- a\n"},
        r"c/templates/c.yaml: line 1: not an object but a list",
    ),
    "values that are not YAML": (
        {"values.yaml": "a: 1\nb: [\n"},
        r"values.yaml: line 2: did not find expected node content",
    ),
    "values that are no mapping": ({"values.yaml": "- a\n"}, r"cannot load values.yaml"),
    "a Chart.yaml that is not YAML": (
        {"Chart.yaml": "name: [\n"},
        r"Chart.yaml: line 1: .*\n +1 \| name: \[",
    ),
    "a Chart.yaml without a version": (
        {"Chart.yaml": "apiVersion: v2\nname: c\n"},
        r"chart.metadata.version is required",
    ),
    "a Chart.yaml of tomorrow": (
        {"Chart.yaml": "apiVersion: v3\nname: c\n"},
        r'apiVersion "v3" is not supported',
    ),
    "no Chart.yaml": ({"Chart.yaml": None}, r"Chart.yaml file is missing"),
    "a library": ({"Chart.yaml": chart_yaml("c", "type: library")}, r"library charts are not installable"),
    "a cluster too old": (
        {"Chart.yaml": chart_yaml("c", "kubeVersion: '>=9.0'")},
        r"requires kubeVersion: >=9.0 which is incompatible with Kubernetes v",
    ),
    "dependencies that are not there": (
        {"Chart.yaml": chart_yaml("c", "dependencies: [{name: x, version: 1.x}, {name: z, version: 1.x}]")},
        r"found in Chart.yaml, but missing in charts/ directory: x, z",
    ),
    "values against the schema": (
        {"values.schema.json": '{"properties": {"count": {"type": "string"}}}'},
        r"following chart\(s\):\nc:\n- at '/count': got number, want string",
    ),
    "a schema that reads a device": (
        {"values.schema.json": '{"$ref": "file:///dev/zero"}'},
        r"refers to dev/zero, and nothing is read or fetched while rendering",
    ),
    "a schema that asks a network": (
        {"values.schema.json": '{"$ref": "http://169.254.169.254/latest"}'},
        r"refers to http://169.254.169.254/latest, and nothing is read or fetched",
    ),
    "a template that calls itself": (
        {"templates/c.yaml": DEEP},
        r"exceeded maximum template depth|more memory",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_told_with_its_place(fault, tmp_path, render):
    files, message = FAULTS[fault]
    changed = {name: text for name, text in {**SOUND, **files}.items() if text is not None}
    with pytest.raises(SpecError, match=message) as told:
        await render(lay(changed, tmp_path / "charts" / "c"), root=str(tmp_path))
    assert str(told.value).startswith("render chart charts/c: ")
    assert str(tmp_path) not in str(told.value)


async def test_a_schema_may_be_passed_over(tmp_path, render):
    folder = lay({**SOUND, "values.schema.json": '{"required": ["x"]}'}, tmp_path)
    assert (await render(folder, skip_schema_validation=True)).objects


async def test_a_subcharts_schema_is_held_against_its_own_values(tmp_path, render):
    subchart = {f"charts/backend/{name}": text for name, text in BACKEND.items()}
    schema = '{"properties": {"port": {"type": "integer"}}}'
    folder = lay({**SOUND, **subchart, "charts/backend/values.schema.json": schema}, tmp_path)
    with pytest.raises(SpecError, match=r"backend:\n- at '/port': got string, want integer"):
        await render(folder, values_object={"backend": {"port": "http"}})


async def test_a_value_of_a_secret_is_not_quoted(tmp_path, render):
    secret = "apiVersion: v1\nkind: Secret\nstringData:\n  password: hunter2: x\n"
    with pytest.raises(SpecError) as told:
        await render(lay({**SOUND, "templates/s.yaml": secret}, tmp_path))
    assert "4 |   password: (not shown)" in str(told.value)
    assert "hunter2" not in str(told.value)


async def test_a_parameter_that_helm_cannot_read_is_named_without_its_value(tmp_path, render):
    with pytest.raises(SpecError, match=r'parameter "a\[x\]"') as told:
        await render(lay(SOUND, tmp_path), set_values=("a[x]=hunter2",))
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("values", "a: [", r"failed to parse values: line 1"),
        ("values", "- a", r"failed to parse values: line 1: not a mapping"),
        ("release_name", "No_Name", r'release name "No_Name": invalid release name'),
        ("kube_version", "new", r'invalid kube version "new"'),
        ("value_files", ("prod.yaml",), r"value file prod.yaml does not exist"),
    ],
)
async def test_a_request_that_is_wrong_is_told(field, text, message, tmp_path, render):
    folder = lay(SOUND, tmp_path)
    asked = tuple(f"{folder}/{file}" for file in text) if isinstance(text, tuple) else text
    with pytest.raises(SpecError, match=message):
        await render(folder, **{field: asked})


@pytest.mark.parametrize(
    "link", ["templates/c.yaml", "values.yaml", "Chart.lock", "Chart.yaml", "charts/evil", ".helmignore"]
)
@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside"])
async def test_no_link_leads_out_of_the_root(link, target, tmp_path, render):
    (tmp_path / "outside").mkdir()
    folder = lay(SOUND, tmp_path / "work")
    path = folder / link
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    with pytest.raises(SpecError, match="leads outside of the folder that may be read here"):
        await render(folder)


async def test_no_value_file_or_file_parameter_lies_outside_of_the_root(tmp_path, render):
    (tmp_path / "secret.yaml").write_text("a: 1")
    folder = lay(SOUND, tmp_path / "work")
    with pytest.raises(SpecError, match="lies outside of the folder"):
        await render(folder, value_files=(f"{tmp_path}/secret.yaml",))
    with pytest.raises(SpecError, match="lies outside of the folder"):
        await render(folder, set_files=("a=/etc/passwd",))
    with pytest.raises(SpecError, match="lies outside of the folder"):
        await render(folder, set_files=("a=../secret.yaml",))


async def test_a_link_inside_of_the_root_is_followed(tmp_path, render):
    folder = lay(SOUND, tmp_path / "charts" / "c")
    lay({"shared.yaml": config_map("shared")}, tmp_path / "common")
    (folder / "templates/shared.yaml").symlink_to("../../../common/shared.yaml")
    (folder / "more").symlink_to("../../common")
    rendered = await render(folder, root=str(tmp_path))
    assert [o.body["metadata"]["name"] for o in rendered.objects] == ["c", "shared"]


@pytest.mark.parametrize("target", [".", "loop", "../templates"])
async def test_links_in_a_circle_end(target, tmp_path, render):
    folder = lay(SOUND, tmp_path)
    (folder / "templates" / "loop").symlink_to(target)
    with pytest.raises(SpecError, match="loop"):
        await render(folder)


async def test_a_pipe_in_a_chart_is_refused_and_not_opened(tmp_path, render):
    folder = lay(SOUND, tmp_path)
    os.mkfifo(folder / "templates" / "pipe.yaml")
    with pytest.raises(SpecError, match=r"pipe.yaml is not a regular file"):
        await render(folder, seconds=2)


async def test_a_chart_too_large_is_refused(tmp_path, render):
    folder = lay(HOMEPAGE, tmp_path)
    (folder / "files" / "huge").write_bytes(b"x" * (5 * 1024 * 1024 + 1))
    with pytest.raises(SpecError, match=r"files/huge is larger than 5242880 bytes"):
        await render(folder)


@pytest.mark.parametrize(
    ("member", "size", "message"),
    [
        (
            "templates/bomb.yaml",
            6 << 20,
            r"decompressed chart file .* is larger than the maximum file size",
        ),
        ("../../../etc/cron.d/x", 1, r"chart illegally references parent directory"),
        ("/etc/x", 1, r"chart illegally contains absolute paths"),
    ],
)
async def test_an_archive_that_wants_too_much_is_refused(member, size, message, tmp_path, render):
    folder = lay(SOUND, tmp_path / "c")
    archive = pack({**BACKEND, member: "0" * size}, "backend", tmp_path / "cache")
    with pytest.raises(SpecError, match=message):
        await render(folder, brought=((str(archive), f"{folder}/charts/backend-1.2.3.tgz"),))


async def test_what_is_no_archive_is_told(tmp_path, render):
    folder = lay({**SOUND, "charts/x-1.tgz": "<html>not found</html>"}, tmp_path)
    with pytest.raises(SpecError, match=r"error unpacking subchart x-1.tgz in c: gzip: invalid header"):
        await render(folder)
