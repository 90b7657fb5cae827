"""The platform's loop: a push to the application's repository, and its image is live; each step with its time."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.images.registry import needs_buildah, storage  # noqa: F401 - a fixture
from journeys.conftest import Platform, until
from journeys.forge import Forge
from journeys.test_lead_time import STEPS
from tiphys.local import registry
from tiphys.model.errors import Unavailable


@pytest.fixture
def forge(platform: Platform, tmp_path: Path, storage: dict[str, str]) -> Iterator[Forge]:  # noqa: F811
    if not shutil.which("go"):
        pytest.skip("no go on PATH")
    try:
        host = registry.start(platform.place, print)
    except Unavailable as error:
        pytest.skip(f"no registry: {error}")
    made = Forge(platform, host, tmp_path, storage)
    made.move_in()
    yield made
    made.move_out()


@needs_buildah
def test_a_push_to_the_application_ends_in_its_image_live_with_the_time_of_each_step(
    platform: Platform, forge: Forge
):
    page = forge.homepage / "site" / "index.html"
    page.write_text(page.read_text().replace("<h1>", "<h1>Ahoy, "))
    pushed = forge.push("Greet")
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
