"""The example's application: built as its Dockerfile builds it, and asked for its page."""

import http.client
import io
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tiphys.local import demo
from tiphys.local.buildlog import BuildLog
from tiphys.local.gobuild import Module, built


@dataclass(frozen=True)
class Homepage:
    """The program and where it answers."""

    address: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def homepage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Homepage]:
    if not shutil.which("go"):
        pytest.skip("no go on PATH")
    monkeypatch.setenv("GOCACHE", os.environ.get("GOCACHE") or str(Path.home() / ".cache" / "go-build"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sources = demo.EXAMPLE / demo.REPOSITORIES["homepage"]
    program = built(Module("homepage", sources), BuildLog(io.StringIO()))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    listen = f"127.0.0.1:{port}"
    with subprocess.Popen([program], env={"TITLE": "Ahoy & welcome", "LISTEN": listen}) as process:
        yield Homepage(listen, process)
        process.terminate()


def test_the_page_has_the_title_of_the_settings(homepage: Homepage) -> None:
    assert "<h1>Ahoy &amp; welcome</h1>" in page(homepage.address)


def test_it_ends_of_itself_once_it_is_told_to(homepage: Homepage) -> None:
    page(homepage.address)
    homepage.process.terminate()
    assert homepage.process.wait(10) == 0


def get(address: str) -> str:
    server = http.client.HTTPConnection(address)
    try:
        server.request("GET", "/")
        return str(server.getresponse().read(), "utf-8")
    finally:
        server.close()


def page(address: str) -> str:
    end = time.monotonic() + 10
    while True:
        try:
            return get(address)
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_program_that_is_compiled_already_is_packed_as_the_dockerfile_packs_its_own() -> None:
    sources = demo.EXAMPLE / demo.REPOSITORIES["homepage"]
    _, last = (sources / "Dockerfile").read_text().split("\n\n")
    packed = (sources / "compiled.Dockerfile").read_text().split("\n\n")[-1]
    assert packed == last.replace("--from=build /homepage", "homepage")
