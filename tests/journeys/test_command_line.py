"""The command line against a running engine."""

import json
import time

from journeys.conftest import POLL, Platform, until
from tiphys.local import engine
from tiphys.local.place import NAMESPACE


def test_a_sync_by_hand_prints_what_it_did_and_is_in_the_history(platform: Platform):
    told = platform.tiphys("app", "sync", "api")
    assert "Phase:              Succeeded" in told
    history = json.loads(platform.tiphys("app", "get", "api", "-o", "json"))["status"]["history"]
    assert history[-1].get("initiatedBy", {}).get("automated") is not True
    assert platform.tiphys("app", "history", "api", "-o", "id").split() == [
        str(entry["id"]) for entry in history
    ]


def test_diff_tells_by_its_exit_code_whether_anything_differs(platform: Platform):
    assert platform.tiphys("app", "diff", "api") == ""
    _automated(platform, "null")
    try:
        platform.kubectl(
            "label", "deployment", "api", "-n", "api", "app.kubernetes.io/name=other", "--overwrite"
        )
        told = platform.tiphys("app", "diff", "api", code=1)
        assert "===== apps/Deployment api/api ======" in told
        assert "other" in told
        until(lambda: platform.apps()["api"][0] == "OutOfSync", 10, "api is out of sync")
        platform.tiphys("app", "sync", "api", "--timeout", "60")
        assert platform.tiphys("app", "diff", "api") == ""
    finally:
        _automated(platform, '{"prune":true,"selfHeal":true}')


def test_wait_and_refresh_bring_a_commit_without_waiting_for_the_poll(platform: Platform):
    commit = platform.bump("api", "5.0.0")
    platform.tiphys("app", "refresh", "api")
    platform.tiphys("app", "wait", "api", "--timeout", "60")
    assert platform.live_at("api", commit)


def test_a_dry_run_changes_nothing(platform: Platform):
    before = platform.get("deployment", "api", "-n", "api")["metadata"]["generation"]
    assert "dry run" in platform.tiphys("app", "sync", "api", "--dry-run")
    assert platform.get("deployment", "api", "-n", "api")["metadata"]["generation"] == before


def test_deleting_without_cascade_leaves_what_runs(platform: Platform):
    platform.tiphys("app", "delete", "api", "--cascade=false", "--yes", "--wait")
    assert "api" not in platform.apps()
    assert platform.image("api")
    platform.upgrade_root()
    platform.kubectl("get", "application", "api", "-n", NAMESPACE)
    until(platform.all_well, 30, "api is adopted again")


def test_an_unknown_application_is_named_with_its_neighbours(platform: Platform):
    told = platform.tiphys("app", "get", "homepag", code=1)
    assert "homepag" in told
    assert "did you mean homepage" in told
    assert "Traceback" not in told


def test_the_engine_ends_cleanly_on_sigterm_and_goes_on_when_started(platform: Platform):
    began = time.monotonic()
    assert engine.stop(platform.place)
    assert time.monotonic() - began < 10
    assert "stopped" in platform.place.log("engine").read_text().splitlines()[-1]
    commit = platform.bump("api", "5.1.0")
    before = platform.renders()
    platform.start_engine()
    until(lambda: platform.live_at("api", commit), POLL + 30, "what was pushed meanwhile is live")
    assert platform.renders() - before == {"api": 1}


def _automated(platform: Platform, value: str) -> None:
    patch = f'{{"spec":{{"syncPolicy":{{"automated":{value}}}}}}}'
    platform.kubectl("patch", "application", "api", "-n", NAMESPACE, "--type=merge", "-p", patch)
