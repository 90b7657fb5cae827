"""What goes wrong becomes a condition in the user's words, and hurts nobody else."""

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from memory.wire import Fault
from reconcile.charts import chart, manifest
from reconcile.stage import PROJECT, USER, Stage, key
from tiphys.adapters.cluster.api import Request
from tiphys.model.errors import Refused, SpecError, Unavailable


async def test_a_chart_that_does_not_render_is_told_with_file_and_line(stage: Stage) -> None:
    broken = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.nothing.at.all }}\n"
    stage.push(chart("shop", broken=broken) | chart("api"))
    for name in ("shop", "api"):
        stage.wants(name)
    assert isinstance(await stage.plays("shop"), SpecError)
    assert "broken.yaml:4" in stage.conditions("shop")["ComparisonError"]
    assert stage.status("shop")["sync"]["status"] == "Unknown"
    assert await stage.plays("api") is None
    assert stage.says("api") == ("Synced", "Healthy")


async def test_a_chart_that_breaks_later_changes_nothing_that_runs(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    stage.push({"shop/templates/broken.yaml": "{{ fail `not today` }}"})
    await stage.poll()
    stage.api.asked.clear()
    assert isinstance(await stage.plays("shop"), SpecError)
    assert "not today" in stage.conditions("shop")["ComparisonError"]
    assert stage.says("shop") == ("Unknown", "Healthy")
    assert {request.path.rsplit("/", 2)[1] for request in stage.api.writes} == {"applications"}
    stage.push({"shop/templates/broken.yaml": None})
    await stage.poll()
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")
    assert stage.conditions("shop") == {}


async def test_a_repository_that_is_down_leaves_what_was_known_and_warns(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    shutil.move(stage.origin.folder, f"{stage.origin.folder}.away")
    await stage.poll()
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")
    assert list(stage.conditions("shop")) == ["RepositoryWarning"]
    shutil.move(f"{stage.origin.folder}.away", stage.origin.folder)
    await stage.poll()
    await stage.plays("shop")
    assert stage.conditions("shop") == {}


async def test_drift_is_healed_although_the_repository_is_down(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    shutil.move(stage.origin.folder, f"{stage.origin.folder}.away")
    await stage.poll()
    stage.by_hand(key("ConfigMap", "shop"), {"data": {"colour": "blue"}})
    await stage.plays("shop")
    assert stage.live("ConfigMap", "shop")["data"] == {"colour": "red"}


async def test_a_repository_that_never_answered_is_told(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", source={"repoURL": f"file://{stage.folder}/nowhere.git", "path": "shop"})
    assert isinstance(await stage.plays("shop"), SpecError | Unavailable)
    assert "nowhere.git" in stage.conditions("shop")["ComparisonError"]


@pytest.mark.parametrize(
    ("spec", "kind", "words"),
    [
        ({"source": {"repoURL": "", "path": "shop"}}, "ComparisonError", "spec.source.repoURL is missing"),
        ({"project": "nobody"}, "InvalidSpecError", "there is no AppProject 'nobody'"),
        (
            {"destination": {"server": "https://elsewhere:6443", "namespace": "shop"}},
            "InvalidSpecError",
            "is not known",
        ),
        ({"source": None, "sources": [{"repoURL": "x"}]}, "ComparisonError", "not built yet"),
    ],
)
async def test_a_wrong_spec_is_told(stage: Stage, spec: dict[str, object], kind: str, words: str) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", **spec)
    assert isinstance(await stage.plays("shop"), SpecError)
    assert words in stage.conditions("shop")[kind]
    assert stage.says("shop") == ("Unknown", "Unknown")


async def test_a_path_that_is_not_there_is_told(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", path="shopp")
    assert isinstance(await stage.plays("shop"), SpecError)
    assert "'shopp' does not exist" in stage.conditions("shop")["ComparisonError"]


async def test_what_a_project_does_not_permit_is_refused_and_not_applied(stage: Stage) -> None:
    spec = {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "namespaceResourceBlacklist": [{"group": "", "kind": "ConfigMap"}],
    }
    metadata = {"name": "strict", "namespace": "argocd"}
    stage.server.create(
        {"apiVersion": "argoproj.io/v1alpha1", "kind": PROJECT[1], "metadata": metadata, "spec": spec}, USER
    )
    stage.push(chart("shop"))
    stage.wants("shop", project="strict")
    assert isinstance(await stage.plays("shop"), Refused)
    assert "ConfigMap" in stage.conditions("shop")["InvalidSpecError"]
    assert stage.live("Deployment", "shop", "apps") is None


async def test_a_namespace_that_is_missing_is_told_by_the_sync(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", destination={"server": "https://kubernetes.default.svc", "namespace": "nowhere"})
    await stage.plays("shop")
    assert 'namespaces "nowhere" not found' in stage.status("shop")["operationState"]["message"]
    assert stage.status("shop")["operationState"]["phase"] == "Failed"


async def test_an_automated_sync_that_failed_is_told_as_a_condition(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", destination={"server": "https://kubernetes.default.svc", "namespace": "nowhere"})
    await stage.plays("shop")
    assert 'namespaces "nowhere" not found' in stage.conditions("shop")["SyncError"]


async def test_what_was_pushed_just_before_an_application_was_made_is_found(stage: Stage) -> None:
    stage.push(chart("api"))
    stage.wants("api")
    await stage.plays("api")
    stage.push(chart("shop"))
    asked = stage.world.tips.readings
    asked.update({f: replace(r, at=r.at - timedelta(seconds=5)) for f, r in asked.items()})
    stage.wants("shop")
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")


async def test_create_namespace_makes_it_first(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants(
        "shop",
        destination={"server": "https://kubernetes.default.svc", "namespace": "fresh"},
        syncPolicy={"automated": {}, "syncOptions": ["CreateNamespace=true"]},
    )
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")


async def test_an_api_server_that_does_not_answer_is_an_error_to_come_back_from(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    stage.api.faults = lambda request: Fault.UNREACHABLE if writes_an_object(request) else Fault.NONE
    assert isinstance(await stage.plays("shop"), Unavailable)
    assert "connection refused" in stage.conditions("shop")["ComparisonError"]
    stage.api.faults = lambda _: Fault.NONE
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")
    assert stage.conditions("shop") == {}


async def test_several_writes_that_fail_at_once_are_one_error(stage: Stage) -> None:
    stage.push(chart("shop", more=manifest("ConfigMap", "more")))
    stage.wants("shop")
    stage.api.faults = lambda request: Fault.UNREACHABLE if writes_an_object(request) else Fault.NONE
    assert isinstance(await stage.plays("shop"), Unavailable)
    assert "connection refused" in stage.conditions("shop")["ComparisonError"]


async def test_a_lost_answer_to_a_write_costs_nothing(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    stage.api.faults = lambda request: Fault.LOST if writes_an_object(request) else Fault.NONE
    await stage.plays("shop")
    stage.api.faults = lambda _: Fault.NONE
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")


def writes_an_object(request: Request) -> bool:
    return request.method != "GET" and "/applications/" not in request.path and "dryRun" not in request.query


async def test_a_kind_whose_definition_comes_along_waits_for_it(stage: Stage) -> None:
    definition = manifest(
        "CustomResourceDefinition",
        "widgets.example.org",
        "apiextensions.k8s.io/v1",
        spec={
            "group": "example.org",
            "names": {"kind": "Widget", "plural": "widgets"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True}],
        },
    )
    widget = manifest("Widget", "one", "example.org/v1", spec={"size": 3})
    stage.push({"shop/crd.yaml": definition, "shop/widget.yaml": widget})
    stage.wants("shop")
    await stage.plays("shop")
    assert stage.live("Widget", "one", "example.org")["spec"] == {"size": 3}
    assert stage.says("shop") == ("Synced", "Healthy")
