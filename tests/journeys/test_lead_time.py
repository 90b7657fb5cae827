"""From a release to healthy: each step is noted, told, and measured."""

import json
import re
import urllib.request

from journeys.conftest import POLL, Platform, until

LISTENING = re.compile(r"listening +url=(\S+)")
STEPS = ["built", "pushed", "committed", "detected", "rendered", "started", "applied", "healthy"]


def test_a_release_is_followed_until_it_is_live_and_traced_by_any_of_its_names(platform: Platform):
    repo = platform._git("remote", "get-url", "origin").strip()
    sources = ("--source-commit", "https://git.example.com/homepage/commit/5eed5eed5eed")
    times = ("--built", "2026-01-01T10:00:00Z", "--pushed", "2026-01-01T10:00:05Z")
    said = platform.tiphys(
        "image", "set", "homepage", "--tag", "5eed5eed5eed", "--repo", repo, *sources, *times, "--wait"
    )
    assert "Live. Lead time" in said
    [facts] = json.loads(platform.tiphys("trace", "5eed5ee", "-o", "json"))
    assert [step["name"] for step in facts["steps"]] == STEPS
    seconds = [step.get("seconds", 0) for step in facts["steps"]]
    assert all(each >= 0 for each in seconds)
    assert seconds[STEPS.index("detected")] < POLL + 5
    assert facts["leadTimeSeconds"] > 0
    image = platform.image("homepage")
    for word in (facts["revision"][:9], image, "homepage"):
        found = json.loads(platform.tiphys("trace", word, "-o", "json"))
        assert facts["revision"] in [each["revision"] for each in found]
    platform._git("pull", "--quiet", "--rebase", "origin", "HEAD")


def test_of_two_commits_between_two_polls_each_application_shows_its_own(platform: Platform):
    for chart in ("homepage", "api"):
        path = platform.charts / "charts" / chart / "values.yaml"
        path.write_text(re.sub(r'tag: ".*?"', 'tag: "9.9.9"', path.read_text(), count=1))
        platform._git("commit", "--quiet", "--all", "--message", f"Set {chart} to 9.9.9")
    platform._git("push", "--quiet", "origin", "HEAD")
    commits = dict(zip(("api", "homepage"), platform._git("log", "-2", "--format=%H").split(), strict=True))
    for name, sha in commits.items():
        until(lambda n=name: platform.image(n).endswith(":9.9.9"), POLL + 30, f"{name} runs 9.9.9")
        said = platform.tiphys("trace", sha, "--wait", "--timeout", "60")
        assert f"argocd/{name}" in said
        assert f"Set {name} to 9.9.9" in said


def test_what_does_not_render_is_told_to_whoever_waits(platform: Platform):
    template = platform.charts / "charts/api/templates/application.yaml"
    before = template.read_text()
    template.write_text(before + '\n{{ fail "no such luck" }}\n')
    broken = platform.push("break api")
    assert "no such luck" in platform.tiphys("trace", broken, "--wait", "--timeout", "60", code=1)
    assert "break api" in platform.tiphys("trace", broken)
    template.write_text(before)
    mended = platform.push("mend api")
    assert "nothing had to be applied" in platform.tiphys("trace", mended, "--wait", "--timeout", "60")
    assert f"by {mended[:7]}, which contains it and is live" in platform.tiphys("trace", broken)


def test_lead_times_are_measured(platform: Platform):
    sha = platform.bump("homepage", "7.7.7")
    platform.tiphys("trace", sha, "--wait", "--timeout", "60")
    url = LISTENING.findall(platform.place.log("engine").read_text())[-1]
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:  # noqa: S310 - our own engine
        figures = answer.read().decode()
    stages = set(re.findall(r'tiphys_lead_time_seconds_count\{project="default",stage="(\w+)"\}', figures))
    assert {"detected", "rendered", "started", "applied", "healthy", "total"} <= stages
    assert 'tiphys_commit_to_sync_seconds_count{project="default"}' in figures
