"""An image that somebody pushes to a registry goes live without any CI: watched, committed, synced."""

from collections.abc import Iterator

import pytest

from adapters.images.registry import registry  # noqa: F401 - a fixture
from adapters.registry.shelf import Shelf
from journeys.conftest import POLL, Platform, until
from tiphys.local.place import NAMESPACE

APP = ("application", "homepage", "-n", NAMESPACE)


@pytest.fixture
def watched(platform: Platform, registry: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:  # noqa: F811
    """Homepage's image in a registry of this machine, and an engine that looks there often; undone in the end."""
    values = platform.charts / "charts/homepage/values.yaml"
    before = values.read_text()
    shelf = Shelf(registry)
    shelf.push("example/homepage", "5.0.0")
    monkeypatch.setenv("TIPHYS_IMAGE_POLL", "1s")
    platform.kill_engine()
    platform.start_engine()
    values.write_text(before.replace("ghcr.io/example/homepage", f"{registry}/example/homepage"))
    platform.push("homepage from the registry of this machine")
    yield shelf
    platform.kubectl("annotate", *APP, "tiphys.dev/images-")
    platform._git("pull", "--quiet", "--rebase", "origin", "HEAD")
    values.write_text(before)
    platform.push("homepage as before")
    monkeypatch.undo()
    platform.kill_engine()
    platform.start_engine()


def test_an_image_that_is_pushed_goes_live_by_itself(platform: Platform, watched: Shelf):
    image = f"{watched.registry}/example/homepage"
    platform.kubectl("annotate", *APP, f"tiphys.dev/images={image} semver:5.x")
    until(lambda: platform.image("homepage") == f"{image}:5.0.0", POLL + 15, "the highest version is live")
    assert "5.0.0" in platform.tiphys("image", "list", "homepage")
    watched.push("example/homepage", "5.1.0")
    watched.push("example/homepage", "6.0.0")
    until(lambda: platform.image("homepage") == f"{image}:5.1.0", POLL + 15, "so is the next of the range")
    platform._git("fetch", "--quiet", "origin")
    said = platform._git("log", "-1", "--format=%an%n%B", "origin/HEAD")
    assert said.splitlines()[:2] == ["Tiphys image watch", "Set homepage to 5.1.0"]
    assert f"Image: {image}:5.1.0" in said


def test_a_misspelt_policy_is_a_condition_and_goes_with_its_cause(platform: Platform, watched: Shelf):
    image = f"{watched.registry}/example/homepage"
    platform.kubectl("annotate", *APP, f"tiphys.dev/images={image} semvr:5.x")

    def told() -> str:
        conditions = platform.app("homepage")["status"].get("conditions", [])
        return next((c["message"] for c in conditions if c["type"] == "ImageWatchWarning"), "")

    until(told, 15, "the condition is there")
    assert "did you mean semver?" in told()
    platform.kubectl("annotate", "--overwrite", *APP, f"tiphys.dev/images={image} semver:5.x")
    until(lambda: not told(), 15, "the condition is gone")
