"""What users and clusters hold is read as meant, written back as it was, and explained when it is wrong."""

import json
from typing import Any

import pytest
import yaml

from tiphys.model.api import (
    Application,
    ApplicationSpec,
    Destination,
    HealthStatus,
    ObjectMeta,
    Operation,
    OperationState,
    ResourceResult,
    SyncOperation,
    SyncResult,
    SyncStatus,
    decode_application,
    decode_project,
    encode,
    to_json,
)
from tiphys.model.api.wire import wire_name
from tiphys.model.errors import SpecError

Json = dict[str, Any]

KEDA_ENTRY = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: homepage
  namespace: argocd
  finalizers:
    - resources-finalizer.argocd.argoproj.io
spec:
  project: default
  source:
    repoURL: https://git.example.com/platform/charts.git
    targetRevision: HEAD
    path: charts/homepage
    helm:
      releaseName: homepage
      valueFiles: [values.yaml]
  destination:
    server: https://kubernetes.default.svc
    namespace: homepage
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    syncOptions: [CreateNamespace=true, ServerSideApply=true]
  ignoreDifferences:
    - group: apps
      kind: Deployment
      jsonPointers: [/spec/replicas]
"""


def homepage(**spec: object) -> bytes:
    """The Application of the platform, with parts of its spec as given."""
    written = yaml.safe_load(KEDA_ENTRY)
    written["spec"] |= spec
    return json.dumps(written).encode()


def test_an_entry_of_the_platform_reads_as_it_is_written() -> None:
    app = decode_application(homepage())

    assert (app.metadata.namespace, app.metadata.name) == ("argocd", "homepage")
    assert app.metadata.finalizers == ("resources-finalizer.argocd.argoproj.io",)
    assert app.spec.source is not None
    assert app.spec.source.repo_url == "https://git.example.com/platform/charts.git"
    assert app.spec.source.helm is not None
    assert app.spec.source.helm.value_files == ("values.yaml",)
    assert app.spec.sync_policy is not None
    assert app.spec.sync_policy.automated is not None
    assert app.spec.sync_policy.automated.prune
    assert app.spec.sync_policy.automated.self_heal
    assert app.spec.sync_policy.automated.enabled is None
    assert app.spec.ignore_differences[0].json_pointers == ("/spec/replicas",)


def test_an_entry_of_the_platform_is_written_as_it_was_read() -> None:
    assert to_json(decode_application(homepage())) == yaml.safe_load(KEDA_ENTRY)


def test_fields_that_we_do_not_know_are_skipped() -> None:
    assert decode_application(homepage(madeUpTomorrow={"deep": [1]})) == decode_application(homepage())


@pytest.mark.parametrize("name", ["sources", "syncPolicy", "info", "revisionHistoryLimit", "sourceHydrator"])
def test_null_means_absent_as_it_does_to_go(name: str) -> None:
    without = {key: part for key, part in json.loads(homepage())["spec"].items() if key != name}
    with_null = json.loads(homepage()) | {"spec": without | {name: None}, "operation": None, "status": None}
    assert to_json(decode_application(json.dumps(with_null).encode()))["spec"] == without


def test_a_null_deep_inside_means_absent_too() -> None:
    app = decode_application(homepage(ignoreDifferences=[{"kind": "Deployment", "jsonPointers": None}]))
    assert app.spec.ignore_differences[0].json_pointers == ()


def test_a_null_among_helm_values_is_kept_since_it_removes_a_default_of_the_chart() -> None:
    values = {"resources": {"limits": None}, "list": [None]}
    source = {"repoURL": "https://example.com", "helm": {"valuesObject": values}}
    app = decode_application(homepage(source=source, info=None))
    assert app.spec.source is not None
    assert app.spec.source.helm is not None
    assert app.spec.source.helm.values_object == values


def test_an_empty_section_is_not_an_absent_one() -> None:
    spec = decode_application(homepage(syncPolicy={"automated": {}})).spec
    assert spec.sync_policy is not None
    assert spec.sync_policy.automated is not None
    assert to_json(spec)["syncPolicy"] == {"automated": {}}


@pytest.mark.parametrize("count", [3, "50%"])
def test_replicas_are_a_number_or_a_text(count: int | str) -> None:
    kustomize = {"replicas": [{"name": "web", "count": count}]}
    app = decode_application(homepage(source={"repoURL": "r", "kustomize": kustomize}))
    assert app.spec.source is not None
    assert app.spec.source.kustomize is not None
    assert app.spec.source.kustomize.replicas[0].count == count


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            {"syncPolicy": {"automated": {"prune": "true"}}},
            (
                "spec.syncPolicy.automated.prune must be a boolean, not a string: "
                "write true or false without quotes"
            ),
        ),
        (
            {"sources": [{"repoURL": "a"}, {"helm": {"parameters": []}}]},
            "spec.sources[1].repoURL is missing",
        ),
        (
            {"source": {"repoURL": "a", "helm": {"parameters": [{"name": "tag", "value": 7}]}}},
            (
                "spec.source.helm.parameters[0].value must be a string, not a whole number: "
                "put the number in quotes"
            ),
        ),
        (
            {"syncPolicy": {"managedNamespaceMetadata": {"labels": {"tier": 1}}}},
            (
                "each value of spec.syncPolicy.managedNamespaceMetadata.labels must be a string, "
                "not a whole number: put the number in quotes"
            ),
        ),
        (
            {"syncPolicy": {"syncOptions": "CreateNamespace=true"}},
            "spec.syncPolicy.syncOptions must be a list, not a string: begin each entry with a dash",
        ),
        ({"destination": []}, "spec.destination must be a mapping, not a list"),
        ({"project": None}, "spec.project is missing"),
        (
            {"revisionHistoryLimit": 1.5},
            "spec.revisionHistoryLimit must be a whole number, not a decimal number",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_object_and_field(spec: Json, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        decode_application(homepage(**spec))
    assert str(caught.value) == f"Application argocd/homepage: {told}"


def test_a_message_never_repeats_a_value_for_it_may_be_secret() -> None:
    source = {"repoURL": "a", "helm": {"parameters": [{"name": "password", "value": ["hunter2"]}]}}
    with pytest.raises(SpecError) as caught:
        decode_application(homepage(source=source))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "Application: this is not JSON"),
        (b'{"metadata": 3, ', "Application: this is not JSON"),
        (b'{"metadata": {"name": "\xff"}}', "Application: this is not JSON"),
        (b'{"a":' + b"[" * 100_000, "Application: this is not JSON"),
        (b"null", "Application: the object must be a mapping, not null"),
        (b"[]", "Application: the object must be a mapping, not a list"),
        (b"{}", "Application: metadata is missing"),
    ],
)
def test_what_is_no_object_at_all_is_told_too(raw: bytes, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        decode_application(raw)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    "head",
    [
        {"kind": "Deployment", "apiVersion": "apps/v1"},
        {"apiVersion": "argoproj.io/v2"},
        {"kind": "AppProject"},
    ],
)
def test_another_kind_or_version_is_not_taken_for_an_application(head: dict[str, str]) -> None:
    with pytest.raises(SpecError, match=r"argocd/homepage: this is of .*; expected: Application of"):
        decode_application(json.dumps(json.loads(homepage()) | head).encode())


def test_kind_and_version_are_written_even_if_nobody_gave_them() -> None:
    app = Application(
        metadata=ObjectMeta(name="web"), spec=ApplicationSpec(project="default", destination=Destination())
    )
    assert json.loads(encode(app)) == {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web"},
        "spec": {"project": "default", "destination": {}},
    }


def test_required_parts_of_the_status_are_written_even_if_empty() -> None:
    result = ResourceResult(group="", version="v1", kind="Namespace", namespace="", name="web")
    state = OperationState(
        operation=Operation(sync=SyncOperation()),
        phase="Running",
        started_at="2026-01-02T03:04:05Z",
        sync_result=SyncResult(revision="", resources=(result,)),
    )
    assert to_json(state) == {
        "operation": {"sync": {}},
        "phase": "Running",
        "startedAt": "2026-01-02T03:04:05Z",
        "syncResult": {
            "revision": "",
            "resources": [
                {"group": "", "version": "v1", "kind": "Namespace", "namespace": "", "name": "web"}
            ],
        },
    }


def test_an_application_that_was_never_looked_at_has_an_empty_status() -> None:
    app = decode_application(homepage())
    assert (app.status.sync, app.status.health) == (SyncStatus(status=""), HealthStatus())
    assert "status" not in to_json(app)


def test_a_status_as_argo_cd_writes_it_is_kept() -> None:
    status = {
        "controllerNamespace": "argocd",
        "health": {"status": "Healthy", "lastTransitionTime": "2026-01-02T03:04:05Z"},
        "history": [
            {"id": 0, "deployedAt": "2026-01-02T03:04:05Z", "revision": "1f2e", "source": {"repoURL": "r"}}
        ],
        "reconciledAt": "2026-01-02T03:04:05Z",
        "resources": [
            {"kind": "Service", "name": "web", "namespace": "web", "status": "Synced", "version": "v1"}
        ],
        "sourceType": "Helm",
        "summary": {"images": ["ghcr.io/example/homepage:1f2e"]},
        "sync": {
            "comparedTo": {"destination": {"namespace": "web"}, "source": {"repoURL": "r"}},
            "revision": "1f2e",
            "status": "Synced",
        },
    }
    written = json.loads(homepage()) | {"status": status}
    assert to_json(decode_application(json.dumps(written).encode()).status) == status


def test_the_project_that_permits_all() -> None:
    spec = {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    }
    written = {"metadata": {"name": "default"}, "spec": spec}
    project = decode_project(json.dumps(written).encode())
    assert project.spec.destinations == (Destination(server="*", namespace="*"),)
    assert to_json(project.spec) == spec


def test_a_description_of_a_project_has_argo_cds_limit() -> None:
    written = {"metadata": {"name": "team"}, "spec": {"description": "x" * 256}}
    with pytest.raises(
        SpecError, match=r"AppProject team: spec.description must be a string of length <= 255"
    ):
        decode_project(json.dumps(written).encode())


@pytest.mark.parametrize(
    ("ours", "argo_cds"),
    [("value_files", "valueFiles"), ("repo_url", "repoURL"), ("external_urls", "externalURLs"), ("id", "id")],
)
def test_names_on_the_wire_are_argo_cds(ours: str, argo_cds: str) -> None:
    assert wire_name(ours) == argo_cds
