"""``--wait``: what was pushed is followed until it is live; if it is not seen live, the exit code says so."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.git.origin import Origin
from tiphys.core.timeline.entries import Entry, Timeline, written
from tiphys.model.tracking import TIMELINE

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)
WELL = {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}
SET = ("image", "set", "charts/web", "--tag", "v2")


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    made = Origin(tmp_path / "charts.git", "")
    made.commit({"charts/web/values.yaml": "image: ghcr.io/example/web:v1\n"})
    return made


def newest(origin: Origin) -> str:
    return str(origin.git.references["refs/heads/main"].target)


def renders(plane, origin, status=WELL):
    """An Application of the chart."""
    source = {"repoURL": origin.file_url, "path": "charts/web", "targetRevision": "main"}
    destination = {"server": "https://kubernetes.default.svc", "namespace": "web"}
    plane.has("web", status, spec={"project": "default", "destination": destination, "source": source})


def becomes(plane, origin, status=WELL, **fields):
    """As soon as something is pushed, the Application is so with it."""
    before = newest(origin)

    def noted():
        entry = Entry(newest(origin), committed=NOON, detected=NOON, rendered=NOON, **fields)
        annotations = {TIMELINE: written(Timeline((entry,), "x", entry.revision))}
        plane.patch("web", {"metadata": {"annotations": annotations}, "status": status})

    plane.when("web", lambda _: newest(origin) != before, noted)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name the charts repository with --repo"),
        (("--repo", "https://git.example.com/charts.git", "--dry-run"), "--dry-run"),
        (("--repo", "https://git.example.com/charts.git", "--pull-request"), "tiphys trace SHA --wait"),
    ],
)
def test_what_is_not_pushed_cannot_be_waited_for(tiphys, words, said):
    done = tiphys(*SET, "--wait", *words)
    assert done.code == 2
    assert said in done.err


def test_without_a_cluster_the_push_has_happened_and_the_exit_code_tells(tiphys, origin):
    before = newest(origin)
    done = tiphys(*SET, "--repo", origin.file_url, "--wait", "--kubeconfig", "nowhere")
    assert done.code == 3
    assert newest(origin) != before
    assert f"{newest(origin)[:12]} is in the charts repository, whether or not it is live" in done.err
    assert "nowhere" in done.err.splitlines()[-1]


def test_it_is_followed_in_the_applications_that_render_the_chart(tiphys, origin, plane_of_mine):
    renders(plane_of_mine, origin)
    plane_of_mine.has("api", WELL)
    becomes(plane_of_mine, origin, applied=NOON, healthy=NOON)
    done = tiphys(*SET, "--repo", origin.file_url, "--wait", "--wait-timeout", "30")
    assert done.code == 0, done.err
    assert f"Following {newest(origin)[:7]} in web." in done.err
    assert "Live. Lead time: 0ms, from committed to healthy." in done.out


def test_where_it_is_degraded_the_reason_is_told(tiphys, origin, plane_of_mine):
    renders(plane_of_mine, origin)
    sick = {"sync": {"status": "Synced"}, "health": {"status": "Degraded", "message": "no pod is ready"}}
    becomes(plane_of_mine, origin, sick, applied=NOON)
    done = tiphys(*SET, "--repo", origin.file_url, "--wait", "--wait-timeout", "30", "-o", "json")
    assert done.code == 3
    assert "web: applied, and Degraded: no pod is ready" in done.err


def test_a_chart_that_breaks_is_told_before_the_commit_is_noted(tiphys, origin, plane_of_mine):
    renders(plane_of_mine, origin)
    before = newest(origin)
    conditions = [{"type": "ComparisonError", "message": "web/templates/x.yaml:1: no such luck"}]
    broken = {"status": {"sync": {"status": "Unknown"}, "conditions": conditions}}
    plane_of_mine.when("web", lambda _: newest(origin) != before, lambda: plane_of_mine.patch("web", broken))
    done = tiphys(*SET, "--repo", origin.file_url, "--wait", "--wait-timeout", "30")
    assert done.code == 3
    assert "no such luck" in done.err


def test_what_is_so_already_is_live_where_the_application_is_at_it(tiphys, origin, plane_of_mine):
    renders(plane_of_mine, origin, {**WELL, "sync": {"status": "Synced", "revision": newest(origin)}})
    done = tiphys("image", "set", "web", "--tag", "v1", "--repo", origin.file_url, "--wait")
    assert done.code == 0, done.err
    assert "Live; the engine notes no times." in done.out


def test_where_nobody_renders_the_chart_it_is_told_what_is_rendered(tiphys, origin, plane_of_mine):
    plane_of_mine.has("api", WELL)
    done = tiphys(*SET, "--repo", origin.file_url, "--wait")
    assert done.code == 3
    assert "no Application renders from charts/web/values.yaml" in done.err
    assert "those here render from api of https://git.example.com/charts.git" in done.err
