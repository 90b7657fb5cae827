"""
The image: what its Dockerfile takes exists; and where buildah and a base image are, it is built and run for real.

``TIPHYS_TEST_BASE`` names the base, an image with python3 and pip; ``TIPHYS_TEST_BUILDAH`` has further flags of
``buildah build``, such as ``--volume`` for a certificate authority, and ``TIPHYS_TEST_BUILDAH_STORE`` those of buildah
that say where images are. The first build takes some minutes.
"""

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.conftest import ROOT

DOCKERFILE = (ROOT / "deploy/image/Dockerfile").read_text()
BUILDAH = ["buildah", *shlex.split(os.environ.get("TIPHYS_TEST_BUILDAH_STORE", "--storage-driver vfs"))]


def test_everything_that_is_copied_is_there_and_goes_to_the_builder():
    copied = [
        word
        for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE)
        for word in line.split()
    ]
    let_through = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    ]
    assert copied
    for path in copied:
        assert (ROOT / path).exists()
        assert any(fnmatch.fnmatch(path, pattern) for pattern in let_through), path


def test_the_image_runs_as_nobody_in_particular_and_the_chart_as_the_same():
    (user,) = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)
    assert f"runAsUser: {user}\n" in (ROOT / "deploy/chart/values.yaml").read_text()
    assert f"useradd --uid {user} " in DOCKERFILE


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root file system of the image, read-only."""
    base = os.environ.get("TIPHYS_TEST_BASE")
    if not base:
        pytest.skip("no base image is named (TIPHYS_TEST_BASE)")
    if not shutil.which("buildah") or os.geteuid():
        pytest.skip("buildah and root are needed to build and mount an image")
    flags = shlex.split(os.environ.get("TIPHYS_TEST_BUILDAH", ""))
    build = ["--isolation", "chroot", "--layers", "--file", "deploy/image/Dockerfile"]
    run([*BUILDAH, "build", *build, *flags, "--build-arg", f"BASE={base}", "--tag", "tiphys:test", "."])
    container = run([*BUILDAH, "from", "tiphys:test"])
    root = tmp_path_factory.mktemp("image")
    try:
        run(["mount", "--bind", run([*BUILDAH, "mount", container]), str(root)])
        run(["mount", "-o", "remount,bind,ro", str(root)])
        for written in ("tmp", "var/lib/tiphys"):
            run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(root / written)])
        yield root
    finally:
        subprocess.run(["umount", "--recursive", root], check=False)
        run([*BUILDAH, "rm", container])


def run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.stderr[-2000:]}"
    return done.stdout.strip()


def inside(root: Path, *words: str) -> str:
    """What a command says in the image, as its user and with its environment."""
    (user,) = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    path = "PATH=/opt/tiphys/bin:/usr/local/bin:/usr/bin:/bin"
    environment = ["env", "--ignore-environment", path, "PYTHONPATH=/opt/tiphys", "HOME=/var/lib/tiphys"]
    return run(["chroot", f"--userspec={user}", str(root), *environment, *words])


def test_the_program_runs_in_the_image_without_root_and_without_writing(image: Path):
    assert inside(image, "tiphys", "version", "--short").startswith("tiphys: v")
    assert "--namespace" in inside(image, "tiphys", "controller", "--help")
    assert "ssh-" in inside(image, "sh", "-c", "ssh-keygen -q -t ed25519 -N '' -f /tmp/k; cat /tmp/k.pub")


def test_a_chart_is_rendered_in_the_image(image: Path):
    chart = image / "tmp/repository/charts"
    shutil.copytree(ROOT / "examples/platform/charts-repository/charts", chart)
    rendered = inside(image, "tiphys", "render", "/tmp/repository/charts/api", "--repo", "/tmp/repository")
    assert "kind: Deployment" in rendered


def test_there_is_no_compiler_and_no_control_plane_in_the_image(image: Path):
    assert not [name for name in ("gcc", "cc", "go", "make") if (image / "usr/bin" / name).exists()]
    assert not list(image.glob("opt/tiphys/tiphys_localkube*"))
