"""A real registry on loopback, and what it holds."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

needs_buildah = pytest.mark.skipif(not shutil.which("buildah"), reason="buildah is not installed")
INDEX = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry's host and port."""
    if not (program := shutil.which("docker-registry")):
        pytest.skip("docker-registry is not installed")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder)}},
        "http": {"addr": host},
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        until = time.monotonic() + 20
        while not answers(host):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)
        yield host
    finally:
        process.terminate()
        process.wait()


def answers(host: str) -> bool:
    try:
        with urlopen(f"http://{host}/v2/") as answer:
            return bool(answer.status == 200)
    except URLError:
        return False


def fetched(registry: str, what: str, accept: str = "*/*") -> tuple[str, dict]:
    """The digest that the registry has something under, and the thing."""
    with urlopen(Request(f"http://{registry}/v2/{what}", headers={"Accept": accept})) as answer:
        return answer.headers["Docker-Content-Digest"], json.loads(answer.read())


@pytest.fixture
def storage(tmp_path: Path) -> dict[str, str]:
    """Storage of the test's own, that works without a kernel's help."""
    (tmp_path / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/graph"\nrunroot = "{tmp_path}/run"\n'
    )
    return {"CONTAINERS_STORAGE_CONF": str(tmp_path / "storage.conf"), "STORAGE_DRIVER": "vfs"}
