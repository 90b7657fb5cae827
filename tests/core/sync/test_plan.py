"""What a sync has to do, made from what is wanted and what is live."""

from typing import Any

import pytest

from core.sync.playbook import START, key
from tiphys.core.sync.asked import as_asked, refusal
from tiphys.core.sync.history import with_success
from tiphys.core.sync.plan import Wanted, plan
from tiphys.core.sync.state import begun, ended, superseded
from tiphys.model.api import (
    Application,
    ApplicationSource,
    ApplicationSpec,
    Backoff,
    Destination,
    Operation,
    OperationInitiator,
    OperationState,
    RetryStrategy,
    SyncOperation,
    SyncOperationResource,
    SyncStrategy,
    SyncStrategyApply,
    SyncStrategyHook,
)
from tiphys.model.api.meta import ObjectMeta
from tiphys.model.flow import Comparison, Pair, Phase, SyncCode, Task
from tiphys.model.objects import Key, Live, Manifest

SOURCE = ApplicationSource(repo_url="https://x.org/r", path="web")
ROLE = Key("rbac.authorization.k8s.io", "ClusterRole", "", "reader")


def target(named: Key, **annotations: str) -> Pair:
    return Pair(named, Manifest(named, {"metadata": {"name": named.name, "annotations": annotations}}), None)


def extra(named: Key, **annotations: str) -> Pair:
    return Pair(named, None, Live(named, {"metadata": {"uid": named.name, "annotations": annotations}}))


def wanted(*pairs: Pair, **unknown: str) -> Wanted:
    def compared(each: Pair) -> Comparison:
        if each.key.name in unknown:
            return Comparison(each.key, SyncCode.UNKNOWN, message=unknown[each.key.name])
        return Comparison(each.key, SyncCode.OUT_OF_SYNC, requires_pruning=each.target is None)

    return Wanted(pairs, {each.key: compared(each) for each in pairs}, namespace="shop")


def planned(wanted: Wanted, *options: str, **sync: Any) -> list[Task]:
    return list(plan(Operation(sync=SyncOperation(**sync)), wanted, options))


def wave(number: int) -> dict[str, str]:
    return {"argocd.argoproj.io/sync-wave": str(number)}


def test_what_cannot_be_told_to_be_too_much_is_never_pruned():
    found = wanted(extra(key("gone")), extra(key("who-knows")), **{"who-knows": "nothing is heard"})
    assert [task.key.name for task in planned(found, prune=True)] == ["gone"]


def test_what_cannot_be_compared_is_applied_all_the_same():
    assert [t.in_sync for t in planned(wanted(target(key("web")), web="refused"))] == [False]


def test_prunes_go_through_the_waves_backwards_and_prune_last_goes_last():
    found = wanted(
        extra(key("first"), **wave(1)),
        extra(key("second"), **wave(5)),
        extra(key("at-last"), **{"argocd.argoproj.io/sync-options": "PruneLast=true"}),
        target(key("web"), **wave(7)),
    )
    tasks = planned(found)
    assert [task.key.name for task in tasks] == ["second", "first", "web", "at-last"]
    assert tasks[0].wave < tasks[1].wave < tasks[2].wave < tasks[3].wave


@pytest.mark.parametrize(
    "way",
    [SyncStrategy(apply=SyncStrategyApply(force=True)), SyncStrategy(hook=SyncStrategyHook(force=True))],
)
def test_a_strategy_of_force_holds_for_every_object(way: SyncStrategy):
    assert all("Force=true" in t.options for t in planned(wanted(target(key("web"))), sync_strategy=way))


def test_an_objects_option_outranks_the_operations_and_that_the_applications():
    own = target(key("own"), **{"argocd.argoproj.io/sync-options": "Validate=true"})
    found = planned(wanted(own, target(key("web"))), "Validate=true", sync_options=("Validate=false",))
    assert {t.key.name: "Validate=false" in t.options for t in found} == {"own": False, "web": True}


def test_a_selection_means_cluster_wide_objects_whatever_namespace_it_says():
    chosen = SyncOperationResource(group=ROLE.group, kind=ROLE.kind, name=ROLE.name, namespace="shop")
    found = planned(wanted(target(ROLE), target(key("web"))), resources=(chosen,))
    assert [task.key for task in found] == [ROLE]


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        (Operation(), "asks for nothing"),
        (Operation(sync=SyncOperation(manifests=("x",))), "manifests is not built yet"),
        (Operation(sync=SyncOperation(revisions=("x", "y"))), "revisions is not built yet"),
        (Operation(sync=SyncOperation(sources=(SOURCE,))), "sources is not built yet"),
        (Operation(sync=SyncOperation(resources=(SyncOperationResource(kind="X", name="y"),))), "has no X y"),
        (
            Operation(
                sync=SyncOperation(), retry=RetryStrategy(limit=1, backoff=Backoff(max_duration="soon"))
            ),
            "retry.backoff.maxDuration: 'soon' is not a duration",
        ),
        (Operation(sync=SyncOperation(), retry=RetryStrategy(limit=1, backoff=Backoff())), ""),
        (Operation(sync=SyncOperation(prune=True)), ""),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(operation: Operation, told: str):
    said = refusal(operation, [key("web")])
    assert (told in said) if told else not said


def test_an_operation_may_name_another_source():
    other = ApplicationSource(repo_url="https://x.org/r", path="other")
    spec = ApplicationSpec(project="", destination=Destination(), source=SOURCE)
    app = Application(metadata=ObjectMeta(name="web"), spec=spec)
    assert as_asked(app, Operation(sync=SyncOperation(source=other))).spec.source == other
    assert as_asked(app, Operation(sync=SyncOperation(source=SOURCE))) is app
    assert as_asked(app, None) is app


def state(**sync: Any) -> OperationState:
    automated = sync.pop("automated", False)
    operation = Operation(sync=SyncOperation(**sync), initiated_by=OperationInitiator(automated=automated))
    return begun(operation, "a" * 40, SOURCE, START)


def test_a_newer_commit_turns_healing_into_a_sync_of_everything():
    healing = state(
        automated=True,
        revision="a" * 40,
        resources=(SyncOperationResource(kind="ConfigMap", name="x"),),
        auto_heal_attempts_count=3,
    )
    turned = superseded(healing, "b" * 40, SOURCE, START)
    assert turned.operation.sync == SyncOperation(revision="b" * 40, source=SOURCE)
    assert turned.sync_result
    assert turned.sync_result.revision == "b" * 40
    assert with_success((), ended(turned, Phase.SUCCEEDED, "", START), None)


def test_a_newer_commit_leaves_what_a_user_asked_for_as_it_was_worded():
    asked = state(prune=True)
    turned = superseded(asked, "b" * 40, SOURCE, START)
    assert turned.operation == asked.operation


def done(**sync: Any) -> OperationState:
    return ended(state(**sync), Phase.SUCCEEDED, "", START)


def test_the_history_counts_on_and_forgets_the_oldest():
    history = ()
    for _ in range(12):
        history = with_success(history, done(), None)
    assert [entry.id for entry in history] == list(range(2, 12))
    assert [entry.id for entry in with_success(history, done(), 3)] == [10, 11, 12]
    assert with_success(history, done(), 0) == ()


@pytest.mark.parametrize(
    "sync",
    [
        {"dry_run": True},
        {"resources": (SyncOperationResource(kind="ConfigMap", name="x"),)},
        {"auto_heal_attempts_count": 1},
    ],
)
def test_what_brings_nothing_new_leaves_no_trace(sync: dict[str, Any]):
    assert with_success((), done(**sync), None) == ()
