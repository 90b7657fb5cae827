"""Charts render as Helm itself renders them, object for object."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from adapters.render.specimens import (
    BACKEND,
    COMMON,
    HOMEPAGE,
    SPECIMENS,
    UMBRELLA,
    chart_yaml,
    config_map,
    lay,
    pack,
)
from tiphys.model.errors import SpecError

FLAGS: dict[str, list[tuple[str, ...]]] = {
    "homepage": [
        (),
        ("-f", "values-prod.yaml", "--set", "deployment.image.tag=1000660000"),
        (
            "--set-string",
            "deployment.image.tag=1000660000",
            "--set",
            "env[0].name=A,deployment.replicas=null",
        ),
        ("--set", r"env={a\,b,c},deployment.image.tag=1.10", "--set-file", "page=files/page.html"),
    ],
    "hooks": [(), ("--skip-tests",)],
    "umbrella": [(), ("--set", "green.enabled=true"), ("--set", "tags.web=false,global.zone=us,blue=null")],
    "odd": [(), ("--kube-version", "v1.33.4-gke.1", "-a", "example.com/v1/Zebra")],
}
FIELDS = {
    "--set": "set_values",
    "--set-string": "set_strings",
    "--set-file": "set_files",
    "-a": "api_versions",
}


def asked_by(flags: Sequence[str], folder: Path) -> dict[str, Any]:
    """What Helm's flags are called in a ``ChartRender``."""
    match flags:
        case []:
            return {}
        case ["--skip-tests", *rest]:
            return {"skip_tests": True, **asked_by(rest, folder)}
        case ["--kube-version", version, *rest]:
            return {"kube_version": version, **asked_by(rest, folder)}
        case ["-f", file, *rest]:
            return {"value_files": (f"{folder}/{file}",), **asked_by(rest, folder)}
        case [flag, value, *rest]:
            return {FIELDS[flag]: (value,), **asked_by(rest, folder)}
    raise AssertionError(flags)


@pytest.mark.parametrize(("name", "flags"), [(name, flags) for name, many in FLAGS.items() for flags in many])
async def test_a_chart_renders_as_helm_template_renders_it(name, flags, tmp_path, render, template):
    folder = lay(SPECIMENS[name], tmp_path / name)
    rendered = await render(folder, **asked_by(flags, folder))
    assert [(o.file, o.body) for o in rendered.objects] == await template(folder, "--include-crds", *flags)


async def test_without_crds_only_the_crds_folders_are_left_out(tmp_path, render, template):
    folder = lay(SPECIMENS["hooks"], tmp_path)
    rendered = await render(folder, skip_crds=True)
    assert [(o.file, o.body) for o in rendered.objects] == await template(folder)


async def test_a_number_given_as_a_parameter_is_not_rounded(tmp_path, render):
    folder = lay(HOMEPAGE, tmp_path)
    rendered = await render(folder, set_values=("deployment.image.tag=1000660000",))
    (deployment,) = [o.body for o in rendered.objects if o.body["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "example.com/homepage:1000660000"


PRECEDENCE = {
    "Chart.yaml": chart_yaml("p"),
    "values.yaml": "from: chart",
    "a.yaml": "from: a",
    "b.yaml": "from: b",
    "plain.txt": "plain",
    "templates/c.yaml": config_map("p", answer="{{ .Values.from }}", kept="{{ .Values.kept }}"),
}


@pytest.mark.parametrize(
    ("outranking", "answer"),
    [
        ({}, "chart"),
        ({"value_files": ("a.yaml", "b.yaml")}, "b"),
        ({"values": "from: values"}, "values"),
        ({"values_object": {"from": "object"}}, "object"),
        ({"set_values": ("from=set",)}, "set"),
        ({"set_strings": ("from=string",)}, "string"),
        ({"set_files": ("from=plain.txt",)}, "plain"),
    ],
)
async def test_each_way_to_give_values_outranks_those_before_it(outranking, answer, tmp_path, render):
    folder = lay(PRECEDENCE, tmp_path)
    asked = {"value_files": ("a.yaml",), **outranking} if outranking else {}
    asked["value_files"] = tuple(f"{folder}/{file}" for file in asked.get("value_files", ()))
    rendered = await render(folder, **asked)
    assert rendered.objects[0].body["data"]["answer"] == answer


async def test_a_values_object_stands_in_for_the_values_text(tmp_path, render):
    folder = lay(PRECEDENCE, tmp_path)
    rendered = await render(folder, values="kept: text", values_object={"from": "object"})
    assert rendered.objects[0].body["data"] == {"answer": "object", "kept": None}


async def test_dependencies_are_brought_to_where_helm_looks(tmp_path, render):
    bare = {name: text for name, text in HOMEPAGE.items() if not name.startswith("charts/")}
    folder = lay(bare, tmp_path / "charts" / "homepage")
    lay(COMMON, tmp_path / "charts" / "common")
    brought = ((f"{tmp_path}/charts/common", f"{folder}/charts/common"),)
    rendered = await render(folder, root=str(tmp_path), brought=brought)
    assert rendered.objects == (await render(lay(HOMEPAGE, tmp_path / "whole"))).objects


async def test_a_dependency_may_be_an_archive(tmp_path, render):
    bare = {name: text for name, text in UMBRELLA.items() if not name.startswith("charts/backend/")}
    folder = lay(bare, tmp_path / "umbrella")
    archive = pack(BACKEND, "backend", tmp_path / "cache")
    rendered = await render(folder, brought=((str(archive), f"{folder}/charts/backend-1.2.3.tgz"),))
    assert rendered.objects == (await render(lay(UMBRELLA, tmp_path / "whole"))).objects


async def test_what_is_brought_has_its_own_brought_to_it(tmp_path, render):
    above = {
        "Chart.yaml": chart_yaml("above", "dependencies: [{name: homepage, version: 1.x}]"),
        "values.yaml": "homepage: {deployment: {replicas: 5}}",
    }
    bare = {name: text for name, text in HOMEPAGE.items() if not name.startswith("charts/")}
    lay(above, tmp_path / "above")
    lay(bare, tmp_path / "homepage")
    lay({**COMMON, "templates/x.bak": "{{ nope }}", ".helmignore": "*.bak"}, tmp_path / "common")
    brought = (
        (f"{tmp_path}/common", f"{tmp_path}/homepage/charts/common"),
        (f"{tmp_path}/homepage", f"{tmp_path}/above/charts/homepage"),
    )
    rendered = await render(tmp_path / "above", root=str(tmp_path), brought=brought)
    assert [o.file for o in rendered.objects] == [
        "above/charts/homepage/templates/page.yaml",
        "above/charts/homepage/templates/deployment.yaml",
    ]
    assert rendered.objects[1].body["spec"]["replicas"] == 5
    assert not (tmp_path / "above" / "charts").exists()


async def test_a_chart_that_needs_itself_is_told(tmp_path, render):
    folder = lay({"Chart.yaml": chart_yaml("c")}, tmp_path / "c")
    with pytest.raises(SpecError, match="charts depend on each other more than 32 deep"):
        await render(folder, brought=((str(folder), f"{folder}/charts/c"),))


async def test_what_is_brought_comes_from_inside_of_the_root(tmp_path, render):
    folder, _ = lay(HOMEPAGE, tmp_path / "work" / "homepage"), lay(COMMON, tmp_path / "common")
    with pytest.raises(SpecError, match="lies outside of the folder"):
        await render(folder, brought=((f"{tmp_path}/common", f"{folder}/charts/common"),))


@pytest.mark.parametrize(
    ("template", "uses"),
    [
        ("{{ .Capabilities.KubeVersion }}", True),
        ('{{ (index . "Capabilities").KubeVersion }}', True),
        ("{{ .Release.Name }}", False),
    ],
)
async def test_it_is_told_whether_the_clusters_capabilities_matter(template, uses, tmp_path, render):
    files = {"Chart.yaml": chart_yaml("c"), "templates/c.yaml": config_map("c", a=f"'{template}'")}
    assert (await render(lay(files, tmp_path))).uses_capabilities is uses


async def test_capabilities_of_a_subchart_matter_too(tmp_path, render):
    assert (await render(lay(SPECIMENS["odd"], tmp_path / "odd"))).uses_capabilities
    kept = {name: text for name, text in SPECIMENS["odd"].items() if not name.endswith(".bak")}
    subchart = {f"charts/odd/{name}": text for name, text in kept.items()}
    files = {"Chart.yaml": chart_yaml("above"), **subchart}
    assert (await render(lay(files, tmp_path / "above"))).uses_capabilities


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("{{ randAlphaNum 8 }}{{ uuidv4 }}", ("randAlphaNum", "uuidv4")),
        ('{{ (genCA "x" 1).Cert | b64enc }}', ("genCA",)),
        ('{{ date "2006" now }}', ("now",)),
        ('{{ date "2006" "" }}', ("date",)),
        ('{{ date "2006" 0 }}', ()),
        ('{{ if (lookup "v1" "Secret" "" "") }}x{{ end }}', ("lookup",)),
        ('{{ htpasswd "a" "b" }}', ("htpasswd",)),
        ("{{ if false }}{{ now }}{{ end }}", ()),
        ('{{ keys (dict "b" 1 "a" 2) | join "," }}{{ getHostByName "localhost" }}', ()),
    ],
)
async def test_functions_that_answer_by_chance_are_named(template, names, tmp_path, render):
    files = {"Chart.yaml": chart_yaml("c"), "templates/c.yaml": config_map("c", a=f"'{template}'")}
    assert (await render(lay(files, tmp_path))).nondeterministic == names


async def test_the_same_chart_renders_the_same_twice(tmp_path, render):
    many = {str(n): n for n in range(50)}
    files = {
        "Chart.yaml": chart_yaml("c"),
        "templates/c.yaml": config_map(
            "c", a="{{ keys .Values.m | toJson }}", b="{{ values .Values.m | toJson }}"
        ),
    }
    folder = lay(files, tmp_path)
    assert await render(folder, values_object={"m": many}) == await render(folder, values_object={"m": many})
