"""Operations: asked for by hand, overtaken by a commit, interrupted by a restart, refused by the API server."""

import pytest

from memory.wire import Fault
from reconcile.charts import chart, manifest, wave
from reconcile.stage import Stage, key
from tiphys.adapters.cluster.api import Request

MANUAL = {"syncPolicy": None}
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "example.org/migrate:{{ .Values.tag }}"}]
"""


def asks(stage: Stage, **sync: object) -> None:
    stage.by_hand(
        key("Application", "shop"), {"operation": {"sync": sync, "initiatedBy": {"username": "ada"}}}
    )


async def test_without_a_policy_nothing_is_synced_until_somebody_asks(stage: Stage) -> None:
    sha = stage.push(chart("shop"))
    stage.wants("shop", **MANUAL)
    await stage.plays("shop")
    assert stage.says("shop") == ("OutOfSync", "Missing")
    asks(stage)
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")
    assert "operation" not in stage.application("shop")
    state, history = stage.status("shop")["operationState"], stage.status("shop")["history"]
    assert (state["phase"], state["syncResult"]["revision"]) == ("Succeeded", sha)
    assert state["operation"]["initiatedBy"] == {"username": "ada"}
    assert [(entry["id"], entry["revision"]) for entry in history] == [(0, sha)]


async def test_an_operation_may_name_an_older_commit(stage: Stage) -> None:
    old = stage.push(chart("shop"))
    stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v2\n"})
    stage.wants("shop", **MANUAL)
    asks(stage, revision=old)
    await stage.plays("shop")
    assert stage.status("shop")["operationState"]["syncResult"]["revision"] == old
    assert stage.status("shop")["summary"]["images"] == ["example.org/shop:v1"]
    await stage.plays("shop")
    assert stage.says("shop") == ("OutOfSync", "Healthy")


async def test_a_dry_run_changes_nothing(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", **MANUAL)
    asks(stage, dryRun=True)
    await stage.plays("shop")
    assert stage.status("shop")["operationState"]["phase"] == "Succeeded"
    assert stage.live("ConfigMap", "shop") is None
    assert "history" not in stage.status("shop")


async def test_a_selective_sync_touches_what_was_selected(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", **MANUAL)
    asks(stage, resources=[{"kind": "ConfigMap", "name": "shop"}])
    await stage.plays("shop")
    assert stage.live("ConfigMap", "shop") is not None
    assert stage.live("Deployment", "shop", "apps") is None


async def test_a_newer_commit_takes_over_a_sync_under_way(stage: Stage) -> None:
    early = manifest("ConfigMap", "early", annotations=wave(-1))
    late = manifest("ConfigMap", "late", annotations=wave(1))
    stage.push(chart("shop", early=early, late=late, values="x: 1\n"))
    stage.wants("shop")
    await stage.plays("shop", ready=False)
    assert stage.live("ConfigMap", "late") is None
    new = stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v2\n"})
    await stage.poll()
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")
    assert stage.status("shop")["summary"]["images"] == ["example.org/shop:v2"]
    assert [entry["revision"] for entry in stage.status("shop")["history"]] == [new]


async def test_a_broken_release_is_superseded_by_its_repair(stage: Stage) -> None:
    early = manifest("ConfigMap", "early", annotations=wave(-1))
    late = manifest("ConfigMap", "late", annotations=wave(1))
    stage.push(
        chart("shop", early=early, late=late) | {"shop/values.yaml": "image: example.org/shop\ntag: broken\n"}
    )
    stage.wants("shop")
    await stage.plays("shop")
    assert stage.says("shop") == ("OutOfSync", "Progressing")
    stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v2\n"})
    await stage.poll()
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")


async def test_a_refusal_fails_the_operation_and_says_why(stage: Stage) -> None:
    stage.push(chart("shop", job=JOB))
    stage.wants("shop")
    await stage.plays("shop")
    stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v2\n"})
    await stage.poll()
    await stage.plays("shop")
    state = stage.status("shop")["operationState"]
    assert state["phase"] == "Failed"
    assert "Job migrate" in state["message"]
    assert "field is immutable" in state["message"]
    assert stage.status("shop")["summary"]["images"] == ["example.org/migrate:v1", "example.org/shop:v1"]


@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
async def test_a_restart_at_any_write_ends_in_the_same_state(stage: Stage, fault: Fault) -> None:
    stage.push(chart("shop", late=manifest("ConfigMap", "late", annotations=wave(1))))
    stage.wants("shop")
    kills = 0
    # Lives of different lengths, until one of them needs no more.
    while await stage.plays_until_killed("shop", fault, at=1 + kills % 4):
        kills += 1
        assert kills < 40
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")
    assert stage.live("ConfigMap", "late") is not None
    assert stage.status("shop")["operationState"]["phase"] == "Succeeded"
    assert [entry["id"] for entry in stage.status("shop")["history"]] == [0]


async def test_the_status_is_written_as_argo_cd_writes_it(stage: Stage) -> None:
    sha = stage.push(chart("shop"))
    stage.wants("shop")
    await stage.plays("shop")
    status = stage.status("shop")
    deployment = next(r for r in status["resources"] if r["kind"] == "Deployment")
    assert deployment == {
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "shop",
        "status": "Synced",
        "health": {"status": "Healthy"},
    }
    assert status["sync"]["revision"] == sha
    assert status["sync"]["comparedTo"]["source"]["path"] == "shop"
    assert status["sourceType"] == "Helm"
    assert status["summary"] == {"images": ["example.org/shop:v1"]}
    assert status["reconciledAt"].endswith("Z")
    result = status["operationState"]["syncResult"]["resources"]
    assert {(r["kind"], r["status"], r["hookPhase"], r["syncPhase"]) for r in result} == {
        ("ConfigMap", "Synced", "Succeeded", "Sync"),
        ("Deployment", "Synced", "Succeeded", "Sync"),
    }


async def test_what_a_sync_did_is_told_though_somebody_writes_to_the_application_meanwhile(
    stage: Stage,
) -> None:
    """Done anew, for want of a record, it would be told as nothing done."""
    stage.push(chart("shop"))
    stage.wants("shop")
    noted: list[Request] = []

    def meanwhile(request: Request) -> Fault:
        if request.method == "PATCH" and b'"phase":"Succeeded"' in request.body and not noted:
            noted.append(request)
            stage.by_hand(
                key("Application", "shop"), {"metadata": {"annotations": {"example.com/note": "x"}}}
            )
        return Fault.NONE

    stage.api.faults = meanwhile
    await stage.plays("shop")
    state = stage.status("shop")["operationState"]
    assert noted
    assert state["phase"] == "Succeeded"
    assert {each["message"].partition(" ")[2] for each in state["syncResult"]["resources"]} == {
        "serverside-applied"
    }
