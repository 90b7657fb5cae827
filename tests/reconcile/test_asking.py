"""Operations as somebody words them: honoured, refused with a reason, or kept for later, and never dropped."""

from datetime import timedelta
from typing import Any

import pytest

from memory.wire import Fault
from reconcile.charts import chart, manifest, wave
from reconcile.stage import AUTOMATED, Stage, key
from tiphys.model.errors import SpecError, TiphysError, Unavailable

MANUAL = {"syncPolicy": None}
SHOP = key("Application", "shop")
V2 = {"shop/values.yaml": "image: example.org/shop\ntag: v2\n"}


def asks(stage: Stage, **operation: Any) -> None:
    stage.by_hand(SHOP, {"operation": {"initiatedBy": {"username": "ada"}, **operation}})


def state(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = stage.status("shop")["operationState"]
    return found


def ended(stage: Stage) -> tuple[str, str]:
    assert "operation" not in stage.application("shop")
    return state(stage)["phase"], state(stage)["message"]


async def test_a_sync_written_with_kubectl_is_of_what_was_pushed_a_moment_ago(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", **MANUAL)
    await stage.plays("shop")
    new = stage.push(V2)
    asks(stage, sync={})
    await stage.plays("shop")
    assert ended(stage)[0] == "Succeeded"
    assert state(stage)["syncResult"]["revision"] == new


@pytest.mark.parametrize("name", ["main", "v1.0", "SHA"])
async def test_a_revision_may_be_a_branch_a_tag_or_a_commit(stage: Stage, name: str) -> None:
    sha = stage.push(chart("shop"))
    stage.origin.git.references.create("refs/tags/v1.0", sha)
    stage.wants("shop", **MANUAL)
    asks(stage, sync={"revision": sha if name == "SHA" else name})
    await stage.plays("shop")
    assert ended(stage)[0] == "Succeeded"
    assert state(stage)["syncResult"]["revision"] == sha


async def test_a_revision_that_is_not_there_ends_the_operation_with_its_name(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", **MANUAL)
    asks(stage, sync={"revision": "nowhere"})
    assert isinstance(await stage.plays("shop"), SpecError)
    assert ended(stage)[0] == "Error"
    assert "nowhere" in ended(stage)[1]
    assert await stage.plays("shop") is None


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ({"sync": None}, "asks for nothing"),
        ({"sync": {"manifests": ["{}"]}}, "operation.sync.manifests is not built yet"),
        ({"sync": {"sources": [{"repoURL": "https://x.org/r"}]}}, "operation.sync.sources is not built yet"),
        ({"sync": {"resources": [{"kind": "ConfigMap", "name": "nobody"}]}}, "has no ConfigMap nobody"),
        ({"sync": {}, "retry": {"limit": 3, "backoff": {"duration": "soon"}}}, "'soon' is not a duration"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_the_reason(
    stage: Stage, operation: dict[str, Any], told: str
) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", **MANUAL)
    asks(stage, **operation)
    assert await stage.plays("shop") is None
    assert ended(stage)[0] == "Failed"
    assert told in ended(stage)[1]
    assert stage.live("ConfigMap", "shop") is None
    assert stage.says("shop")[0] == "OutOfSync"
    assert stage.conditions("shop") == {}


async def test_a_rollback_brings_the_older_source_and_says_so_in_the_history(stage: Stage) -> None:
    old = stage.push(chart("shop") | chart("other", values="colour: blue\n"))
    stage.wants("shop", **MANUAL)
    await stage.plays("shop")
    source = {"repoURL": stage.repo, "path": "other", "targetRevision": "main"}
    asks(stage, sync={"source": source, "revision": old, "prune": True})
    await stage.plays("shop")
    assert ended(stage)[0] == "Succeeded"
    assert stage.live("ConfigMap", "shop")["data"] == {"colour": "blue"}
    assert [entry["source"]["path"] for entry in stage.status("shop")["history"]] == ["other"]
    assert stage.status("shop")["sync"]["comparedTo"]["source"]["path"] == "shop"
    assert stage.says("shop")[0] == "OutOfSync"


async def test_options_of_the_operation_count(stage: Stage) -> None:
    stage.push(chart("shop"))
    fresh = {"server": "https://kubernetes.default.svc", "namespace": "fresh"}
    stage.wants("shop", destination=fresh, **MANUAL)
    asks(stage, sync={"syncOptions": ["CreateNamespace=true"]})
    await stage.plays("shop")
    assert ended(stage)[0] == "Succeeded"
    assert stage.live("ConfigMap", "shop", namespace="fresh") is not None


async def test_prune_is_only_done_if_asked_for(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", **MANUAL)
    asks(stage, sync={})
    await stage.plays("shop")
    stage.push({"shop/templates/config.yaml": None})
    for prune, lives in ((False, True), (True, False)):
        asks(stage, sync={"prune": prune})
        await stage.plays("shop")
        assert (stage.live("ConfigMap", "shop") is not None) is lives


async def test_a_failed_attempt_is_tried_again_as_often_as_asked(stage: Stage) -> None:
    stage.push(chart("shop"))
    nowhere = {"server": "https://kubernetes.default.svc", "namespace": "nowhere"}
    stage.wants("shop", destination=nowhere, **MANUAL)
    asks(stage, sync={}, retry={"limit": 2, "backoff": {"duration": "1s", "factor": 2, "maxDuration": "5s"}})
    await stage.plays("shop")
    assert ended(stage)[0] == "Failed"
    assert state(stage)["retryCount"] == 2


async def test_an_operation_written_while_another_runs_is_kept_and_comes_next(stage: Stage) -> None:
    early, late = (manifest("ConfigMap", n, annotations=wave(w)) for n, w in (("early", -1), ("late", 1)))
    stage.push(chart("shop", early=early, late=late))
    stage.wants("shop")
    await stage.plays("shop", ready=False)
    assert state(stage)["phase"] == "Running"
    stage.by_hand(SHOP, {"operation": None})
    asks(stage, sync={"syncOptions": ["Validate=false"]})
    await stage.plays("shop", ready=False)
    assert stage.application("shop")["operation"]["sync"] == {"syncOptions": ["Validate=false"]}
    assert "initiatedBy" in state(stage)["operation"]
    await stage.plays("shop")
    assert ended(stage)[0] == "Succeeded"
    assert state(stage)["operation"]["initiatedBy"] == {"username": "ada"}
    assert len(stage.status("shop")["history"]) == 2


async def test_a_sync_is_terminated_by_request_and_rests(stage: Stage) -> None:
    late = manifest("ConfigMap", "late", annotations=wave(1))
    stage.push(chart("shop", late=late))
    stage.wants("shop")
    await stage.plays("shop", ready=False)
    stage.by_hand(SHOP, {"status": {"operationState": {"phase": "Terminating"}}})
    await stage.tells("shop")
    assert ended(stage) == ("Failed", "terminated by request")
    again = await stage.tells("shop")
    assert again == stage.clock + timedelta(minutes=3)


async def test_a_request_to_terminate_is_not_lost_to_what_is_written_meanwhile(stage: Stage) -> None:
    late = manifest("ConfigMap", "late", annotations=wave(1))
    stage.push(chart("shop", late=late))
    stage.wants("shop")
    perform = stage.world.cluster.perform

    async def terminated_meanwhile(command: Any) -> Any:
        if not getattr(command, "dry_run", False):
            stage.by_hand(SHOP, {"status": {"operationState": {"phase": "Terminating"}}})
            await stage.api.caught_up()
        return await perform(command)

    stage.world.cluster.perform = terminated_meanwhile  # type: ignore[method-assign]
    await stage.tells("shop")
    assert ended(stage) == ("Failed", "terminated by request")
    assert stage.live("ConfigMap", "late") is None


async def test_a_sync_can_be_terminated_although_its_source_is_broken(stage: Stage) -> None:
    late = manifest("ConfigMap", "late", annotations=wave(1))
    stage.push(chart("shop", late=late))
    stage.wants("shop", **MANUAL)
    asks(stage, sync={})
    await stage.plays("shop", ready=False)
    stage.by_hand(SHOP, {"status": {"operationState": {"phase": "Terminating"}}})
    stage.api.faults = lambda r: Fault.UNREACHABLE if "configmaps" in r.path else Fault.NONE
    await stage.tells("shop")
    assert ended(stage) == ("Failed", "terminated by request")


async def test_an_outside_that_stays_away_does_not_keep_an_operation_for_ever(stage: Stage) -> None:
    stage.push(chart("shop", late=manifest("ConfigMap", "late", annotations=wave(1))))
    stage.wants("shop", **MANUAL)
    asks(stage, sync={})
    await stage.plays("shop", ready=False)

    async def away(_: Any) -> Any:
        raise Unavailable("the API server is away")

    stage.world.cluster.observe = away  # type: ignore[method-assign]
    assert isinstance(await stage.tells("shop"), TiphysError)
    assert state(stage)["phase"] == "Running"
    stage.clock += timedelta(minutes=16)
    assert isinstance(await stage.tells("shop"), TiphysError)
    assert ended(stage) == ("Error", "the API server is away")


async def test_an_application_that_does_not_render_ends_what_was_asked(stage: Stage) -> None:
    stage.push(chart("shop", broken="{{ fail `not today` }}"))
    stage.wants("shop", **MANUAL)
    asks(stage, sync={})
    assert isinstance(await stage.plays("shop"), SpecError)
    assert ended(stage)[0] == "Error"
    assert "not today" in ended(stage)[1]


async def test_a_changed_parameter_takes_over_a_sync_that_waits(stage: Stage) -> None:
    early, late = (manifest("ConfigMap", n, annotations=wave(w)) for n, w in (("early", -1), ("late", 1)))
    stage.push(chart("shop", early=early, late=late, values="x: 1\n"))
    helm = {"parameters": [{"name": "tag", "value": "broken"}]}
    source = {"repoURL": stage.repo, "path": "shop", "targetRevision": "main", "helm": helm}
    stage.wants("shop", source=source)
    await stage.plays("shop")
    assert state(stage)["phase"] == "Running"
    stage.by_hand(SHOP, {"spec": {"source": {"helm": {"parameters": [{"name": "tag", "value": "v2"}]}}}})
    await stage.plays("shop")
    assert ended(stage)[0] == "Succeeded"
    assert stage.status("shop")["summary"]["images"] == ["example.org/shop:v2"]
    assert stage.says("shop") == ("Synced", "Healthy")


async def test_commits_that_come_while_a_user_syncs_are_synced_one_after_another(stage: Stage) -> None:
    late = manifest("ConfigMap", "late", annotations=wave(1))
    stage.push(chart("shop", late=late) | {"shop/values.yaml": "image: example.org/shop\ntag: broken\n"})
    stage.wants("shop", **MANUAL)
    asks(stage, sync={})
    await stage.plays("shop")
    for tag in ("broken", "broken2", "v3"):
        stage.push({"shop/values.yaml": f"image: example.org/shop\ntag: {tag}\nn: {tag}\n"})
        await stage.poll()
        await stage.plays("shop")
    assert ended(stage)[0] == "Succeeded"
    assert stage.status("shop")["summary"]["images"] == ["example.org/shop:v3"]


async def test_an_operation_that_argo_cd_left_running_is_brought_to_its_end(stage: Stage) -> None:
    sha = stage.push(chart("shop"))
    stage.wants("shop")
    operation = {"initiatedBy": {"automated": True}, "retry": {}, "sync": {"revision": sha, "prune": True}}
    left = {
        "operation": operation,
        "status": {
            "operationState": {
                "operation": operation,
                "phase": "Running",
                "message": "waiting for completion of hook batch/Job/migrate",
                "startedAt": "2025-12-31T23:59:00Z",
                "syncResult": {
                    "revision": sha,
                    "source": {"repoURL": stage.repo, "path": "shop", "targetRevision": "main"},
                    "resources": [
                        {
                            "group": "batch",
                            "version": "v1",
                            "kind": "Job",
                            "namespace": "shop",
                            "name": "migrate",
                            "hookType": "PreSync",
                            "hookPhase": "Running",
                            "syncPhase": "PreSync",
                        }
                    ],
                },
            }
        },
    }
    stage.by_hand(SHOP, left)
    await stage.plays("shop")
    assert ended(stage)[0] == "Succeeded"
    assert stage.says("shop") == ("Synced", "Healthy")


async def test_a_new_commit_during_healing_brings_everything_and_leaves_its_trace(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", syncPolicy=AUTOMATED)
    await stage.plays("shop")
    stage.by_hand(key("ConfigMap", "shop"), {"data": {"colour": "blue"}})
    stage.api.faults = lambda r: Fault.UNREACHABLE if writes_the_config_map(r) else Fault.NONE
    assert isinstance(await stage.plays("shop"), Unavailable)
    assert state(stage)["operation"]["sync"]["resources"]
    stage.api.faults = lambda _: Fault.NONE
    new = stage.push(V2)
    await stage.poll()
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")
    assert [entry["revision"] for entry in stage.status("shop")["history"]][-1] == new


def writes_the_config_map(request: Any) -> bool:
    return request.method != "GET" and "/configmaps/" in request.path and "dryRun" not in request.query
