"""``tiphys trace``: how far a commit is, told from what the engine notes in Applications."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
import yaml

from tiphys.cli.tracing.commits import Code, Trace, is_meant, meant_by, rendering
from tiphys.core.timeline.entries import Entry, Timeline, written
from tiphys.model.api import decode_application
from tiphys.model.tracking import TIMELINE

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)
OLD, COMMIT, NEXT = "a" * 40, "1f3a2b4c" * 5, "b" * 40
SOURCE = "https://git.example.com/homepage/commit/0c0ffee1234567890abcdef1234567890abcdef1"
IMAGE = "ghcr.io/example/homepage:0c0ffee12345"
WELL = {"sync": {"status": "Synced", "revision": COMMIT}, "health": {"status": "Healthy"}}
OUT = {"sync": {"status": "OutOfSync"}, "health": {"status": "Healthy"}}
SICK = {"status": "Degraded", "message": "no pod"}
AUTOMATED = {"syncPolicy": {"automated": {}}}


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def sick_since(seconds):
    return {**SICK, "lastTransitionTime": after(seconds).isoformat()}


def entry(revision=COMMIT, **fields):
    usual = {"committed": NOON, "detected": after(4), "rendered": after(4.2), "subject": "Set homepage to v2"}
    return Entry(revision, **{**usual, "images": (IMAGE,), "source_commit": SOURCE, **fields})


LIVE = entry(started=after(4.3), applied=after(5.3), healthy=after(8), built=after(-9), pushed=after(-2))
OLDER = entry(OLD, healthy=NOON, first=True, images=(), source_commit="")


def timeline(*entries):
    return {TIMELINE: written(Timeline(entries, "reads", entries[-1].revision))}


def app(*entries, status=None, name="homepage", **spec):
    """An Application with a timeline."""
    source = {
        "repoURL": "https://git.example.com/charts.git",
        "path": f"charts/{name}",
        "targetRevision": "HEAD",
    }
    destination = {"server": "https://kubernetes.default.svc", "namespace": "web"}
    body = {
        "metadata": {
            "name": name,
            "namespace": "argocd",
            "annotations": timeline(*entries) if entries else {},
        },
        "spec": {"project": "default", "destination": destination, "source": source, **spec},
        "status": status or WELL,
    }
    return decode_application(orjson.dumps(body))


def operation(phase, message, revision=COMMIT):
    started = {
        "operation": {"sync": {}},
        "startedAt": "2026-09-21T12:00:04Z",
        "syncResult": {"revision": revision},
    }
    return {"operationState": {**started, "phase": phase, "message": message}}


@pytest.mark.parametrize(
    "word",
    ["1f3a2b4", COMMIT, SOURCE[-40:], "0c0ffee", IMAGE, "homepage:0c0ffee12345", "sha256:abc"],
)  # fmt: skip
def test_a_commit_is_meant_by_its_sha_that_of_the_application_or_its_image(word):
    assert is_meant(word, entry(digest="sha256:abcdef"))


@pytest.mark.parametrize(
    "word", ["1f3a2b5", "0c0ffef", "page:0c0ffee12345", "homepage:v2", "sha256:", "", "sha256:b"]
)
def test_another_sha_or_image_does_not_mean_it(word):
    assert not is_meant(word, entry(digest="sha256:abcdef"))


def test_the_name_of_an_application_means_all_of_its_commits_newest_first():
    apps = [app(OLDER, LIVE), app(LIVE, name="api")]
    assert [each.entry.revision for each in meant_by("homepage", apps)] == [COMMIT, OLD]
    assert [each.app.metadata.name for each in meant_by("1f3a2b4", apps)] == ["homepage", "api"]


@pytest.mark.parametrize(
    ("status", "fields", "code", "said"),
    [
        (WELL, {"healthy": after(8), "applied": after(5)}, Code.LIVE, "live"),
        (WELL, {"healthy": after(8)}, Code.LIVE, "nothing had to be applied"),
        ({**WELL, **operation("Failed", "no such field")}, {}, Code.FAILED, "its sync failed: no such field"),
        ({**OUT, **operation("Failed", "the old one", OLD)}, {}, Code.PENDING, "waits for its sync"),
        ({**WELL, **operation("Running", "waiting for web")}, {}, Code.PENDING, "being synced: waiting for web"),
        ({**WELL, "health": SICK}, {"applied": after(5)}, Code.FAILED, "Degraded: no pod"),
        ({**WELL, "health": sick_since(5)}, {"applied": after(5.9)}, Code.FAILED, "Degraded: no pod"),
        ({**WELL, "health": sick_since(-600)}, {"applied": after(5)}, Code.PENDING, "Synced and Degraded: no pod"),
        ({**WELL, "health": {"status": "Progressing"}}, {"applied": after(5)}, Code.PENDING, "Synced and Progressing"),
    ],
)  # fmt: skip
def test_it_is_told_how_far_a_commit_is(status, fields, code, said):
    one = entry(**fields)
    found, sentence = Trace(app(OLDER, one, status=status, **AUTOMATED), one).standing
    assert found is code
    assert said in sentence


def test_without_an_automated_policy_the_command_that_is_lacking_is_told():
    one = entry()
    assert "tiphys app sync homepage" in Trace(app(one, status=OUT), one).standing[1]


def test_a_superseded_commit_is_as_far_as_the_one_that_contains_it():
    one, newer = entry(OLD, superseded_by=COMMIT), LIVE
    code, said = Trace(app(one, newer), one).standing
    assert code is Code.SUPERSEDED
    assert said == "superseded before it was applied by 1f3a2b4, which contains it and is live"
    waiting = Trace(app(one, entry(), status={**WELL, **operation("Running", "")}), one)
    assert waiting.standing[0] is Code.PENDING


@pytest.mark.parametrize(
    ("repo", "branch", "file", "found"),
    [
        ("git@git.example.com:charts.git", "", "charts/homepage/values.yaml", True),
        ("https://git.example.com/other.git", "", "charts/homepage/values.yaml", False),
        ("https://git.example.com/charts", "", "charts/homepage2/values.yaml", False),
        ("https://git.example.com/charts", "main", "charts/homepage/values.yaml", True),
    ],
)
def test_the_applications_that_render_from_a_file_are_found(repo, branch, file, found):
    assert bool(rendering(repo, branch, [file], [app(LIVE)])) is found


def test_an_application_of_another_branch_does_not_render_from_a_file():
    source = {
        "repoURL": "https://git.example.com/charts",
        "path": "charts/homepage",
        "targetRevision": "staging",
    }
    staging = app(LIVE, source=source)
    assert not rendering("https://git.example.com/charts", "main", ["charts/homepage/values.yaml"], [staging])
    assert rendering("https://git.example.com/charts", "staging", ["charts/homepage/values.yaml"], [staging])


def test_an_application_renders_from_value_files_of_another_folder_too():
    helm = {"valueFiles": ["values.yaml", "../../prod/homepage.yaml"]}
    source = {"repoURL": "https://git.example.com/charts", "path": "charts/homepage", "helm": helm}
    prod = app(LIVE, source=source)
    assert rendering("https://git.example.com/charts", "", ["prod/homepage.yaml"], [prod])
    assert not rendering("https://git.example.com/charts", "", ["prod/api.yaml"], [prod])


def notes(plane, name, *entries, status=None):
    plane.has(name, status or WELL)
    plane.patch(name, {"metadata": {"annotations": timeline(*entries)}})


def test_a_commit_is_shown_step_by_step_with_the_lead_time(tiphys, plane_of_mine):
    notes(plane_of_mine, "homepage", OLDER, LIVE)
    outcome = tiphys("trace", "0c0ffee")
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    table = lines.index(next(line for line in lines if line.startswith("STEP")))
    steps = [line.split()[0] for line in lines[table + 1 :] if line][:-1]
    assert steps == ["built", "pushed", "committed", "detected", "rendered", "syncing", "applied", "healthy"]
    assert lines[-1] == "Live. Lead time: 17.0s, from built to healthy."
    assert f"Image:              {IMAGE}" in lines


def test_facts_are_the_same_as_json_and_yaml(tiphys, plane_of_mine):
    notes(plane_of_mine, "homepage", OLDER, LIVE)
    [facts] = orjson.loads(tiphys("trace", "1f3a2b4", "-o", "json").out)
    assert [facts] == yaml.safe_load(tiphys("trace", "1f3a2b4", "-o", "yaml").out)
    assert (facts["application"], facts["state"], facts["leadTimeSeconds"]) == ("homepage", "live", 17.0)
    assert facts["steps"][3] == {"name": "detected", "at": "2026-09-21T12:00:04.000Z", "seconds": 4.0}


def test_a_clock_that_is_ahead_is_told(tiphys, plane_of_mine):
    notes(plane_of_mine, "homepage", entry(committed=after(10), healthy=after(11), applied=after(11)))
    outcome = tiphys("trace", "1f3a2b4")
    assert "clocks differ by 6.0s or more" in outcome.out
    assert "The lead time is not known, since clocks differ." in outcome.out


def test_what_nobody_knows_is_told_with_what_is_known(tiphys, plane_of_mine):
    outcome = tiphys("trace", "abcdef0")
    assert outcome.code == 1
    assert "there is no Application here" in outcome.err
    plane_of_mine.has("homepage", WELL)
    assert "no Application here notes its commits" in tiphys("trace", "abcdef0").err
    plane_of_mine.patch("homepage", {"metadata": {"annotations": timeline(LIVE)}})
    outcome = tiphys("trace", "abcdef0")
    assert outcome.code == 1
    assert "the newest commits of which are: homepage (1f3a2b4)" in outcome.err


def test_a_commit_that_changed_nothing_is_told_so(tiphys, plane_of_mine):
    notes(plane_of_mine, "homepage", LIVE, status={**WELL, "sync": {"status": "Synced", "revision": NEXT}})
    outcome = tiphys("trace", "bbbbbbb")
    assert (outcome.code, outcome.out) == (0, "")
    assert "changed nothing of what these render from: homepage" in outcome.err


def test_a_commit_that_nobody_knows_yet_is_waited_for_and_followed(tiphys, plane_of_mine):
    plane_of_mine.has("homepage", OUT)
    steps = [entry(), entry(started=after(5), applied=after(6)), LIVE]
    patches = [
        {"metadata": {"annotations": timeline(step)}, "status": WELL if step is LIVE else {}}
        for step in steps
    ]
    plane_of_mine.when("homepage", lambda _: True, *patches)
    outcome = tiphys("trace", "1f3a2b4", "--wait", "--timeout", "30")
    assert outcome.code == 0, outcome.err
    assert "1f3a2b4 healthy after" in outcome.err
    assert "Live. Lead time" in outcome.out


def test_waiting_ends_with_the_reason_where_the_sync_fails(tiphys, plane_of_mine):
    notes(
        plane_of_mine, "homepage", entry(), status={**WELL, **operation("Failed", "one field is immutable")}
    )
    outcome = tiphys("trace", "1f3a2b4", "--wait", "--timeout", "30")
    assert outcome.code == 1
    assert "homepage: not live: its sync failed: one field is immutable" in outcome.err


def test_waiting_ends_when_the_time_is_up(tiphys, plane_of_mine):
    notes(
        plane_of_mine,
        "homepage",
        entry(applied=after(5)),
        status={**WELL, "health": {"status": "Progressing"}},
    )
    outcome = tiphys("trace", "homepage", "--wait", "--timeout", "3")
    assert outcome.code == 1
    assert (
        "not live in the time that was given: homepage: applied; the application is Synced and Progressing"
        in outcome.err
    )
