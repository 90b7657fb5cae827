"""``tiphys render``: the same as ``helm template`` of the same version, from a checkout as it lies there."""

import subprocess
from pathlib import Path

import orjson
import pytest
import yaml

import tiphys_toolbox

ROOT = Path(__file__).parents[2]
HELM = ROOT / "localkube/src/tiphys_localkube/bin/localkube"
CHARTS = ROOT / "examples/platform/charts-repository/charts"


@pytest.fixture(autouse=True)
def engines(monkeypatch, tmp_path):
    if not tiphys_toolbox.binary().exists():
        pytest.skip("the toolbox is not built (make build)")
    monkeypatch.setenv("TIPHYS_STATE", str(tmp_path / "state"))


def objects(text):
    """The objects of a YAML text by kind and name."""
    found = [each for each in yaml.safe_load_all(text) if each]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


@pytest.fixture
def chart(tmp_path):
    """A chart ``web`` in a checkout, with a library beside it that nobody lists."""
    files = {
        ".git/HEAD": "",
        "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"
        "dependencies:\n- {name: lib, version: 1.0.0, repository: 'file://../lib'}\n",
        "charts/web/values.yaml": "tag: v1\n",
        "charts/web/templates/web.yaml": '{{ include "lib.map" . }}\n',
        "charts/lib/Chart.yaml": "apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n",
        "charts/lib/templates/_map.tpl": '{{ define "lib.map" }}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n'
        "  name: {{ .Release.Name }}\n  namespace: {{ .Release.Namespace }}\n"
        "data:\n  tag: {{ .Values.tag | quote }}\n  kube: {{ .Capabilities.KubeVersion.Version }}\n"
        '  has: {{ .Capabilities.APIVersions.Has "example.com/v1" | quote }}\n{{ end }}\n',
        "manifests/one.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n",
    }
    for name, text in files.items():
        file = tmp_path / "checkout" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "checkout/charts/web"


def data(outcome, name="release-name"):
    """The data of a ConfigMap that was rendered."""
    assert outcome.code == 0, outcome.err
    return objects(outcome.out)["ConfigMap", name]["data"]


def test_a_folder_of_charts_renders_to_nothing_and_says_so(tiphys, chart):
    outcome = tiphys("render", str(chart.parent))
    assert (outcome.code, outcome.out) == (0, "")
    assert "renders to no objects: it has no Chart.yaml" in outcome.err


def test_a_file_that_is_no_application_at_all_is_told(tiphys, chart):
    file = chart / "app.yaml"
    file.write_text("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: 5\n")
    assert "a bug" not in tiphys("render", str(file)).err


def test_what_is_missing_is_said_to_be_missing_in_the_working_tree(tiphys, chart):
    (chart.parent / "lib/Chart.yaml").unlink()
    assert "no Chart.yaml in" in (told := tiphys("render", str(chart)).err)
    assert told.endswith("at working tree\n")


def test_it_renders_what_helm_renders(tiphys, tmp_path):
    if not HELM.exists():
        pytest.skip("localkube, which has the real Helm, is not built (make build)")
    copied = tmp_path / "charts"
    subprocess.run(["cp", "-r", CHARTS, copied], check=True)
    flags = ["--namespace", "web", "--set", "deployment.image.tag=1000660000"]
    environment = {"HOME": str(tmp_path), "PATH": ""}
    subprocess.run([HELM, "helm", "dependency", "build", copied / "homepage"], env=environment, check=True)
    command = [HELM, "helm", "template", "home", copied / "homepage", *flags]
    theirs = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    ours = tiphys("render", str(CHARTS / "homepage"), "--release-name", "home", *flags)
    assert objects(ours.out) == objects(theirs)


def test_a_change_shows_before_it_is_committed(tiphys, chart):
    assert data(tiphys("render", str(chart)))["tag"] == "v1"
    (chart / "values.yaml").write_text("tag: v2\n")
    assert data(tiphys("render", str(chart)))["tag"] == "v2"
    assert sorted(p.name for p in chart.iterdir()) == ["Chart.yaml", "templates", "values.yaml"]


def test_values_of_flags_outrank_each_other_as_with_helm(tiphys, chart, tmp_path):
    inside, outside = chart / "more.yaml", tmp_path / "outside.yaml"
    inside.write_text("tag: inside\n")
    outside.write_text("tag: outside\n")
    render = ("render", str(chart))
    assert data(tiphys(*render, "-f", str(inside)))["tag"] == "inside"
    assert data(tiphys(*render, "-f", str(inside), "-f", str(outside)))["tag"] == "outside"
    assert data(tiphys(*render, "-f", str(outside), "-f", str(inside)))["tag"] == "inside"
    assert data(tiphys(*render, "-f", str(inside), "--set", "tag=1000660000"))["tag"] == "1000660000"
    assert data(tiphys(*render, "--set-string", "tag=true"))["tag"] == "true"


def test_capabilities_are_those_of_the_flags(tiphys, chart):
    seen = data(tiphys("render", str(chart), "--kube-version", "1.30.4", "--api-versions", "example.com/v1"))
    assert (seen["kube"], seen["has"]) == ("v1.30.4", "true")
    assert data(tiphys("render", str(chart)))["has"] == "false"


def test_release_name_and_namespace(tiphys, chart):
    outcome = tiphys("render", str(chart), "--release-name", "shop", "-n", "web")
    assert objects(outcome.out)["ConfigMap", "shop"]["metadata"] == {"name": "shop", "namespace": "web"}


def test_json_is_a_list_that_kubectl_takes(tiphys, chart):
    found = orjson.loads(tiphys("render", str(chart), "-o", "json").out)
    assert (found["apiVersion"], found["kind"], len(found["items"])) == ("v1", "List", 1)


def test_a_folder_of_manifests_is_rendered_too(tiphys, chart):
    outcome = tiphys("render", str(chart.parents[1] / "manifests"))
    assert set(objects(outcome.out)) == {("ConfigMap", "one"), ("ConfigMap", "two")}
    assert "# Source: manifests/one.yaml" in outcome.out
    refused = tiphys("render", str(chart.parents[1] / "manifests"), "--set", "a=b")
    assert refused.code == 1
    assert "--set is for charts" in refused.err


APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: default
  destination: {server: https://kubernetes.default.svc, namespace: web}
  source:
    repoURL: https://git.example.com/charts.git
    path: charts/web
    targetRevision: main
    helm: {parameters: [{name: tag, value: "1,2"}]}
"""


def test_an_application_is_rendered_from_the_checkout_that_its_file_lies_in(tiphys, chart):
    file = chart.parents[1] / "apps.yaml"
    file.write_text(APPLICATION)
    outcome = tiphys("render", str(file))
    assert data(outcome, "shop")["tag"] == "1,2"
    assert objects(outcome.out)["ConfigMap", "shop"]["metadata"]["namespace"] == "web"


def test_an_application_is_rendered_from_the_checkout_that_is_named(tiphys, chart, tmp_path):
    file = tmp_path / "apps.yaml"
    file.write_text(f"{APPLICATION}---\n{APPLICATION.replace('shop', 'other')}")
    repo = ("--repo", str(chart.parents[1]))
    assert "choose with --name: shop, other" in tiphys("render", str(file), *repo).err
    assert data(tiphys("render", str(file), *repo, "--name", "other"), "other")["tag"] == "1,2"
    assert "it has shop, other" in tiphys("render", str(file), *repo, "--name", "nobody").err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"templates/web.yaml": "a: {{ .Values.x.y }}\n"}, "web/templates/web.yaml:1"),
        ({"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n"
          "- {name: lib, version: 1.0.0, repository: 'file://../../../../lib'}\n"}, "leaves the repository"),
        ({"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n"
          "- {name: gone, version: 1.0.0, repository: 'file://../gone'}\n"}, "charts/gone"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_chart_is_told_with_its_file(tiphys, chart, change, message):
    for name, text in change.items():
        (chart / name).write_text(text)
    outcome = tiphys("render", str(chart))
    assert outcome.code == 1
    assert message in outcome.err
    assert "a bug" not in outcome.err


def test_symlinks_are_followed_in_the_checkout_and_not_out_of_it(tiphys, chart, tmp_path):
    (chart.parent / "shared.yaml").write_text("tag: shared\n")
    (chart / "values.yaml").unlink()
    (chart / "values.yaml").symlink_to("../shared.yaml")
    assert data(tiphys("render", str(chart)))["tag"] == "shared"
    (tmp_path / "secret.yaml").write_text("tag: secret\n")
    (chart / "values.yaml").unlink()
    (chart / "values.yaml").symlink_to(tmp_path / "secret.yaml")
    outcome = tiphys("render", str(chart))
    assert outcome.code == 1
    assert "leads out of" in outcome.err


def test_a_symlink_that_makes_a_loop_is_told(tiphys, chart):
    (chart / "templates/again").symlink_to("..")
    outcome = tiphys("render", str(chart))
    assert outcome.code == 1
    assert "a symlink makes a loop" in outcome.err


def test_a_file_without_an_application_is_told(tiphys, chart):
    outcome = tiphys("render", str(chart / "values.yaml"))
    assert outcome.code == 1
    assert "holds no Application" in outcome.err
