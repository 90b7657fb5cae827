"""What a watcher is told of applications."""

from dataclasses import replace

from tiphys.local.looks import Look, all_well, look_at, news
from tiphys.model.api import decode_application

HOMEPAGE = b"""{"apiVersion":"argoproj.io/v1alpha1","kind":"Application",
"metadata":{"name":"homepage","namespace":"argocd"},
"spec":{"project":"default","destination":{},"source":{"repoURL":"http://x"}},
"status":{"sync":{"status":"Synced","revision":"0123456789abcdef"},"health":{"status":"Healthy"},
"summary":{"images":["homepage:1.0.0"]},
"operationState":{"operation":{},"phase":"Succeeded","message":"all\\napplied","startedAt":"2026-01-01T00:00:00Z"}}}"""

WELL = Look("homepage", "Synced", "Healthy", "0123456", images=frozenset({"homepage:1.0.0"}))


def test_an_application_is_seen_in_short() -> None:
    look = look_at(decode_application(HOMEPAGE))
    assert (look.sync, look.health, look.revision, look.message) == (
        "Synced",
        "Healthy",
        "0123456",
        "all applied",
    )


def test_an_application_that_the_engine_shall_look_at_anew_is_not_known_to_be_well() -> None:
    asked = HOMEPAGE.replace(
        b'"namespace":"argocd"', b'"annotations":{"argocd.argoproj.io/refresh":"normal"}'
    )
    assert not look_at(decode_application(asked)).well
    assert look_at(decode_application(HOMEPAGE)).well


def test_a_bumped_tag_is_told_from_the_commit_to_the_running_image() -> None:
    bumped = replace(WELL, revision="89abcde", sync="OutOfSync")
    live = replace(bumped, sync="Synced", images=frozenset({"homepage:1.0.1"}))
    assert news({"homepage": WELL}, {"homepage": bumped}) == ["homepage: revision 89abcde, OutOfSync"]
    assert news({"homepage": bumped}, {"homepage": live}) == ["homepage: Synced, runs homepage:1.0.1"]


def test_a_second_sync_of_the_same_revision_is_news() -> None:
    before = replace(WELL, operation=("10:00", "Succeeded"))
    assert news({"homepage": before}, {"homepage": replace(before, operation=("10:05", "Running"))}) == [
        "homepage: sync running"
    ]


def test_what_comes_and_goes_is_told() -> None:
    assert news({}, {"homepage": Look("homepage")}) == ["homepage: new"]
    assert news({}, {"homepage": WELL}) == ["homepage: revision 0123456, Synced, Healthy"]
    assert news({"homepage": WELL}, {}) == ["homepage: gone"]
    assert news({"homepage": WELL}, {"homepage": WELL}) == []


def test_why_it_is_not_well_is_told_once() -> None:
    sick = replace(WELL, sync="Unknown", trouble="ComparisonError: values.yaml: line 3")
    assert news({"homepage": WELL}, {"homepage": sick}) == [
        "homepage: Unknown, ComparisonError: values.yaml: line 3"
    ]
    assert news({"homepage": sick}, {"homepage": replace(sick, health="Degraded")}) == ["homepage: Degraded"]


def test_all_is_well_only_when_there_is_something_and_each_is() -> None:
    assert all_well({"homepage": WELL})
    assert not all_well({})
    assert not all_well({"homepage": WELL, "api": replace(WELL, health="Progressing")})
