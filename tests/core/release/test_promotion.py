"""What goes over in a promotion, and what forbids it."""

from typing import Any

import orjson
import pytest

from tiphys.core.release.document import File
from tiphys.core.release.images import Wish
from tiphys.core.release.promotion import Running, promotion, unfit
from tiphys.core.release.references import reference
from tiphys.model.api import decode_application
from tiphys.model.errors import Refused, SpecError

PIN, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
DEV = "deployment:\n  image: {repository: ghcr.io/example/web, tag: v2}\n"
PROD = DEV.replace("v2", "v1")


def file(text: str, name: str = "values.yaml") -> File:
    return File(name, text)


def runs(*images: str) -> list[Running]:
    return [Running("argocd/web-dev", [reference(image) for image in images])]


@pytest.mark.parametrize(
    ("source", "target", "wish"),
    [
        (DEV, PROD, Wish("v2", path="deployment.image.tag")),
        ("image: ghcr.io/example/web:v2", "image: ghcr.io/example/web:v1", Wish("v2", path="image")),
        ("image: ghcr.io/example/web:v2", PROD, Wish("v2", path="deployment.image.tag")),
        ("image: {tag: v2}", "image: {tag: v1}", Wish("v2", path="image.tag")),
        ("image: dev.example/web:v2", "image: prod.example/web:v1", Wish("v2", path="image")),
        (
            f"image: {{tag: v2, digest: '{PIN}'}}",
            f"image: {{tag: v1, digest: '{OTHER}'}}",
            Wish("v2", PIN, pin=True, path="image.tag"),
        ),
        (
            f"image: ghcr.io/example/web:v2@{PIN}",
            "image: ghcr.io/example/web:v1",
            Wish("v2", PIN, pin=True, path="image"),
        ),
        (
            "images:\n- {name: web, newTag: v2}\n- {name: api, newTag: v9}",
            "images:\n- {name: web, newTag: v1}",
            Wish("v2", path="images[0].newTag"),
        ),
    ],
)
def test_tag_and_digest_go_to_where_the_image_is(source: str, target: str, wish: Wish):
    assert promotion(file(source), file(target), [], []).wishes == [wish]


def test_an_image_that_the_target_lacks_is_left_out_and_told():
    made = promotion(file(DEV + "sidecar: {image: 'proxy:v5'}\n"), file(PROD), [], [])
    assert [wish.tag for wish in made.wishes] == ["v2"]
    assert "names no image like sidecar.image (proxy:v5)" in made.notes[0]


def test_only_the_images_that_were_named():
    both = "web: {image: 'example/web:v2'}\napi: {image: 'example/api:v2'}\n"
    made = promotion(file(both), file(both.replace("v2", "v1")), ["api"], [])
    assert [wish.path for wish in made.wishes] == ["api.image"]


@pytest.mark.parametrize(
    ("source", "target", "names", "why"),
    [
        (DEV, "replicas: 2\n", [], "have no image in common; the first has deployment.image.tag"),
        ("a: 1\n", PROD, [], "names no image with a tag"),
        (DEV, PROD, ["api"], "names no image api; there are: deployment.image.tag"),
        (DEV, "deployment: {image: {repository: ghcr.io/example/other, tag: v1}}", [], "no image in common"),
        ("image: {tag: v2}", f"image: {{tag: v1, digest: '{PIN}'}}", [], "is pinned to sha256:aaa"),
    ],
)
def test_what_cannot_go_over_is_said(source: str, target: str, names: list[str], why: str):
    with pytest.raises(SpecError, match=why):
        promotion(file(source), file(target), names, [])


def test_what_runs_is_promoted_even_if_the_file_is_ahead():
    made = promotion(file(DEV), file(PROD), [], runs("ghcr.io/example/web:v1.9", "proxy:v5"))
    assert [wish.tag for wish in made.wishes] == ["v1.9"]
    assert "says ghcr.io/example/web:v2 already; ghcr.io/example/web:v1.9 runs" in made.notes[0]


@pytest.mark.parametrize(
    ("source", "images", "why"),
    [
        (DEV, ["proxy:v5"], r"does not run ghcr\.io/example/web:v2; it runs proxy:v5"),
        (DEV, ["ghcr.io/example/web:v0", "ghcr.io/example/web:v1"], "does not run"),
        ("image: {tag: v2}", ["web:v1"], "does not run anything of tag v2; it runs web:v1"),
        (DEV, [], "it runs nothing"),
    ],
)
def test_what_does_not_run_is_not_promoted(source: str, images: list[str], why: str):
    with pytest.raises(Refused, match=why):
        promotion(file(source), file(source.replace("v2", "v1")), [], runs(*images))


def test_what_runs_in_two_versions_waits():
    two = [*runs("ghcr.io/example/web:v2"), *runs("ghcr.io/example/web:v1")]
    with pytest.raises(Refused, match=r"runs in different versions: .*v1.*v2"):
        promotion(file(DEV), file(PROD), [], two)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}, ""),
        ({"sync": {"status": "OutOfSync"}, "health": {"status": "Healthy"}}, "it is OutOfSync"),
        (
            {"sync": {"status": "Synced"}, "health": {"status": "Degraded", "message": "crash"}},
            "it is Degraded: crash",
        ),
        ({"sync": {"status": "Synced"}}, "it is of unknown health"),
        ({}, "no engine has looked at it yet"),
        (
            {
                "sync": {"status": "Synced"},
                "health": {"status": "Healthy"},
                "operationState": {"phase": "Running", "startedAt": "2026-01-01T00:00:00Z", "operation": {}},
            },
            "a sync of it is under way",
        ),
    ],
)
def test_only_what_is_synced_and_healthy_is_fit(status: dict[str, Any], why: str):
    body = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web-dev", "namespace": "argocd"},
        "spec": {"project": "default", "destination": {}},
        "status": status,
    }
    assert unfit(decode_application(orjson.dumps(body))) == why
