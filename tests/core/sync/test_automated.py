"""When a sync is due without anybody asking, and when not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tiphys.core.sync.automated import ATTEMPT, Later, Outlook, Refusal, due
from tiphys.core.sync.state import TERMINATED, begun, ended, stamp
from tiphys.model.api import (
    Application,
    Info,
    Operation,
    OperationInitiator,
    OperationState,
    SyncOperation,
    SyncOperationResource,
    decode_application,
)
from tiphys.model.flow import Phase, SyncCode
from tiphys.model.objects import Key

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHA, NEWER = "a" * 40, "b" * 40
WEB = Key("apps", "Deployment", "shop", "web")
DRIFT = Outlook(SyncCode.OUT_OF_SYNC, SHA, (WEB,), targets=1)
EXTRA = Outlook(SyncCode.OUT_OF_SYNC, SHA, extras=1, targets=1)
SOURCE = {"repoURL": "https://x.org/r", "path": "web"}


def application(last: OperationState | None = None, **automated: Any) -> Application:
    body = {
        "metadata": {"name": "web"},
        "spec": {
            "project": "default",
            "destination": {},
            "source": SOURCE,
            "syncPolicy": {"automated": automated},
        },
    }
    read = decode_application(orjson.dumps(body))
    return replace(read, status=replace(read.status, operation_state=last))


def operated(
    operation: Operation, phase: Phase = Phase.SUCCEEDED, *, at: datetime = NOW, revision: str = SHA
) -> OperationState:
    state = begun(operation, revision, application().spec.source, at)
    return ended(state, phase, "said", at)


def asked(
    now: datetime = NOW, last: OperationState | None = None, outlook: Outlook = DRIFT, **flags: Any
) -> Any:
    return due(application(last, **flags), outlook, now)


def by_hand(**sync: Any) -> Operation:
    return Operation(sync=SyncOperation(**sync), initiated_by=OperationInitiator(username="ada"))


@pytest.mark.parametrize(("enabled", "syncs"), [(None, True), (True, True), (False, False)])
def test_automated_is_on_unless_it_is_switched_off(enabled: bool | None, syncs: bool):
    assert isinstance(asked(enabled=enabled), Operation) is syncs


def test_nothing_is_due_where_nothing_is_known_to_differ():
    assert asked(outlook=Outlook(SyncCode.SYNCED, SHA, targets=1)) is None
    assert asked(outlook=Outlook(SyncCode.UNKNOWN, SHA, (WEB,), targets=1)) is None


def test_what_is_only_too_much_needs_prune():
    assert asked(outlook=EXTRA) is None
    assert asked(outlook=EXTRA, prune=True).sync.prune


def test_a_source_of_nothing_prunes_everything_only_if_that_is_allowed():
    nothing = Outlook(SyncCode.OUT_OF_SYNC, SHA, extras=2, targets=0)
    assert isinstance(asked(outlook=nothing, prune=True), Refusal)
    assert isinstance(asked(outlook=nothing, prune=True, allowEmpty=True), Operation)
    assert asked(outlook=nothing) is None


def test_a_revision_is_synced_once_without_self_heal():
    last = operated(asked())
    assert asked(last=last) is None
    assert isinstance(asked(last=last, outlook=Outlook(SyncCode.OUT_OF_SYNC, NEWER, (WEB,))), Operation)


def test_a_changed_source_is_a_new_attempt():
    last = operated(asked())
    other = replace(
        last, sync_result=replace(last.sync_result, source=replace(last.sync_result.source, path="x"))
    )
    assert isinstance(asked(last=other), Operation)


def test_nulls_in_values_do_not_make_every_attempt_the_first():
    app = application()
    helm = {
        "repoURL": "r",
        "path": "web",
        "helm": {"valuesObject": {"a": None, "b": {"c": None}, "d": [None, {"e": None}]}},
    }
    body = {"metadata": {"name": "web"}, "spec": {"project": "", "destination": {}, "source": helm}}
    read = decode_application(orjson.dumps(body))
    spec = replace(read.spec, sync_policy=app.spec.sync_policy)
    operation = due(replace(read, spec=spec), DRIFT, NOW)
    assert isinstance(operation, Operation)
    state = ended(begun(operation, SHA, spec.source, NOW), Phase.FAILED, "no", NOW)
    assert state.sync_result.source.helm.values_object == {"b": {}, "d": [None, {}]}
    again = replace(read, spec=spec, status=replace(read.status, operation_state=state))
    assert isinstance(due(again, DRIFT, NOW), Later)


def test_a_failure_is_tried_again_later_each_time_and_never_given_up():
    now, last, pauses = NOW, operated(asked(), Phase.FAILED), []
    for _ in range(14):
        later = asked(now, last)
        assert isinstance(later, Later)
        pauses.append((later.at - now).total_seconds())
        now = later.at
        last = operated(asked(now, last), Phase.FAILED, at=now)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 180, 180, 180, 180, 180, 180]


def test_a_fixed_failure_begins_to_count_anew():
    tried = asked(NOW + timedelta(seconds=9), operated(asked(), Phase.FAILED))
    assert not asked(last=operated(tried), selfHeal=True).info


def test_healing_a_fighter_slows_down_and_peace_lets_it_begin_anew():
    now, last, pauses = NOW, operated(asked(), at=NOW - timedelta(hours=1)), []
    for _ in range(8):
        answer = asked(now, last, selfHeal=True)
        pauses.append((answer.at - now).total_seconds() if isinstance(answer, Later) else 0)
        now = answer.at if isinstance(answer, Later) else now
        last = operated(asked(now, last, selfHeal=True), at=now)
    assert pauses == [0, 2, 6, 18, 54, 162, 300, 300]
    after = asked(now + timedelta(minutes=16), last, selfHeal=True)
    assert after.sync.auto_heal_attempts_count == 1


def test_healing_touches_what_drifted_and_nothing_else():
    healed = asked(NOW, operated(asked()), selfHeal=True)
    assert [r.name for r in healed.sync.resources] == ["web"]


@pytest.mark.parametrize(
    "partial", [{"dry_run": True}, {"resources": (SyncOperationResource(kind="ConfigMap", name="x"),)}]
)
def test_a_sync_of_a_part_by_hand_does_not_count_as_the_attempt(partial: dict[str, Any]):
    assert isinstance(asked(last=operated(by_hand(**partial))), Operation)
    assert isinstance(asked(last=operated(by_hand(**partial), Phase.FAILED)), Operation)


def test_a_whole_sync_by_hand_counts_as_the_attempt():
    assert asked(last=operated(by_hand())) is None
    assert isinstance(asked(last=operated(by_hand(), Phase.FAILED)), Later)


def test_what_somebody_put_an_end_to_rests_as_long_as_it_can():
    last = replace(operated(asked(), Phase.FAILED), message=TERMINATED)
    assert asked(last=last).at == NOW + timedelta(minutes=3)


@pytest.mark.parametrize("finished", ["", "soon", "2999-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_times_that_cannot_be_make_nobody_wait(finished: str):
    failed = replace(operated(asked(), Phase.FAILED), finished_at=finished)
    assert isinstance(asked(last=failed), Operation)
    healed = replace(operated(asked(NOW, operated(asked()), selfHeal=True)), finished_at=finished)
    assert isinstance(asked(last=healed, selfHeal=True), Operation)


def test_an_operation_that_another_engine_left_is_understood():
    left = operated(Operation(sync=SyncOperation(revision=SHA)), Phase.ERROR)
    assert isinstance(asked(last=replace(left, phase="Hydrating")), Later)
    assert isinstance(asked(last=replace(left, sync_result=None)), Operation)


@given(st.text(max_size=12), st.integers())
def test_nothing_that_an_operation_says_breaks_the_decision(said: str, heals: int):
    first = asked()
    sync = replace(first.sync, auto_heal_attempts_count=heals)
    state = operated(replace(first, sync=sync, info=(Info(name=ATTEMPT, value=said),)))
    for phase in (Phase.FAILED, Phase.SUCCEEDED):
        assert asked(last=replace(state, phase=phase), selfHeal=True)


def test_the_stamp_of_now_is_never_to_come():
    assert stamp(NOW + timedelta(milliseconds=999)) == stamp(NOW)
