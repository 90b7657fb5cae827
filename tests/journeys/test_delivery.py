"""A commit is live, a broken one is told, and a killed engine goes on."""

import time

import pytest

from journeys.conftest import POLL, Platform, until
from tiphys.local import engine


def test_a_new_tag_is_live_within_one_poll_and_only_its_application_is_rendered(platform: Platform):
    before = platform.renders()
    commit = platform.bump("homepage", "2.0.0")
    until(
        lambda: platform.image("homepage").endswith(":2.0.0"), POLL + 5, "the new image is in the Deployment"
    )
    until(lambda: platform.live_at("homepage", commit), 30, "homepage is synced to the commit and healthy")
    until(lambda: platform.app("api")["status"]["sync"]["revision"] == commit, 10, "api knows the commit")
    assert platform.renders() - before == {"homepage": 1}
    assert platform.app("homepage")["status"]["summary"]["images"] == ["ghcr.io/example/homepage:2.0.0"]


def test_a_chart_that_does_not_render_is_told_with_file_and_line_while_the_others_go_on(platform: Platform):
    template = platform.charts / "charts/api/templates/application.yaml"
    before = template.read_text()
    template.write_text(before + '\n{{ fail "no such luck" }}\n')
    line = len(before.splitlines()) + 2
    platform.push("break api")

    def told() -> str:
        conditions = platform.app("api")["status"].get("conditions", [])
        return next((c["message"] for c in conditions if c["type"] == "ComparisonError"), "")

    until(told, POLL + 10, "the condition is there")
    assert f"api/templates/application.yaml:{line}" in told()
    assert "no such luck" in told()
    commit = platform.bump("homepage", "2.1.0")
    until(lambda: platform.live_at("homepage", commit), 30, "homepage goes on")
    assert platform.apps()["api"] == ("Unknown", "Healthy")

    template.write_text(before)
    commit = platform.push("mend api")
    until(lambda: platform.live_at("api", commit) or platform.all_well(), 30, "api is well again")
    assert not platform.app("api")["status"].get("conditions")


@pytest.mark.parametrize("delay", [0.0, 0.3])
def test_an_engine_killed_in_the_middle_of_a_sync_goes_on_and_ends_in_the_same_state(
    platform: Platform, delay: float
):
    tag = f"3.{int(delay * 10)}.0"
    commit = platform.bump("api", tag)

    def begun() -> bool:
        state = platform.app("api")["status"].get("operationState", {})
        return state.get("syncResult", {}).get("revision") == commit

    until(begun, POLL + 10, "the sync began")
    time.sleep(delay)
    platform.kill_engine()
    assert engine.program(platform.place).pid() is None
    platform.start_engine()
    until(lambda: platform.live_at("api", commit), 40, "the sync ended after the restart")
    assert platform.image("api").endswith(f":{tag}")
    revisions = [entry["revision"] for entry in platform.app("api")["status"]["history"]]
    assert revisions.count(commit) == 1
