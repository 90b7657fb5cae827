"""The timeline of an application: when a commit came how far, whoever else writes into it."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.timeline.entries import ENGINES_TIMES, LIMIT, TIMES, Entry, Timeline, read, written
from tiphys.core.timeline.record import Sighting, Standing, advanced, found, is_news
from tiphys.core.timeline.steps import lead_time, reached, steps_of
from tiphys.model.api import Operation, OperationState, SyncOperation, SyncOperationResource

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
A, B, C, D = (letter * 40 for letter in "abcd")
WAITING, LIVE = Standing(live=False), Standing(live=True)
RUNNING, SUCCEEDED, FAILED = "Running", "Succeeded", "Failed"


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def seen(revision: str, reads: str = "", at: float = 0) -> Sighting:
    return Sighting(revision, reads or revision, ("charts/web",), after(at), after(at + 0.25))


def committed(revision: str, at: float = 0) -> Entry:
    return Entry(revision, committed=after(at))


def syncing(phase: str, sync: SyncOperation | None = None, *, live: bool = False) -> Standing:
    operation = Operation(sync=sync or SyncOperation())
    return Standing(live, OperationState(operation=operation, phase=phase, started_at="2026-01-01T12:00:00Z"))


@pytest.fixture
def timeline() -> Timeline:
    """Of an application that runs A."""
    return advanced(found(Timeline(), seen(A, at=-100), [committed(A, -200)]), LIVE, after(-90))


def test_a_commit_comes_from_the_repository_to_life(timeline: Timeline):
    timeline = found(timeline, seen(B, at=5), [committed(B)])
    timeline = advanced(timeline, syncing(RUNNING), after(6))
    timeline = advanced(timeline, syncing(SUCCEEDED), after(8))
    timeline = advanced(timeline, LIVE, after(11))
    entry = timeline.at
    assert entry
    assert [(step.name, step.took) for step in steps_of(entry)] == [
        ("committed", None),
        ("detected", timedelta(seconds=5)),
        ("rendered", timedelta(seconds=0.25)),
        ("started", timedelta(seconds=0.75)),
        ("applied", timedelta(seconds=2)),
        ("healthy", timedelta(seconds=3)),
    ]
    assert lead_time(entry) == timedelta(seconds=11)


def test_what_is_healthy_before_a_running_sync_is_through_is_not_live_yet(timeline: Timeline):
    timeline = found(timeline, seen(B), [committed(B)])
    timeline = advanced(timeline, syncing(RUNNING, live=True), after(6))
    assert timeline.at
    assert not timeline.at.healthy


@pytest.mark.parametrize(
    "partial",
    [SyncOperation(dry_run=True), SyncOperation(resources=(SyncOperationResource(kind="Job", name="x"),))],
)
def test_a_dry_or_selective_sync_makes_no_commit_live(timeline: Timeline, partial: SyncOperation):
    timeline = found(timeline, seen(B), [committed(B)])
    entry = advanced(timeline, syncing(SUCCEEDED, partial), after(6)).at
    assert entry
    assert not entry.started
    assert not entry.applied


def test_a_failed_sync_began_and_the_next_one_applies(timeline: Timeline):
    timeline = found(timeline, seen(B), [committed(B)])
    for at, phase in enumerate([RUNNING, FAILED, RUNNING, SUCCEEDED]):
        timeline = advanced(timeline, syncing(phase), after(10 + at))
    assert timeline.at
    assert (timeline.at.started, timeline.at.applied) == (after(10), after(13))


def test_a_commit_that_others_of_the_repository_follow_is_known_by_their_tip(timeline: Timeline):
    timeline = found(timeline, seen(D, reads="b"), [committed(B)])
    assert timeline.at
    assert (timeline.at.revision, timeline.at.tip) == (B, D)
    assert not is_news(timeline, seen(C, reads="b"))


def test_commits_that_come_at_once_are_told_apart_and_the_newest_contains_the_others(timeline: Timeline):
    timeline = found(timeline, seen(D), [committed(D, 3), committed(C, 2), committed(B, 1)])
    assert [(e.revision, e.superseded_by) for e in timeline.entries] == [(A, ""), (B, D), (C, D), (D, "")]
    assert timeline.entries[1].detected == NOON
    assert timeline.entries[1].rendered is None


def test_a_commit_that_was_not_live_is_superseded_by_the_next(timeline: Timeline):
    timeline = found(timeline, seen(B), [committed(B)])
    timeline = advanced(timeline, syncing(RUNNING), after(1))
    timeline = found(timeline, seen(C, at=2), [committed(C)])
    assert [e.superseded_by for e in timeline.entries] == ["", C, ""]


def test_a_superseded_commit_that_somebody_has_applied_all_the_same_is_not_superseded(timeline: Timeline):
    timeline = found(timeline, seen(B), [committed(B)])
    timeline = found(timeline, seen(C, at=2), [committed(C)])
    timeline = found(timeline, seen(B, at=3), [])
    entry = advanced(timeline, syncing(SUCCEEDED), after(4)).at
    assert entry
    assert (entry.revision, entry.superseded_by, entry.applied) == (B, "", after(4))


def test_a_rollback_is_at_the_old_commit_and_changes_none_of_its_times(timeline: Timeline):
    new = found(timeline, seen(B), [committed(B)])
    back = advanced(found(new, seen(A), []), syncing(SUCCEEDED), after(50))
    assert back.current == A
    assert back.entries == new.entries
    again = found(back, seen(B), [committed(B)])
    assert (again.current, again.entries) == (B, new.entries)


def test_a_revert_is_a_commit_of_its_own(timeline: Timeline):
    timeline = found(timeline, seen(B), [committed(B)])
    timeline = found(timeline, seen(C, reads=A), [committed(C)])
    assert timeline.current == C


def test_a_change_of_the_spec_is_no_commit(timeline: Timeline):
    changed = found(timeline, seen(A, reads="another folder"), [])
    assert (changed.current, changed.entries) == (A, timeline.entries)
    assert not is_news(changed, seen(A, reads="another folder"))


def test_what_was_there_first_tells_no_durations(timeline: Timeline):
    first = advanced(found(Timeline(), seen(A), [committed(A)]), syncing(SUCCEEDED), after(5))
    assert first.at
    assert first.at.first
    assert list(reached(Timeline(), first)) == []
    assert list(reached(Timeline(), timeline)) == []


def test_each_commit_is_measured_once_when_it_is_applied_and_once_when_it_is_healthy(timeline: Timeline):
    states = [found(timeline, seen(B, at=5), [committed(B)])]
    for at, standing in ((6, syncing(RUNNING)), (8, syncing(SUCCEEDED)), (11, LIVE), (12, LIVE)):
        states.append(advanced(states[-1], standing, after(at)))
    told = [list(reached(before, now)) for before, now in zip([timeline, *states], states, strict=False)]
    applied = {"detected": 5.0, "rendered": 0.25, "started": 0.75, "applied": 2.0, "sync": 8.0}
    assert told == [[], [], [applied], [{"healthy": 3.0, "total": 11.0}], []]


def test_what_had_nothing_applied_is_not_measured(timeline: Timeline):
    new = advanced(found(timeline, seen(B), [committed(B)]), LIVE, after(3))
    assert new.at
    assert new.at.healthy
    assert list(reached(timeline, new)) == []


def test_a_clock_that_is_ahead_is_told_as_skew_and_never_as_a_duration(timeline: Timeline):
    timeline = found(timeline, seen(B, at=5), [committed(B, at=9)])
    timeline = advanced(timeline, syncing(SUCCEEDED), after(6))
    new = advanced(timeline, LIVE, after(12))
    assert new.at
    detected = steps_of(new.at)[1]
    assert (detected.took, detected.skew) == (None, timedelta(seconds=4))
    assert lead_time(new.at) is None
    [applied] = reached(Timeline((Entry(B),)), timeline)
    assert "detected" not in applied
    assert "sync" not in applied


def test_an_engine_whose_clock_is_set_back_notes_no_time_before_an_earlier_one(timeline: Timeline):
    timeline = found(timeline, seen(B, at=5), [committed(B)])
    timeline = advanced(timeline, syncing(SUCCEEDED), after(-3600))
    assert timeline.at
    assert timeline.at.applied == after(5.25)


def test_a_commit_that_does_not_render_says_why_and_is_superseded_by_what_mends_it(timeline: Timeline):
    broken = Sighting(B, "", ("charts/web",), after(5), None, "no such luck")
    assert is_news(timeline, broken)
    timeline = found(timeline, broken, [committed(B)])
    assert timeline.at
    assert (timeline.at.failed, timeline.at.rendered) == ("no such luck", None)
    assert not is_news(timeline, broken)
    assert is_news(timeline, seen(C, reads=A))
    mended = found(timeline, seen(C, reads=A), [committed(C)])
    assert [(e.revision, e.superseded_by) for e in mended.entries] == [(A, ""), (B, C), (C, "")]


def test_a_commit_that_renders_after_all_has_failed_no_longer(timeline: Timeline):
    timeline = found(timeline, Sighting(B, "", (), after(5), None, "no such chart"), [committed(B)])
    entry = found(timeline, seen(B, at=60), []).at
    assert entry
    assert (entry.failed, entry.detected, entry.rendered) == ("", after(5), after(60.25))


def test_where_no_commit_is_to_blame_none_is_blamed(timeline: Timeline):
    assert found(timeline, Sighting(B, "", (), after(5), None, "the disk is full"), []) == timeline


def test_only_so_many_commits_are_kept(timeline: Timeline):
    for number in range(30):
        timeline = found(timeline, seen(f"{number:040x}"), [committed(f"{number:040x}")])
    assert len(timeline.entries) == LIMIT
    assert timeline.at == timeline.entries[-1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "1e99",
        '{"commits": 1}',
        '{"commits": [1, {}, {"revision": "no sha"}]}',
        "[" * 5000,
    ],
)
def test_what_cannot_be_read_is_as_if_it_were_not_there(text: str):
    assert read(text).entries == ()


def test_a_malformed_time_is_a_time_that_is_not_known():
    times = {"detectedAt": "yesterday", "appliedAt": 7, "healthyAt": "9999-12-31T23:59:59-23:00"}
    [entry] = read(orjson.dumps({"commits": [{"revision": A, "images": "x", **times}]}).decode()).entries
    assert entry == Entry(A)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = [
    "revision",
    "subject",
    "images",
    "tip",
    "first",
    "committedAt",
    "detectedAt",
    "healthyAt",
    "supersededBy",
]
hostile = st.dictionaries(
    st.sampled_from(["reads", "current", "commits", "other"]),
    json_values
    | st.lists(st.dictionaries(st.sampled_from(names), json_values | st.just(A), max_size=6), max_size=3),
)


@given(hostile)
def test_every_annotation_is_read_and_what_was_read_is_written_as_it_is(value: object):
    timeline = read(orjson.dumps(value).decode())
    kept = timeline if timeline.entries else Timeline()
    assert read(written(timeline)) == kept
    advanced(found(timeline, seen(B), [committed(B)]), LIVE, NOON)


shas = [f"{number:040x}" for number in range(6)]
standings = st.sampled_from(
    [WAITING, LIVE, syncing(RUNNING), syncing(SUCCEEDED), syncing(FAILED), syncing(RUNNING, live=True)]
)
looks = st.lists(
    st.tuples(
        st.lists(st.sampled_from(shas), max_size=3, unique=True),
        st.sampled_from(shas),
        standings,
        st.integers(-9, 99),
    ),
    max_size=12,
)


def play(each: Sequence[tuple[list[str], str, Standing, int]], *, restarts: bool) -> list[Timeline]:
    """The timelines after each of the looks, by a clock that may be set back."""
    states = [Timeline()]
    for commits, tip, standing, at in each:
        state = read(written(states[-1])) if restarts else states[-1]
        sighting = seen(tip, at=at)
        if at % 7 == 0:
            sighting = replace(sighting, reads="", rendered=None, failed="no such luck")
        if is_news(state, sighting):
            state = found(state, sighting, [committed(sha) for sha in commits])
        states.append(advanced(state, standing, after(at + 1)))
    return states


@given(looks)
def test_the_engines_times_are_never_one_before_another(each: list[tuple[list[str], str, Standing, int]]):
    for entry in play(each, restarts=False)[-1].entries:
        times = [at for name in ENGINES_TIMES if (at := getattr(entry, name))]
        assert times == sorted(times)
        assert all(step.took is None or step.took >= timedelta() for step in steps_of(entry))


@given(looks)
def test_a_restart_loses_nothing(each: list[tuple[list[str], str, Standing, int]]):
    assert play(each, restarts=True) == play(each, restarts=False)


@given(looks)
def test_a_time_that_was_noted_stays(each: list[tuple[list[str], str, Standing, int]]):
    states = play(each, restarts=False)
    for before, now in itertools.pairwise(states):
        for entry in before.entries:
            if kept := now.entry(entry.revision):
                assert all(getattr(kept, name) == at for name in TIMES if (at := getattr(entry, name)))


def test_texts_are_cut_to_where_there_is_room():
    entry = Entry(A, subject="x" * 999, images=("y" * 999,) * 9)
    assert len(written(Timeline((entry,) * LIMIT))) < 30_000
    assert replace(entry) == entry
