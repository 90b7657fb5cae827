"""Of each commit it is noted when it came how far, beside the status and at no further cost."""

from collections.abc import Mapping
from datetime import timedelta

import yaml

from reconcile.charts import chart
from reconcile.stage import Stage, key
from tiphys.core.timeline.entries import Timeline, read
from tiphys.core.timeline.steps import steps_of
from tiphys.model.tracking import TIMELINE

SHOP = key("Application", "shop")
RELEASE = """Set shop to v2

Image: example.org/shop:v2
Digest: sha256:abc
Source-Commit: https://git.example.org/shop/commit/1f3a2b4
Image-Built: 2023-11-14T22:12:00Z
Image-Pushed: 2023-11-14T22:12:30Z
"""


class Measured:
    """A meter that remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, set[str]]] = []

    def took(self, project: str, seconds: Mapping[str, float]) -> None:
        self.told.append((project, set(seconds)))


def timeline(stage: Stage, name: str = "shop") -> Timeline:
    return read(stage.application(name)["metadata"].get("annotations", {}).get(TIMELINE, ""))


async def running(stage: Stage, *names: str) -> None:
    """The applications are there, on an engine that measures."""
    for name in names:
        stage.push(chart(name))
    for name in names:
        stage.wants(name)
        await stage.plays(name)


async def comes(stage: Stage, tag: str, message: str = "a change", name: str = "shop") -> str:
    sha = stage.push({f"{name}/values.yaml": f"image: example.org/{name}\ntag: {tag}\n"}, message)
    stage.clock += timedelta(seconds=7)
    await stage.poll()
    stage.clock += timedelta(seconds=1)
    return sha


async def test_a_release_is_followed_from_the_build_to_healthy(stage: Stage) -> None:
    await running(stage, "shop")
    sha = await comes(stage, "v2", RELEASE)
    await stage.plays("shop")
    entry = timeline(stage).entries[-1]
    assert (entry.revision, entry.subject, entry.images) == (sha, "Set shop to v2", ("example.org/shop:v2",))
    assert entry.source_commit.endswith("/commit/1f3a2b4")
    names = [step.name for step in steps_of(entry)]
    assert names == ["built", "pushed", "committed", "detected", "rendered", "started", "applied", "healthy"]
    assert entry.detected
    assert entry.rendered
    assert entry.rendered - entry.detected == timedelta(seconds=1)


async def test_a_commit_that_changes_nothing_of_an_application_is_none_of_its_own(stage: Stage) -> None:
    await running(stage, "shop", "api")
    before = timeline(stage, "api")
    sha = await comes(stage, "v2")
    await stage.plays("api")
    assert timeline(stage, "api") == before
    assert stage.status("api")["sync"]["revision"] == sha


async def test_a_commit_that_others_follow_before_anybody_looks_is_found_with_its_own_words(
    stage: Stage,
) -> None:
    await running(stage, "shop", "api")
    sha = stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v2\n"}, RELEASE)
    tip = await comes(stage, "v9", "Set api to v9", name="api")
    await stage.plays("shop")
    entry = timeline(stage).entries[-1]
    assert (entry.revision, entry.tip, entry.subject) == (sha, tip, "Set shop to v2")
    assert entry.applied
    assert entry.healthy


async def test_a_commit_that_is_overtaken_names_the_one_that_contains_it(stage: Stage) -> None:
    await running(stage, "shop")
    second = stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v2\n"})
    third = await comes(stage, "v3")
    await stage.plays("shop")
    assert [(e.revision, e.superseded_by) for e in timeline(stage).entries[1:]] == [
        (second, third),
        (third, ""),
    ]


async def test_a_commit_that_does_not_render_is_blamed_until_another_mends_it(stage: Stage) -> None:
    await running(stage, "shop", "api")
    other = timeline(stage, "api")
    sha = await comes(stage, "v2}}")
    stage.push({"shop/templates/config.yaml": '{{ fail "no such luck" }}'})
    await stage.poll()
    await stage.plays("shop")
    entry = timeline(stage).entries[-1]
    assert "no such luck" in entry.failed
    assert entry.rendered is None
    assert timeline(stage).entries[-2].revision == sha
    stage.api.asked.clear()
    await stage.tells("shop")
    assert stage.api.writes == []
    mended = stage.push({"shop/templates/config.yaml": None})
    await stage.poll()
    await stage.plays("shop")
    entry = timeline(stage).entries[-1]
    assert (entry.revision, entry.failed) == (mended, "")
    assert entry.healthy
    await stage.plays("api")
    assert timeline(stage, "api") == other


async def test_a_restart_at_any_write_loses_no_time_that_was_noted(stage: Stage) -> None:
    await running(stage, "shop")
    await comes(stage, "v2")
    await stage.tells("shop")
    before = timeline(stage).entries[-1]
    await stage.begin()
    await stage.plays("shop")
    entry = timeline(stage).entries[-1]
    assert (entry.detected, entry.rendered, entry.started) == (
        before.detected,
        before.rendered,
        before.started,
    )
    assert entry.healthy


async def test_what_is_at_rest_is_not_written(stage: Stage) -> None:
    await running(stage, "shop")
    await comes(stage, "v2")
    await stage.plays("shop")
    stage.api.asked.clear()
    await stage.tells("shop")
    assert stage.api.writes == []


async def test_a_malformed_timeline_holds_up_nothing_and_is_begun_anew(stage: Stage) -> None:
    await running(stage, "shop")
    stage.by_hand(SHOP, {"metadata": {"annotations": {TIMELINE: '{"commits": [[1e99]], "reads": []}'}}})
    sha = await comes(stage, "v2")
    await stage.plays("shop")
    assert stage.says("shop") == ("Synced", "Healthy")
    [entry] = timeline(stage).entries
    assert (entry.revision, entry.first) == (sha, True)


async def test_the_timeline_of_a_child_is_no_difference_of_its_parent(stage: Stage) -> None:
    await running(stage, "shop")
    child = stage.application("shop")
    wanted = {
        "apiVersion": child["apiVersion"],
        "kind": child["kind"],
        "metadata": {"name": "shop", "namespace": "argocd"},
    }
    stage.push({"root/shop.yaml": yaml.safe_dump({**wanted, "spec": child["spec"]})})
    stage.wants("root", destination={"server": "https://kubernetes.default.svc", "namespace": "argocd"})
    await stage.poll()
    await stage.plays("root")
    assert stage.says("root")[0] == "Synced"
    await comes(stage, "v2")
    await stage.plays("shop")
    stage.api.asked.clear()
    await stage.tells("root")
    assert stage.says("root")[0] == "Synced"
    assert not [request for request in stage.api.writes if "shop" in request.path]


async def test_each_commit_is_measured_once(stage: Stage) -> None:
    meter = Measured()
    await running(stage, "shop")
    object.__setattr__(stage.world, "meter", meter)
    await comes(stage, "v2")
    await stage.plays("shop")
    await stage.plays("shop")
    assert meter.told == [
        ("default", {"detected", "rendered", "started", "applied", "sync"}),
        ("default", {"healthy", "total"}),
    ]
