"""The platform's loop: a push to the application's repository, and its image is live; each step with its time."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from adapters.images.registry import needs_buildah, storage  # noqa: F401 - a fixture
from journeys.conftest import Platform, brought_up, until
from journeys.forge import Forge
from journeys.test_lead_time import STEPS
from local.realnode import fetched, needs_real_node
from tiphys.local import registry
from tiphys.local.place import Place
from tiphys.model.errors import Unavailable


@contextmanager
def forge_of(platform: Platform, folder: Path, storage: dict[str, str]) -> Iterator[Forge]:  # noqa: F811
    """A forge with a registry, for a platform whose homepage is to come from there."""
    if not shutil.which("go"):
        pytest.skip("no go on PATH")
    try:
        host = registry.start(platform.place, print)
    except Unavailable as error:
        pytest.skip(f"no registry: {error}")
    forge = Forge(platform, host, folder, storage)
    forge.move_in()
    yield forge
    forge.move_out()


@pytest.fixture
def forge(platform: Platform, tmp_path: Path, storage: dict[str, str]) -> Iterator[Forge]:  # noqa: F811
    with forge_of(platform, tmp_path, storage) as made:
        yield made


@pytest.fixture
def real_forge(tmp_path: Path, storage: dict[str, str]) -> Iterator[Forge]:  # noqa: F811
    """The same where containers are real."""
    place = Place(tmp_path / "real")
    needs_real_node(place)
    with brought_up(place, "real") as platform, forge_of(platform, tmp_path, storage) as made:
        yield made


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
    platform: Platform, forge: Forge
):
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


@needs_buildah
def test_on_a_real_node_the_new_version_answers_and_no_request_fails(real_forge: Forge):
    platform = real_forge.platform
    ingress = platform.get("ingress", "homepage", "-n", "homepage")
    visitor = Visitor(ingress["status"]["loadBalancer"]["ingress"][0]["ip"])
    visitor.start()
    try:
        until(lambda: visitor.since("</h1>"), 10, "the page is there")
        began = time.time()
        pushed = real_forge.greets()
        real_forge.runs_what_was_pushed()
        until(lambda: visitor.since("Ahoy"), 60, "the new version answers")
        print(platform.tiphys("trace", pushed, "--wait", "--timeout", "60"))  # noqa: T201 - shown by pytest -s
        until(lambda: len(platform.get("pods", "-n", "homepage")["items"]) == 1, 60, "the old pod is gone")
    finally:
        visitor.leaving.set()
        visitor.join()
    assert not [said for _, said in visitor.answers if "</h1>" not in said]
    assert "Ahoy" in visitor.answers[-1][1]
    [facts] = json.loads(platform.tiphys("trace", pushed, "-o", "json"))
    times = {step["name"]: datetime.fromisoformat(step["at"]).timestamp() - began for step in facts["steps"]}
    first = (visitor.since("Ahoy") or 0) - began
    took = f"committed after {times['committed']:.1f} s, first answer {first:.1f} s, healthy {times['healthy']:.1f} s"
    print(f"{took}; {len(visitor.answers)} requests, none failed")  # noqa: T201 - shown by pytest -s
