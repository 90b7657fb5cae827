"""Images are built for real, by each builder that is here, and pushed to a registry on loopback."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.images.registry import INDEX, MANIFEST, fetched
from tiphys.adapters.images.builders import BUILDERS, Program, builder, on_loopback, tried
from tiphys.model.builds import Build
from tiphys.model.errors import SpecError, Unavailable


@pytest.fixture
def environment(storage: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **storage}


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        'FROM scratch\nARG WHO=nobody\nLABEL who="$WHO"\nCOPY page.html /page.html\nENTRYPOINT ["/server"]\n'
    )
    (folder / "page.html").write_text("hello\n")
    return folder


@pytest.fixture(params=list(BUILDERS))
async def program(request: pytest.FixtureRequest, environment: dict[str, str]) -> Program:
    """Each builder in turn."""
    name = request.param
    if not shutil.which(name) or (said := await tried(BUILDERS[name].probe(), environment)):
        pytest.skip(
            f"{name} is not installed" if not shutil.which(name) else f"{name} cannot build here: {said}"
        )
    return Program(BUILDERS[name], environment)


async def test_an_image_is_built_and_pushed_and_its_digest_told(
    registry: str, context: Path, program: Program
):
    image, before = f"{registry}/example/{program.kind.name}:1f3a2b4", datetime.now(UTC)
    made = await program.build(Build(image, str(context), arguments=["WHO=ada"], labels=["a=b"]))
    told, body = fetched(registry, f"example/{program.kind.name}/manifests/1f3a2b4", MANIFEST)
    assert made.digest == told
    assert before < made.built <= made.pushed < datetime.now(UTC)
    config = fetched(registry, f"example/{program.kind.name}/blobs/{body['config']['digest']}")[1]["config"]
    assert (config["Labels"]["who"], config["Labels"]["a"]) == ("ada", "b")


async def test_several_platforms_are_one_list(registry: str, context: Path, program: Program):
    image = f"{registry}/example/both-{program.kind.name}:v1"
    for _ in range(2):
        made = await program.build(Build(image, str(context), platforms=["linux/amd64", "linux/arm64"]))
    told, body = fetched(registry, f"example/both-{program.kind.name}/manifests/v1", INDEX)
    assert made.digest == told
    assert sorted(m["platform"]["architecture"] for m in body["manifests"]) == ["amd64", "arm64"]


async def test_a_build_that_fails_is_told(registry: str, context: Path, program: Program):
    (context / "Dockerfile").write_text("FROM scratch\nCOPY nothing /\n")
    with pytest.raises(SpecError, match=rf"{program.kind.name} (buildx )?build of .* failed"):
        await program.build(Build(f"{registry}/example/x:v1", str(context)))


async def test_without_a_builder_it_says_what_to_install(tmp_path: Path):
    with pytest.raises(
        Unavailable, match=r"docker \(not installed\), podman \(not installed\), buildah \(not inst"
    ):
        await builder("", {"PATH": str(tmp_path)})


async def test_a_builder_that_cannot_build_is_passed_over(tmp_path: Path):
    for name, code in (("docker", 1), ("buildah", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\necho no daemon >&2\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    assert (await builder("", {"PATH": str(tmp_path)})).kind.name == "buildah"


def test_docker_is_asked_for_all_in_one_command(tmp_path: Path):
    build = Build("r/web:v1", "app", "app/Dockerfile", ["linux/arm64"], ["A=b"], cache="r/web/cache")
    (command,) = BUILDERS["docker"].commands(build, tmp_path / "noted")
    assert command[:3] == ["docker", "buildx", "build"]
    assert {
        "--push",
        "--tag=r/web:v1",
        "--platform=linux/arm64",
        "--build-arg=A=b",
        "--file=app/Dockerfile",
    } <= set(command)
    assert command[-2:] == ["--", "app"]
    assert BUILDERS["docker"].digest('{"containerimage.digest": "sha256:1"}') == "sha256:1"


@pytest.mark.parametrize(
    ("image", "yes"),
    [
        ("127.0.0.1:5000/x", True),
        ("localhost/x", True),
        ("[::1]:5/x", True),
        ("ghcr.io/x", False),
        ("x", False),
    ],
)
def test_a_registry_on_loopback(image: str, yes: bool):
    assert on_loopback(image) == yes
