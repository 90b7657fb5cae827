"""The sync as plays: what is asked when, and how it ends."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.sync.playbook import DEGRADED, HEALTHY, PROGRESSING, Playbook, key, unwanted, wants
from tiphys.core.sync.advance import Terms
from tiphys.core.sync.state import recorded, records
from tiphys.model.flow import Apply, Health, Phase, Result, Task
from tiphys.model.objects import Key, Kind, Live, Manifest

CRD = "CustomResourceDefinition"


def test_nothing_is_applied_before_everything_passed_a_dry_run():
    Playbook([wants("web"), wants("db", "Service")]).asks("try db", "try web").answers().asks("apply db")


def test_a_failed_dry_run_ends_the_sync_and_changes_nothing():
    Playbook([wants("web"), wants("db")]).answers(web="bad field").ends(Phase.FAILED, "bad field").lives()


def test_inside_a_wave_kinds_follow_each_other_without_waiting_for_health():
    (
        Playbook([wants("web"), wants("conf", "ConfigMap"), wants("page", "Ingress")])
        .tried()
        .asks("apply conf")
        .answers()
        .asks("apply web")
        .answers()
        .asks("apply page")
        .answers()
        .ends(Phase.SUCCEEDED)
    )


def test_a_later_wave_waits_until_the_earlier_one_is_healthy():
    play = Playbook([wants("web", wave=1), wants("db", wave=-1)]).tried()
    play.health[key("db")] = Health(PROGRESSING, "0 of 1 ready")
    play.answers().asks().sees(db=HEALTHY).asks("apply web").answers().ends(Phase.SUCCEEDED)


def test_a_degraded_object_fails_a_sync_of_several_waves():
    play = Playbook([wants("web", wave=1), wants("db")]).tried()
    play.health[key("db")] = Health(PROGRESSING)
    play.answers().asks().sees(db=DEGRADED).ends(Phase.FAILED, "db")


def test_between_two_waves_other_controllers_get_time_to_notice():
    play = Playbook([wants("web", wave=1), wants("db")], terms=Terms(wave_delay=timedelta(seconds=2)))
    play.tried().answers().asks()
    assert play.again == play.now + timedelta(seconds=2)
    play.later(seconds=2).asks("apply web")


def test_what_is_in_sync_is_not_asked_for():
    Playbook([wants("web"), wants("conf", "ConfigMap", in_sync=True)]).asks("try web").answers().asks(
        "apply web"
    )


def test_an_unwanted_object_stays_without_prune_and_the_result_says_so():
    play = Playbook([unwanted("old")]).ends(Phase.SUCCEEDED).lives("old")
    assert records(play.state)[key("old")].status == "PruneSkipped"


def test_an_unwanted_object_goes_with_prune():
    Playbook([unwanted("old")], prune=True).asks("delete old").answers().ends(Phase.SUCCEEDED).lives()


@pytest.mark.parametrize("option", ["Prune=false", "Prune=confirm"])
def test_an_object_that_must_not_be_pruned_stays(option: str):
    Playbook([unwanted("old", options=option)], prune=True).ends(Phase.SUCCEEDED).lives("old")


def test_a_dry_run_changes_nothing_and_tells_what_it_would_do():
    play = Playbook([wants("web"), unwanted("old")], prune=True, dry_run=True).tried()
    play.ends(Phase.SUCCEEDED, "dry run").lives("old")
    assert records(play.state)[key("web")].status == "Synced"


def test_an_object_of_a_kind_that_the_sync_brings_waits_for_the_kind():
    spec = {"group": "keda.sh", "names": {"kind": "Scaler"}}
    brings = Task(key("scalers", CRD), Manifest(key("scalers", CRD), {"spec": spec}))
    scaler = Key("keda.sh", "Scaler", "shop", "web")
    play = Playbook([brings, Task(scaler, Manifest(scaler, {}))], unserved={Kind("keda.sh", "Scaler")})
    play.asks("try scalers").answers().asks("apply scalers").answers().asks()
    play.unserved = set()
    play.later(seconds=1).asks("apply web").answers().ends(Phase.SUCCEEDED)


def test_a_definition_that_comes_in_a_later_wave_than_its_objects_is_told_at_once():
    spec = {"group": "keda.sh", "names": {"kind": "Scaler"}}
    brings = Task(key("scalers", CRD), Manifest(key("scalers", CRD), {"spec": spec}), wave=1)
    scaler = Key("keda.sh", "Scaler", "shop", "web")
    play = Playbook([brings, Task(scaler, Manifest(scaler, {}))], unserved={Kind("keda.sh", "Scaler")})
    play.tried().ends(Phase.FAILED, "comes in a later wave (1)")


def test_a_kind_that_is_never_served_is_waited_for_until_the_deadline_and_told():
    spec = {"group": "keda.sh", "names": {"kind": "Scaler"}}
    brings = Task(key("scalers", CRD), Manifest(key("scalers", CRD), {"spec": spec}))
    scaler = Key("keda.sh", "Scaler", "shop", "web")
    play = Playbook([brings, Task(scaler, Manifest(scaler, {}))], unserved={Kind("keda.sh", "Scaler")})
    play.tried().answers().asks().later(minutes=16).ends(Phase.FAILED, "serves keda.sh/Scaler")


def test_an_object_that_is_deleted_while_its_health_is_waited_for_fails_the_sync():
    play = Playbook([wants("web", wave=1), wants("db")]).tried()
    play.health[key("db")] = Health(PROGRESSING)
    play.answers().asks().loses("db").ends(Phase.FAILED, "db: applied, but was deleted")


def test_an_object_that_goes_by_itself_when_it_is_done_is_done():
    body = {"spec": {"ttlSecondsAfterFinished": 0}}
    job = Task(key("job", "Job"), Manifest(key("job", "Job"), body))
    play = Playbook([job, wants("web", wave=1)]).tried()
    play.health[job.key] = Health(PROGRESSING)
    play.answers().asks().loses("job").asks("apply web")


def test_an_object_that_cannot_be_read_is_not_taken_for_deleted():
    play = Playbook([wants("web", wave=1), wants("db")]).tried()
    play.health[key("db")] = Health(PROGRESSING)
    play.unreadable.add(key("db"))
    play.answers().loses("db").asks()
    assert play.state.phase == Phase.RUNNING


def test_a_sync_that_waits_for_a_deletion_names_what_holds_it():
    play = Playbook([unwanted("old"), wants("web", wave=1)], prune=True).tried().asks("delete old")
    held = Live(key("old"), {"metadata": {"uid": "old", "finalizers": ["example.org/hold"]}})
    play.live[held.key] = held
    asked = [Result(held.key, Phase.SUCCEEDED, "is being deleted")]
    play.state = recorded(play.state, play.tasks, asked, dry=False)
    play.step()
    assert "example.org/hold" in play.asks().state.message


@pytest.mark.parametrize(("prune", "status"), [(True, "Pruned"), (False, "PruneSkipped")])
def test_a_dry_run_tells_what_would_become_of_what_is_too_much(prune: bool, status: str):
    play = Playbook([unwanted("old")], prune=prune, dry_run=True).ends(Phase.SUCCEEDED, "dry run")
    assert records(play.state)[key("old")].status == status


def test_a_clock_that_was_set_back_lets_nobody_wait_for_ever():
    play = Playbook([wants("web")], retry=3).answers(web="no")
    play.now -= timedelta(days=365)
    play.later(minutes=1).later(seconds=10).asks("try web")
    play.later(minutes=16).ends(Phase.FAILED, "within 15 minutes")


def test_a_phase_that_nobody_knows_is_an_end():
    play = Playbook([wants("web")])
    play.state = replace(play.state, phase="Pondering")
    play.step()
    play.asks()


def test_objects_of_a_namespace_to_be_made_are_tried_when_it_is_there():
    Playbook([wants("shop", "Namespace"), wants("web")]).asks("try shop").answers().asks(
        "apply shop"
    ).answers().asks("apply web")


def test_a_failed_attempt_is_tried_again_as_often_as_the_strategy_says():
    play = Playbook([wants("web")], retry=1).answers(web="no").asks()
    assert play.state.phase == Phase.RUNNING
    assert "Retrying attempt #1" in play.state.message
    play.later(seconds=5).asks("try web").answers(web="no").ends(Phase.FAILED, "no")


def test_a_sync_ends_at_its_deadline_and_names_what_blocks():
    play = Playbook([wants("web", wave=1), wants("db")]).tried()
    play.health[key("db")] = Health(PROGRESSING, "image cannot be pulled")
    play.answers().later(minutes=16).ends(Phase.FAILED, "image cannot be pulled")


def test_the_deadline_counts_over_all_attempts():
    play = Playbook([wants("web")], retry=-1)
    for _ in range(40):
        if play.commands:
            play.answers(web="no")
        play.later(minutes=1)
    play.ends(Phase.FAILED, "within 15 minutes")


def test_a_request_to_terminate_is_obeyed_at_the_next_look():
    Playbook([wants("web")]).terminated().ends(Phase.FAILED, "terminated")


def test_an_apply_that_carries_a_live_value_names_the_version_it_was_made_for():
    task = wants("web")
    pinned = type(task)(task.key, task.target, resource_version="42")
    command = Playbook([pinned]).tried().commands[0]
    assert isinstance(command, Apply)
    assert command.resource_version == "42"


tasks = st.lists(
    st.builds(
        lambda name, kind, wave, gone: (unwanted if gone else wants)(name, kind, wave=wave),
        st.sampled_from("abcdef"),
        st.sampled_from(["Deployment", "ConfigMap", "Namespace", "Ingress"]),
        st.integers(-2, 2),
        st.booleans(),
    ),
    unique_by=lambda task: task.key,
    max_size=8,
)


@given(tasks)
def test_every_sync_that_nobody_refuses_ends_with_what_is_wanted(chosen):
    play = Playbook(chosen, prune=True)
    for _ in range(60):
        if play.state.phase != Phase.RUNNING:
            break
        play.answers()
    play.ends(Phase.SUCCEEDED)
    assert set(play.live) == {task.key for task in chosen if task.target}


@given(tasks, st.integers(0, 20))
def test_a_sync_killed_between_doing_and_recording_ends_the_same(chosen, when):
    play = Playbook(chosen, prune=True)
    for turn in range(80):
        if play.state.phase != Phase.RUNNING:
            break
        before = play.state
        play.answers()
        if turn == when:
            play.state = before  # what was done is done, and nobody wrote it down
            play.last_write = None
            play.step()
    play.ends(Phase.SUCCEEDED)
    assert set(play.live) == {task.key for task in chosen if task.target}


@given(tasks)
def test_a_wave_never_begins_before_the_earlier_ones_are_done(chosen):
    play = Playbook(chosen, prune=True)
    reached = -10
    while play.state.phase == Phase.RUNNING and play.commands:
        if not (isinstance(play.commands[0], Apply) and play.commands[0].dry_run):
            waves = {task.wave for task in play.tasks for c in play.commands if c.key == task.key}
            assert len(waves) == 1
            assert min(waves) >= reached
            reached = max(waves)
        play.answers()
