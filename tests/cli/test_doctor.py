"""``tiphys doctor`` on checkouts and on a cluster, as its users read it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cli.conftest import Outcome, Plane
from house.pages import ROOT

Run = Callable[..., Outcome]
PLATFORM = ROOT / "examples/platform/charts-repository"
APPLICATION = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Application",
    "metadata": {
        "name": "web",
        "namespace": "argocd",
        "finalizers": ["resource-finalizer.argocd.argoproj.io"],
    },
    "spec": {
        "project": "default",
        "source": {"repoURL": "https://git.example.com/charts.git", "path": "charts/web"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "web"},
    },
}
TEMPLATE = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ required "say who" .Values.name }}
spec:
  template:
    spec:
      containers: [{name: web, image: "web:latest"}]
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A chart whose own values are not enough, and an Application of it."""
    chart = tmp_path / "charts/web"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 0.1.0\n")
    (chart / "templates/deployment.yaml").write_text(TEMPLATE)
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps/web.yaml").write_text(yaml.safe_dump(APPLICATION))
    return tmp_path


def found(done: Outcome) -> dict[str, str]:
    return {each["rule"]: each["file"] for each in json.loads(done.out)}


def test_what_is_wrong_is_told_with_its_place_and_fails_ci(tiphys: Run, checkout: Path):
    done = tiphys("doctor", str(checkout), "-o", "json")
    assert done.code == 1
    assert found(done) == {"render-fails": "apps/web.yaml", "misspelt-word": "apps/web.yaml"}
    assert "say who" in done.out
    assert done.err == f"1 error, 1 warning in 1 chart and 1 Application of {checkout}.\n"


def test_a_chart_is_rendered_as_its_application_does(tiphys: Run, checkout: Path):
    spec = {
        **APPLICATION["spec"],
        "source": {**APPLICATION["spec"]["source"], "helm": {"values": "name: web"}},
    }
    (checkout / "apps/web.yaml").write_text(yaml.safe_dump({**APPLICATION, "spec": spec}))
    done = tiphys("doctor", str(checkout), "-o", "json")
    assert found(done) == {
        "misspelt-word": "apps/web.yaml",
        "image-unpinned": "charts/web/templates/deployment.yaml",
    }
    assert done.code == 0, "they are warnings"
    assert tiphys("doctor", str(checkout), "--fail-on", "warning").code == 1
    assert tiphys("doctor", str(checkout), "--fail-on", "warning", "--ignore", "misspelt-word").code == 1
    assert (
        tiphys("doctor", str(checkout), "--ignore", "misspelt-word", "--ignore", "image-unpinned").out == ""
    )


def test_the_examples_platform_has_no_errors_and_no_warnings(tiphys: Run):
    done = tiphys("doctor", str(PLATFORM), "--fail-on", "warning", "--ignore", "repository-unreachable")
    assert done.code == 0, done.out


def test_sarif_names_rules_levels_and_lines(tiphys: Run, checkout: Path):
    (checkout / "charts/web/Chart.yaml").write_text(
        "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies:\n- name: odd\n  version: '*'\n"
        "  repository: http://127.0.0.1:9/charts\n"
    )
    [run] = json.loads(tiphys("doctor", str(checkout), "-o", "sarif").out)["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(ids[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    unpinned = next(result for result in run["results"] if result["ruleId"] == "version-unpinned")
    place = unpinned["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("charts/web/Chart.yaml", 5)
    assert unpinned["level"] == "warning"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("apiVersion: argoproj.io/v1alpha1\nkind: [", "render-fails"),
        ("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: w}\nspec: 5\n", "application-invalid"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(tiphys: Run, checkout: Path, text: str, rule: str):
    (checkout / "apps/odd.yaml").write_text(text)
    told = json.loads(tiphys("doctor", str(checkout), "-o", "json").out)
    assert (rule, "apps/odd.yaml") in {(each["rule"], each["file"]) for each in told}


def test_an_image_policy_that_nobody_knows_is_told(tiphys: Run, checkout: Path):
    metadata = {"name": "web", "annotations": {"tiphys.dev/images": "ghcr.io/example/web semvre"}}
    spec = {
        **APPLICATION["spec"],
        "source": {**APPLICATION["spec"]["source"], "helm": {"values": "name: web"}},
    }
    (checkout / "apps/web.yaml").write_text(
        yaml.safe_dump({**APPLICATION, "metadata": metadata, "spec": spec})
    )
    assert "semver" in tiphys("doctor", str(checkout)).out


def test_images_are_asked_of_their_registry(tiphys: Run, checkout: Path, registry: str):
    spec = {
        **APPLICATION["spec"],
        "source": {**APPLICATION["spec"]["source"], "helm": {"values": "name: web"}},
    }
    (checkout / "apps/web.yaml").write_text(yaml.safe_dump({**APPLICATION, "spec": spec}))
    template = checkout / "charts/web/templates/deployment.yaml"
    template.write_text(TEMPLATE.replace("web:latest", f"{registry}/example/web:v9"))
    done = tiphys("doctor", str(checkout), "--images", "-o", "json")
    assert found(done)["image-missing"] == "charts/web/templates/deployment.yaml"
    assert f"{registry}/example/web:v9" in done.out
    assert done.code == 1


def test_a_rule_that_there_is_not_is_no_rule(tiphys: Run, checkout: Path):
    done = tiphys("doctor", str(checkout), "--ignore", "misspelled")
    assert (done.code, "there is no rule misspelled" in done.err) == (2, True)


def test_an_empty_folder_is_not_taken_for_one_that_is_well(tiphys: Run, tmp_path: Path):
    done = tiphys("doctor", str(tmp_path))
    assert (done.code, done.out) == (2, "")
    assert f"there is no chart and no Application in {tmp_path}" in done.err


def test_a_cluster_is_examined_by_its_applications(tiphys: Run, plane_of_mine: Plane):
    condition = {
        "type": "ComparisonError",
        "message": "no such path",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    row = {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "web", "name": "web"}
    plane_of_mine.has(
        "web", {"conditions": [condition], "resources": [row], "reconciledAt": "2026-01-01T00:00:00Z"}
    )
    done = tiphys("doctor", "-o", "json")
    assert set(found(done)) == {"condition", "engine-silent"}, "the administrator may do all"
    assert done.code == 1
    assert done.err == f"1 error, 1 warning in 1 Application of namespace {plane_of_mine.namespace}.\n"


def test_what_the_engines_account_may_not_do_is_told(tiphys: Run, plane_of_mine: Plane):
    mine = plane_of_mine
    row = {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": mine.namespace, "name": "web"}
    mine.has("web", {"resources": [row]})
    labels = {"app.kubernetes.io/name": "tiphys"}
    pod = {"serviceAccountName": "engine", "containers": [{"name": "engine", "image": "tiphys:v1"}]}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "tiphys", "namespace": mine.namespace, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    mine.kubectl("create", "-f", "-", stdin=json.dumps(body))
    mine.kubectl(
        "create", "role", "some", "-n", mine.namespace, "--verb=list,watch", "--resource=deployments.apps"
    )
    account = f"{mine.namespace}:engine"
    mine.kubectl(
        "create", "rolebinding", "some", "-n", mine.namespace, "--role=some", f"--serviceaccount={account}"
    )
    told = json.loads(tiphys("doctor", "-o", "json").out)
    [denied] = [each for each in told if each["rule"] == "permission-missing"]
    where = f"apps/Deployment in namespace {mine.namespace}"
    assert denied["message"] == f"the engine's account may not create, patch, delete {where}"
