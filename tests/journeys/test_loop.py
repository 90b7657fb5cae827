"""The platform's loop: a push to the application's repository, and its image is live; each step with its time."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from adapters.images.registry import needs_buildah, storage  # noqa: F401 - a fixture
from journeys.conftest import Platform, brought_up, until
from journeys.forge import Forge, git, move_out
from journeys.pages import CHECKOUT, home_of, play
from journeys.test_lead_time import STEPS
from local.realnode import fetched, needs_real_node
from tiphys.local import registry
from tiphys.local.place import Place
from tiphys.model.errors import Unavailable

PAGE = CHECKOUT / "docs" / "how-to" / "play-the-loop.md"


@contextmanager
def registry_of(platform: Platform) -> Iterator[str]:
    """A registry that homepage's image may come from, until the end."""
    if not shutil.which("go"):
        pytest.skip("no go on PATH")
    was_there = registry.program(platform.place).pid()
    try:
        host = registry.start(platform.place, print)
    except Unavailable as error:
        pytest.skip(f"no registry: {error}")
    yield host
    move_out(platform)
    if not was_there:
        registry.stop(platform.place)


@pytest.fixture
def host(platform: Platform) -> Iterator[str]:
    with registry_of(platform) as started:
        yield started


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform where containers are real."""
    place = Place(tmp_path_factory.mktemp("real"))
    needs_real_node(place)
    with brought_up(place, "real") as platform:
        yield platform


@pytest.fixture
def real_host(real: Platform) -> Iterator[str]:
    with registry_of(real) as started:
        yield started


class Visitor(threading.Thread):
    """Somebody who asks for the page all the time, and notes each answer with the time at which it was there."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.answers: list[tuple[float, str]] = []
        self.leaving = threading.Event()

    def run(self) -> None:
        while not self.leaving.wait(0.01):
            try:
                said = fetched(f"http://{self.address}/", "homepage.example.com")
            except OSError as error:
                said = str(error)
            self.answers.append((time.time(), said))

    def since(self, word: str) -> float | None:
        """When an answer first had a word in it."""
        return next((at for at, said in self.answers if word in said), None)


@needs_buildah
def test_a_push_to_the_application_ends_in_its_image_live_with_the_time_of_each_step(
    platform: Platform,
    host: str,
    tmp_path: Path,
    storage: dict[str, str],  # noqa: F811
):
    forge = Forge(platform, host, tmp_path, storage)
    forge.move_in()
    pushed = forge.greets()
    released = forge.runs_what_was_pushed()
    image = f"{forge.image}:{pushed[:12]}"
    until(lambda: platform.image("homepage") == image, 30, "the new image is in the Deployment")
    print(platform.tiphys("trace", pushed, "--wait", "--timeout", "60"))  # noqa: T201 - shown by pytest -s
    until(lambda: platform.live_at("homepage", released["commit"]), 30, "homepage is synced and healthy")
    assert released["image"].startswith(f"{image}@sha256:")
    [facts] = json.loads(platform.tiphys("trace", pushed, "-o", "json"))
    assert [step["name"] for step in facts["steps"]] == STEPS
    assert all(step.get("seconds", 0) >= 0 for step in facts["steps"])
    assert (facts["state"], facts["revision"]) == ("live", released["commit"])
    assert facts["leadTimeSeconds"] > 0


def test_twenty_releases_at_once_each_become_a_commit(platform: Platform):
    repo = git(platform.charts, "remote", "get-url", "origin")
    tags = [f"at-once-{number}" for number in range(20)]

    def released(tag: str) -> str:
        return platform.tiphys("image", "set", "homepage", "--tag", tag, "--repo", repo, "-o", "json")

    with ThreadPoolExecutor(len(tags)) as pool:
        commits = {
            json.loads(said)["commit"]: tag for said, tag in zip(pool.map(released, tags), tags, strict=True)
        }
    move_out(platform)
    log = git(platform.charts, "log", "-21", "--format=%H %s").splitlines()[1:]
    assert sorted(log) == sorted(f"{commit} Set homepage to {tag}" for commit, tag in commits.items())


@needs_buildah
@pytest.mark.usefixtures("host")
def test_the_page_on_the_loop_does_what_it_says(platform: Platform, tmp_path: Path, storage: dict[str, str]):  # noqa: F811
    by_hand, _on_a_real_node = PAGE.read_text().split("and on a real node")
    play(by_hand, home_of(platform, tmp_path), **storage)


@needs_buildah
def test_on_a_real_node_the_new_version_answers_and_no_request_fails(
    real: Platform,
    real_host: str,
    tmp_path: Path,
    storage: dict[str, str],  # noqa: F811
):
    forge = Forge(real, real_host, tmp_path, storage)
    forge.move_in()
    ingress = real.get("ingress", "homepage", "-n", "homepage")
    visitor = Visitor(ingress["status"]["loadBalancer"]["ingress"][0]["ip"])
    visitor.start()
    try:
        until(lambda: visitor.since("</h1>"), 10, "the page is there")
        began = time.time()
        pushed = forge.greets()
        forge.runs_what_was_pushed()
        until(lambda: visitor.since("Ahoy"), 60, "the new version answers")
        print(real.tiphys("trace", pushed, "--wait", "--timeout", "60"))  # noqa: T201 - shown by pytest -s
        until(lambda: len(real.get("pods", "-n", "homepage")["items"]) == 1, 60, "the old pod is gone")
    finally:
        visitor.leaving.set()
        visitor.join()
    assert not [said for _, said in visitor.answers if "</h1>" not in said]
    assert "Ahoy" in visitor.answers[-1][1]
    [facts] = json.loads(real.tiphys("trace", pushed, "-o", "json"))
    times = {step["name"]: datetime.fromisoformat(step["at"]).timestamp() - began for step in facts["steps"]}
    first = (visitor.since("Ahoy") or 0) - began
    took = f"committed after {times['committed']:.1f} s, first answer {first:.1f} s, healthy {times['healthy']:.1f} s"
    print(f"{took}; {len(visitor.answers)} requests, none failed")  # noqa: T201 - shown by pytest -s


@needs_buildah
@pytest.mark.usefixtures("real_host")
def test_the_page_on_the_loop_ends_in_an_answer_on_a_real_node(
    real: Platform,
    tmp_path: Path,
    storage: dict[str, str],  # noqa: F811
):
    if not shutil.which("curl"):
        pytest.skip("no curl on PATH")
    play(PAGE.read_text(), home_of(real, tmp_path), **storage)
