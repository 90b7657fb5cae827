"""Watched images: newer ones are committed to a repository on a Git host, as a real registry has them."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.git.origin import listen
from adapters.images.registry import registry  # noqa: F401 - a fixture
from adapters.registry.shelf import Shelf, shelf_of
from reconcile.stage import Stage, key
from tiphys.adapters.git import Branch, Settings, allowed_environment
from tiphys.adapters.registry import Registries
from tiphys.controller.image_watch import ImageWatch, Pace
from tiphys.controller.queue import Queue
from tiphys.core.images.annotations import IMAGES
from tiphys.core.images.image_updater import LIST, PREFIX
from tiphys.local.gitserver import application
from tiphys.model.errors import SpecError, Unavailable
from tiphys.model.objects import AppName
from tiphys.reconcile.watch_images import Outside, Round

VALUES = """\
# the homepage
deployment:
  image: {{repository: {image}, tag: '{tag}'}}   # kept by the image watch
"""


@dataclass
class Scene:
    """A stage with a registry and a Git host, and the loop that watches."""

    stage: Stage
    shelf: Shelf
    registry: Registries
    pushes: list[str]
    down: bool = False
    configs: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        world = self.stage.world
        self.watch = ImageWatch(
            Outside(world, self.registry, self.stage.engines, self, self), Queue[AppName]()
        )

    async def docker_config(self, namespace: str, secret: str) -> bytes:
        if secret and secret not in self.configs:
            raise SpecError(f"there is no Secret {namespace}/{secret}")
        return self.configs.get(secret, b"")

    @asynccontextmanager
    async def open(self, repo: str, name: str) -> AsyncIterator[Branch]:
        if self.down:
            raise Unavailable("the Git host is down")
        settings = Settings(environment=allowed_environment(os.environ))
        async with Branch.open(repo, name, settings) as branch:
            yield branch

    def image(self, name: str) -> str:
        return f"{self.shelf.host}/{name}"

    def has(self, *names: str, tag: str = "1.0.0") -> None:
        """Charts whose values name an image of the same name."""
        self.stage.push(
            {f"{name}/values.yaml": VALUES.format(image=self.image(name), tag=tag) for name in names}
        )

    def asks(self, name: str, words: str = "", **annotations: str) -> None:
        """An Application with the annotation; the words come after its image."""
        self.stage.wants(name)
        found = annotations or {IMAGES: f"{self.image(name)} {words}"}
        self.stage.by_hand(key("Application", name), {"metadata": {"annotations": found}})

    async def looks(self) -> Round | None:
        await self.stage._caught_up()
        for asked in list(self.stage.world.tips.readings):
            await self.stage.world.tips.poll(asked)
        return await self.watch.look()

    def value(self, path: str) -> str:
        return str(self.stage.origin.git.revparse_single(f"main:{path}").data.decode())

    def message(self) -> str:
        return str(self.stage.origin.git.revparse_single("main").message)

    def commits(self) -> int:
        git = self.stage.origin.git
        return sum(1 for _ in git.walk(git.references["refs/heads/main"].target))

    def troubles(self, name: str) -> str:
        return "\n".join(self.stage.world.memory.image_troubles.get(AppName("argocd", name), ()))


@pytest.fixture
async def scene(stage: Stage, registry: str) -> AsyncIterator[Scene]:  # noqa: F811
    async with AsyncExitStack() as stack:
        pushes: list[str] = []

        @web.middleware
        async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.endswith("/git-receive-pack"):
                pushes.append(request.path)
            return await handler(request)

        app = application(stage.folder / "served", None)
        app.middlewares.append(noted)
        stage.repo = f"{await listen(app, stack)}/git/charts.git"
        client = await stack.enter_async_context(Registries(stage.world.cache))
        yield Scene(stage, await shelf_of(registry, stack), client, pushes)


def pushed(scene: Scene, name: str, *tags: str, **created: str) -> None:
    for tag in tags:
        scene.shelf.push(name, tag)
    for tag, at in created.items():
        scene.shelf.push(name, tag, at)


async def test_the_highest_version_of_a_range_is_committed_and_nothing_else_changes(scene: Scene):
    scene.has("web1")
    pushed(scene, "web1", "1.0.0", "1.1.0", "1.10.0", "2.0.0", "latest")
    scene.asks("web1", "semver:1.x")
    await scene.looks()
    assert scene.value("web1/values.yaml") == VALUES.format(image=scene.image("web1"), tag="1.10.0")
    assert scene.message() == (
        "Set web1 to 1.10.0\n\n"
        f"- web1: {scene.image('web1')} 1.0.0 -> 1.10.0 (semver:1.x)\n\n"
        f"Image: {scene.image('web1')}:1.10.0\n"
    )
    assert not scene.troubles("web1")


async def test_what_is_so_already_costs_one_small_request_and_no_commit(scene: Scene):
    scene.has("web2")
    pushed(scene, "web2", "1.0.0", "1.1.0")
    scene.asks("web2", "semver:1.x")
    await scene.looks()
    scene.shelf.requests.clear()
    before = scene.commits()
    for _ in range(3):
        await scene.looks()
    assert scene.shelf.requests == ["GET web2/tags/list"] * 3
    assert scene.commits() == before


async def test_many_applications_are_one_commit_and_one_push(scene: Scene):
    names = [f"many{n}" for n in range(12)]
    scene.has(*names)
    for name in names:
        pushed(scene, name, "1.0.0", "1.1.0")
        scene.asks(name, "semver:1.x")
    before = scene.commits()
    await scene.looks()
    assert scene.commits() == before + 1
    assert len(scene.pushes) == 1
    assert {scene.value(f"{name}/values.yaml").count("1.1.0") for name in names} == {1}
    assert scene.message().startswith("Set many0, many1, many10 and 9 more to 1.1.0\n")


async def test_nobody_who_asks_costs_nothing(scene: Scene):
    scene.has("web3")
    scene.stage.wants("web3")
    assert await scene.looks() is None
    assert not scene.shelf.requests


async def test_the_newest_build_is_known_by_its_time_and_asked_once(scene: Scene):
    scene.has("web4", tag="c0ffee")
    pushed(
        scene, "web4", c0ffee="2026-01-01T00:00:00Z", beef="2026-03-01T00:00:00Z", aced="2026-02-01T00:00:00Z"
    )
    scene.asks("web4", "newest")
    await scene.looks()
    assert "tag: 'beef'" in scene.value("web4/values.yaml")
    scene.shelf.requests.clear()
    await scene.looks()
    assert scene.shelf.requests == ["GET web4/tags/list"]


async def test_a_tag_that_moves_is_followed_by_its_digest(scene: Scene):
    scene.has("web5", tag="stable")
    first = scene.shelf.push("web5", "stable")
    scene.asks("web5", **{IMAGES: f"{scene.image('web5')}:stable digest"})
    await scene.looks()
    assert f"tag: 'stable@{first}'" in scene.value("web5/values.yaml")
    scene.shelf.requests.clear()
    before = scene.commits()
    await scene.looks()
    assert (scene.shelf.requests, scene.commits()) == (["HEAD web5/manifests/stable"], before)
    second = scene.shelf.push("web5", "stable", "2026-05-05T00:00:00Z")
    await scene.looks()
    assert f"tag: 'stable@{second}'" in scene.value("web5/values.yaml")
    assert f"Digest: {second}\n" in scene.message()


async def test_a_pinned_digest_follows_the_tag(scene: Scene):
    scene.stage.push({"web6/values.yaml": f"image: {scene.image('web6')}:1.0.0@sha256:{'0' * 64}\n"})
    digest = scene.shelf.push("web6", "1.1.0")
    scene.asks("web6", "semver")
    await scene.looks()
    assert scene.value("web6/values.yaml") == f"image: {scene.image('web6')}:1.1.0@{digest}\n"


async def test_an_expression_finds_the_number_that_counts(scene: Scene):
    scene.has("web7", tag="main-9-abc")
    pushed(scene, "web7", "main-9-abc", "main-10-def", "dev-11-abc")
    scene.asks("web7", r"regexp:^main-(\d+)-[0-9a-f]+$")
    await scene.looks()
    assert "tag: 'main-10-def'" in scene.value("web7/values.yaml")


async def test_image_updaters_annotations_do_as_they_did(scene: Scene):
    scene.stage.push({"web8/prod.yaml": "app:\n  version: 1.0.0 # ours\n", "web8/values.yaml": "{}\n"})
    pushed(scene, "web8", "1.0.0", "1.2.0", "1.3.0-rc1")
    annotations = {
        LIST: f"app={scene.image('web8')}:~1",
        f"{PREFIX}app.helm.image-tag": "app.version",
        f"{PREFIX}app.ignore-tags": "*-rc*",
        f"{PREFIX}write-back-method": "git:secret:argocd/git",
        f"{PREFIX}write-back-target": "helmvalues:prod.yaml",
    }
    scene.asks("web8", **annotations)
    await scene.looks()
    assert scene.value("web8/prod.yaml") == "app:\n  version: 1.2.0 # ours\n"


async def test_the_value_file_that_wins_a_render_is_the_one_that_is_set(scene: Scene):
    scene.has("web9")
    scene.stage.push({"web9/prod.yaml": VALUES.format(image=scene.image("web9"), tag="1.0.0")})
    pushed(scene, "web9", "1.1.0")
    source = {"repoURL": scene.stage.repo, "path": "web9", "targetRevision": "main"}
    scene.stage.wants("web9", source={**source, "helm": {"valueFiles": ["prod.yaml"]}})
    annotations = {IMAGES: f"{scene.image('web9')} semver"}
    scene.stage.by_hand(key("Application", "web9"), {"metadata": {"annotations": annotations}})
    await scene.looks()
    assert ("1.1.0" in scene.value("web9/prod.yaml"), "1.1.0" in scene.value("web9/values.yaml")) == (
        True,
        False,
    )


async def test_what_goes_wrong_for_one_is_told_there_and_the_others_go_on(scene: Scene):
    scene.has("good", "typo", "gone", "none", "lost")
    pushed(scene, "good", "1.1.0")
    pushed(scene, "none", "1.0.0")
    scene.asks("good", "semver")
    scene.asks("typo", "semvr:1.x")
    scene.asks("gone", "semver")
    scene.asks("none", "semver:>=7")
    scene.asks("lost", **{IMAGES: f"{scene.image('other')} semver"})
    await scene.looks()
    assert "1.1.0" in scene.value("good/values.yaml")
    assert "did you mean semver?" in scene.troubles("typo")
    assert "has no repository gone" in scene.troubles("gone")
    assert "semver:>=7 allows none of its 1 tags, such as 1.0.0" in scene.troubles("none")
    assert "lost has no image of this repository in lost/values.yaml" in scene.troubles("lost")
    assert not scene.troubles("good")


async def test_troubles_are_a_condition_that_goes_away_with_its_cause(scene: Scene):
    scene.has("web10")
    scene.stage.push({"web10/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"})
    directory = {"directory": {"include": "map.yaml"}}
    source = {"repoURL": scene.stage.repo, "path": "web10", "targetRevision": "main", **directory}
    scene.stage.wants("web10", source=source)
    pushed(scene, "web10", "1.0.0")
    name = key("Application", "web10")
    scene.stage.by_hand(name, {"metadata": {"annotations": {IMAGES: f"{scene.image('web10')} sideways"}}})
    await scene.looks()
    assert len(scene.watch.queue) == 1
    await scene.stage.plays("web10")
    assert "'sideways' is neither a policy" in scene.stage.conditions("web10")["ImageWatchWarning"]
    assert scene.stage.says("web10")[0] == "Synced"
    scene.stage.by_hand(name, {"metadata": {"annotations": {IMAGES: None}}})
    await scene.looks()
    await scene.stage.plays("web10")
    assert "ImageWatchWarning" not in scene.stage.conditions("web10")


async def test_a_parameter_that_outranks_the_file_is_told(scene: Scene):
    scene.has("web18")
    pushed(scene, "web18", "1.1.0")
    source = {"repoURL": scene.stage.repo, "path": "web18", "targetRevision": "main"}
    parameters = [{"name": "deployment.image.tag", "value": "1.0.0"}]
    scene.stage.wants("web18", source={**source, "helm": {"parameters": parameters}})
    annotations = {IMAGES: f"{scene.image('web18')} semver"}
    scene.stage.by_hand(key("Application", "web18"), {"metadata": {"annotations": annotations}})
    before = scene.commits()
    await scene.looks()
    assert "parameters sets deployment.image.tag, which outranks the files" in scene.troubles("web18")
    assert scene.commits() == before


async def test_a_file_of_another_application_is_out_of_reach(scene: Scene):
    scene.has("mine", "theirs")
    pushed(scene, "theirs", "1.1.0")
    scene.asks("mine", **{IMAGES: f"{scene.image('theirs')} semver file:../theirs/values.yaml"})
    await scene.looks()
    assert "theirs/values.yaml is neither in mine nor among" in scene.troubles("mine")
    assert "1.1.0" not in scene.value("theirs/values.yaml")


async def test_two_that_want_one_place_otherwise_both_wait(scene: Scene):
    scene.has("both")
    pushed(scene, "both", "1.1.0", "2.0.0")
    scene.asks("both", "semver:1.x")
    scene.stage.wants("twin", "both")
    annotations = {IMAGES: f"{scene.image('both')} semver:2.x"}
    scene.stage.by_hand(key("Application", "twin"), {"metadata": {"annotations": annotations}})
    before = scene.commits()
    await scene.looks()
    assert scene.commits() == before
    assert "is watched twice, and the policies choose 1.1.0 and 2.0.0" in scene.troubles("both")


async def test_a_neighbours_commit_is_never_overwritten(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    scene.has("web11")
    pushed(scene, "web11", "1.1.0")
    scene.asks("web11", "semver")
    push, first = Branch.push, [True]

    async def beaten(branch: Branch, commit: str) -> bool:
        if first.pop() if first else False:
            scene.stage.push({"neighbour.txt": "was here\n"})
        return await push(branch, commit)

    monkeypatch.setattr(Branch, "push", beaten)
    await scene.looks()
    assert scene.value("neighbour.txt") == "was here\n"
    assert "1.1.0" in scene.value("web11/values.yaml")


async def test_a_git_host_that_is_down_is_told_and_rests(scene: Scene):
    scene.has("web12")
    pushed(scene, "web12", "1.1.0")
    scene.asks("web12", "semver")
    scene.down = True
    await scene.looks()
    assert "newer images are not committed: the Git host is down" in scene.troubles("web12")
    scene.down = False
    await scene.looks()
    assert scene.troubles("web12"), "it rests, and the reason stands"
    for rest in scene.watch._rests.values():
        rest.until = 0
    await scene.looks()
    assert not scene.troubles("web12")
    assert "1.1.0" in scene.value("web12/values.yaml")


async def test_a_registry_that_is_down_hurts_nobody_else(scene: Scene):
    scene.has("web13")
    scene.asks("web13", "semver")
    scene.shelf.broken = 500
    await scene.looks()
    assert "it answers with HTTP 500" in scene.troubles("web13")


async def test_a_registry_that_says_what_was_pushed_is_looked_at_at_once(scene: Scene):
    scene.has("web14", tag="a")
    pushed(scene, "web14", a="2026-01-01T00:00:00Z")
    scene.asks("web14", "newest")
    await scene.looks()
    scene.watch.pushed("ghcr.io/example/other", "b")
    assert not scene.watch._asked.is_set()
    scene.watch.pushed(scene.image("web14"), "a")
    assert scene.watch._asked.is_set()


async def test_a_secret_of_another_namespace_is_out_of_reach(scene: Scene):
    scene.has("web15")
    pushed(scene, "web15", "1.0.0")
    secret = {f"{PREFIX}a.pull-secret": "pullsecret:kube-system/keys", f"{PREFIX}write-back-method": "git"}
    scene.asks("web15", **{LIST: f"a={scene.image('web15')}", **secret})
    await scene.looks()
    assert "kube-system/keys is not in the Application's namespace" in scene.troubles("web15")


async def test_the_loop_looks_again_and_again_and_survives_a_bug(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    scene.has("web16")
    pushed(scene, "web16", "1.0.0")
    scene.asks("web16", "semver")
    await scene.stage._caught_up()
    look, bugs = scene.watch.look, [ZeroDivisionError()]

    async def odd() -> Round | None:
        if bugs:
            raise bugs.pop()
        return await look()

    monkeypatch.setattr(scene.watch, "look", odd)
    scene.watch.pace = Pace(interval=0.05, burst=0)
    loop = asyncio.create_task(scene.watch.run())
    scene.shelf.push("web16", "1.1.0")
    async with asyncio.timeout(10):
        while scene.commits() < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    assert "1.1.0" in scene.value("web16/values.yaml")


async def test_a_word_of_a_push_cuts_the_pause_short(scene: Scene):
    scene.has("web17", tag="stable")
    scene.shelf.push("web17", "stable")
    scene.asks("web17", **{IMAGES: f"{scene.image('web17')}:stable digest"})
    await scene.stage._caught_up()
    scene.watch.pace = Pace(interval=3600, burst=0)
    loop = asyncio.create_task(scene.watch.run())
    async with asyncio.timeout(10):
        while scene.commits() < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        moved = scene.shelf.push("web17", "stable", "2026-06-06T00:00:00Z")
        for asked in list(scene.stage.world.tips.readings):
            await scene.stage.world.tips.poll(asked)
        scene.watch.pushed(scene.image("web17"), "stable")
        while moved not in scene.value("web17/values.yaml"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
