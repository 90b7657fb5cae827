"""What a render reads and how it is asked, from the words of a source."""

import pytest

from tiphys.core.sources.charts import dependencies, is_exact, lacking, local_folder, locked
from tiphys.core.sources.directory import chosen
from tiphys.core.sources.parameters import helm_request, substituted
from tiphys.core.sources.paths import inside
from tiphys.core.sources.recipe import ChartFolder, DirectoryRequest, Recipe
from tiphys.core.sources.tools import Tool, folder_of, source_of, tool_of
from tiphys.model.api import (
    Application,
    ApplicationSource,
    ApplicationSpec,
    Destination,
    HelmFileParameter,
    HelmParameter,
    HelmSource,
    KustomizeSource,
    ObjectMeta,
)
from tiphys.model.errors import SpecError
from tiphys.model.rendering import ChartPin, Dependency


def application(source: ApplicationSource | None = None, **spec: object) -> Application:
    return Application(
        metadata=ObjectMeta(name="web", namespace="argocd"),
        spec=ApplicationSpec(
            project="default", destination=Destination(namespace="shop"), source=source, **spec
        ),
    )


def helm(**fields: object) -> Application:
    return application(ApplicationSource(repo_url="r", path="charts/web", helm=HelmSource(**fields)))


@pytest.mark.parametrize(
    ("base", "path", "found"),
    [
        ("charts/web", "values.yaml", "charts/web/values.yaml"),
        ("charts/web", "../_common", "charts/_common"),
        ("charts/web", "/values.yaml", "values.yaml"),
        ("", ".", ""),
        ("charts/web", "./a/./b", "charts/web/a/b"),
    ],
)
def test_paths_are_seen_from_the_folder_or_from_the_root(base: str, path: str, found: str):
    assert inside(base, path, "path") == found


@pytest.mark.parametrize("path", ["../../..", "../../../etc/passwd", "a\0b", "/.."])
def test_no_path_leaves_the_repository(path: str):
    with pytest.raises(SpecError):
        inside("charts/web", path, "path")


def test_a_source_path_is_relative():
    with pytest.raises(SpecError, match="must be relative"):
        folder_of(ApplicationSource(repo_url="r", path="/etc"))


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"sources": (ApplicationSource(repo_url="r"),)}, "spec.sources"),
        ({"source": ApplicationSource(repo_url="r", chart="web")}, "spec.source.chart"),
        ({"source": ApplicationSource(repo_url="oci://r")}, "oci://"),
        ({"source": ApplicationSource(repo_url="r", kustomize=KustomizeSource())}, "kustomize"),
    ],
)
def test_what_is_not_built_yet_is_said_by_name(spec: dict[str, object], named: str):
    with pytest.raises(SpecError, match=f"{named}.*not built yet"):
        source_of(application(**spec))


def test_the_files_tell_the_tool():
    source = ApplicationSource(repo_url="r", path="web")
    assert tool_of(source, "web", {"web/Chart.yaml"}) is Tool.HELM
    assert tool_of(source, "web", set()) is Tool.DIRECTORY
    with pytest.raises(SpecError, match="Kustomize"):
        tool_of(source, "web", {"web/kustomization.yaml"})


def test_a_helm_section_without_a_chart_is_told():
    with pytest.raises(SpecError, match=r"no Chart\.yaml"):
        tool_of(ApplicationSource(repo_url="r", path="web", helm=HelmSource()), "web", set())


def test_parameters_become_helms_flags_with_commas_as_text():
    request = helm_request(
        helm(
            parameters=(
                HelmParameter(name="tag", value="1,2"),
                HelmParameter(name="list", value="{a,b}"),
                HelmParameter(name="id", value="007", force_string=True),
            ),
            file_parameters=(HelmFileParameter(name="conf", path="files/a.txt"),),
        ),
        "charts/web",
        {},
    )
    assert request.set_values == ("tag=1\\,2", "list={a,b}")
    assert request.set_strings == ("id=007",)
    assert request.set_files == (("conf", "charts/web/files/a.txt"),)


def test_a_release_is_called_as_its_application_unless_told():
    assert helm_request(helm(), "charts/web", {}).release_name == "web"
    assert helm_request(helm(release_name="shop"), "charts/web", {}).release_name == "shop"


def test_values_object_replaces_values():
    request = helm_request(helm(values="a: 1", values_object={"a": 2}), "charts/web", {})
    assert (request.values, request.values_object) == ("", {"a": 2})


@pytest.mark.parametrize("name", ["https://x/values.yaml", "$values/a.yaml", "env/*.yaml"])
def test_value_files_of_kinds_not_built_yet_are_said(name: str):
    with pytest.raises(SpecError, match="not built yet"):
        helm_request(helm(value_files=(name,)), "charts/web", {})


def test_build_variables_are_filled_in():
    known = {"ARGOCD_APP_NAME": "web"}
    assert substituted("values-$ARGOCD_APP_NAME.yaml", known) == "values-web.yaml"
    assert substituted("${ARGOCD_APP_NAME}-$$-$OTHER", known) == "web-$-$OTHER"


COMMON = {"name": "common", "version": "0.1.0", "repository": "file://../_common"}


def test_local_dependencies_are_found_beside_their_chart():
    [dependency] = dependencies({"dependencies": [COMMON]}, "charts/web/Chart.yaml")
    assert local_folder(dependency, "charts/web") == "charts/_common"


@pytest.mark.parametrize("where", ["file:///etc", "file://../../../.."])
def test_local_dependencies_stay_in_the_repository(where: str):
    with pytest.raises(SpecError):
        local_folder(Dependency("common", "1", where), "charts/web")


@pytest.mark.parametrize("listed", ["common", [1], [{"version": "1"}]])
def test_malformed_dependencies_are_told(listed: object):
    with pytest.raises(SpecError, match=r"Chart\.yaml"):
        dependencies({"dependencies": listed}, "charts/web/Chart.yaml")


def test_what_lies_in_charts_already_is_not_fetched():
    wanted = [Dependency("redis", "^1", "https://x"), Dependency("common", "1", "file://../c")]
    assert lacking(wanted, {"redis-1.2.3.tgz", "common"}) == ()
    assert lacking(wanted, {"redis-cluster-1.2.3.tgz"}) == tuple(wanted)


def test_a_lock_outranks_a_range():
    dependency = Dependency("redis", "^1", "https://x")
    assert locked(dependency, {"dependencies": [{"name": "redis", "version": "1.2.3"}]}) == "1.2.3"
    assert locked(dependency, None) == "^1"


@pytest.mark.parametrize(
    ("version", "exact"),
    [
        ("1.2.3", True),
        ("v1.2.3-rc.1+b", True),
        ("^1.2.3", False),
        ("1.2", False),
        ("1.x", False),
        ("", False),
    ],
)
def test_only_a_range_needs_the_repository(version: str, exact: bool):
    assert is_exact(version) is exact


def test_a_recipe_is_known_by_what_it_reads():
    chart = ChartFolder(
        "charts/web",
        ((Dependency("common", "1", "file://../_common"), ChartFolder("charts/_common")),),
        (ChartPin("https://x", "redis", "1.2.3"),),
    )
    recipe = Recipe(Tool.HELM, "charts/web", (("charts/web", "1" * 40),), chart)
    other = Recipe(Tool.HELM, "charts/web", (("charts/web", "2" * 40),), chart)
    assert recipe.key() == Recipe(Tool.HELM, "charts/web", (("charts/web", "1" * 40),), chart).key()
    assert recipe.key() != other.key()
    assert chart.folders() == {"charts/web", "charts/_common"}


FILES = ("a.yaml", "b.json", "notes.txt", "env/c.yml", "env/deep/d.yaml", "config.json")


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        (DirectoryRequest(), ("a.yaml", "b.json", "config.json")),
        (DirectoryRequest(recurse=True), ("a.yaml", "b.json", "env/c.yml", "env/deep/d.yaml", "config.json")),
        (DirectoryRequest(recurse=True, include="env/*"), ("env/c.yml", "env/deep/d.yaml")),
        (DirectoryRequest(recurse=True, include="*.yaml"), ("a.yaml", "env/deep/d.yaml")),
        (DirectoryRequest(recurse=True, exclude="[!a]*"), ("a.yaml",)),
        (DirectoryRequest(recurse=True, exclude="{config.json,env/**}"), ("a.yaml", "b.json")),
        (DirectoryRequest(include="[ab].*"), ("a.yaml", "b.json")),
    ],
)
def test_include_and_exclude_choose_the_files(request_: DirectoryRequest, names: tuple[str, ...]):
    assert chosen(FILES, request_) == names


@pytest.mark.parametrize("pattern", ["{a", "[a", "a\\"])
def test_a_pattern_that_is_none_is_told(pattern: str):
    with pytest.raises(SpecError, match=r"directory.include"):
        chosen(FILES, DirectoryRequest(include=pattern))
