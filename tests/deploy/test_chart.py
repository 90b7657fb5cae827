"""The chart as a text: what it makes of values, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.conftest import CHART, IMAGE, run_helm, template

EVERYTHING = (
    "ingress.enabled=true,ingress.host=tiphys.example.com,ingress.tlsSecret=tls,networkPolicy.enabled=true,"
    "persistence.enabled=true,metrics.serviceMonitor.enabled=true,metrics.prometheusRule.enabled=true,"
    "settings.workers=1000000,settings.poll=5s,settings.plainRegistries={r.example.com:5000},registries.secret=registries,"
    "rbac.scope=namespaces,rbac.namespaces={web}"
)
NAMED_BY_NAMESPACE = {"ClusterRole", "ClusterRoleBinding"}


def objects(*words: str | Path, chart: Path = CHART) -> list[dict[str, Any]]:
    made = yaml.safe_load_all(template("--set", IMAGE, *words, chart=chart))
    return [each for each in made if each]


def only(kind: str, among: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [each for each in among if each["kind"] == kind]
    return found


def refusal(*words: str) -> str:
    done = run_helm("template", "tiphys", CHART, *words)
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize("version", ["1.28.0", "1.36.3", "1.31.4+k3s1"])
def test_it_renders_for_every_version_of_kubernetes_that_is_alive(version: str):
    assert objects("--kube-version", version, "--set", EVERYTHING)


def test_helm_finds_nothing_to_blame():
    done = run_helm("lint", "--strict", CHART, "--set", IMAGE)
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


def test_it_refuses_a_kubernetes_that_is_too_old():
    assert "incompatible with Kubernetes v1.27.9" in refusal("--set", IMAGE, "--kube-version", "1.27.9")


def test_a_misspelt_value_is_told():
    assert "'reposiory' not allowed" in refusal("--set", "image.reposiory=x")
    assert "/rbac/scope" in refusal("--set", f"{IMAGE},rbac.scope=clusterwide")


def test_a_value_that_must_be_given_is_asked_for():
    assert "image.repository is missing" in refusal()
    assert "ingress.host is missing" in refusal("--set", IMAGE, "--set", "ingress.enabled=true")


def test_a_digest_outranks_the_tag():
    digest = "sha256:" + "a" * 64
    pod = only("Deployment", objects("--set", f"image.tag=v2,image.digest={digest}"))["spec"]["template"]
    assert pod["spec"]["containers"][0]["image"] == f"registry.example.com/tiphys@{digest}"


@pytest.mark.parametrize(
    ("values", "strategy"),
    [
        ("replicas=1", "RollingUpdate"),
        ("replicas=2", "RollingUpdate"),
        ("persistence.enabled=true", "Recreate"),
        ("persistence.existingClaim=mine", "Recreate"),
        ("settings.leaderElection=false", "Recreate"),
    ],
)
def test_a_new_engine_begins_beside_the_old_one_where_they_elect_and_share_no_disk(
    values: str, strategy: str
):
    assert only("Deployment", objects("--set", values))["spec"]["strategy"]["type"] == strategy


def test_several_engines_elect_and_share_no_disk():
    assert "cannot share the disk" in refusal("--set", f"{IMAGE},replicas=2,persistence.enabled=true")
    assert "have to elect" in refusal("--set", f"{IMAGE},replicas=2,settings.leaderElection=false")
    assert only("Deployment", objects("--set", "replicas=2"))["spec"]["replicas"] == 2


def test_settings_become_variables_and_large_numbers_stay_whole():
    container = only("Deployment", objects("--set", EVERYTHING))["spec"]["template"]["spec"]["containers"][0]
    variables = {each["name"]: each["value"] for each in container["env"]}
    assert variables["TIPHYS_WORKERS"] == "1000000"
    assert variables["TIPHYS_POLL"] == "5s"
    assert variables["TIPHYS_NAMESPACE"] == "argocd"
    assert "TIPHYS_SYNC_DEADLINE" not in variables


def test_the_ingress_leads_to_the_webhook_alone():
    (rule,) = only("Ingress", objects("--set", EVERYTHING))["spec"]["rules"]
    assert [(p["path"], p["pathType"]) for p in rule["http"]["paths"]] == [("/api/webhook", "Exact")]


def test_no_name_is_one_of_an_argo_cd_and_two_engines_do_not_share_one():
    made = objects("--set", EVERYTHING)
    assert {each["metadata"]["name"] for each in made} == {"tiphys", "tiphys:argocd"}
    assert {e["kind"] for e in made if "namespace" not in e["metadata"]} == NAMED_BY_NAMESPACE
    assert all(e["metadata"]["name"] == "tiphys:argocd" for e in made if e["kind"] in NAMED_BY_NAMESPACE)


def test_every_object_says_whose_it_is():
    for each in objects("--set", EVERYTHING):
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "tiphys"
        assert labels["app.kubernetes.io/part-of"] == "tiphys"


def test_the_schema_knows_every_value_and_no_other():
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(paths_of_schema(schema)) - {"global"} == set(paths_of_values(values, schema))


def paths_of_schema(schema: dict[str, Any], path: str = "") -> list[str]:
    if "properties" not in schema or path == "resources":
        return [path]
    assert schema["additionalProperties"] is False, path
    return [
        found
        for name, part in schema["properties"].items()
        for found in paths_of_schema(part, f"{path}.{name}".lstrip("."))
    ]


def paths_of_values(values: Any, schema: dict[str, Any], path: str = "") -> list[str]:
    if "properties" not in schema or path == "resources":
        return [path]
    return [
        found
        for name, part in values.items()
        for found in paths_of_values(part, schema["properties"][name], f"{path}.{name}".lstrip("."))
    ]
