"""
What tests of several kinds need: a Kubernetes control plane, one for all workers, and a namespace of one's own.
"""

import fcntl
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import structlog

from tiphys.adapters.cluster.credentials import from_kubeconfig

# Whoever runs the tests in the background may have SIGINT ignored, and then all that they start ignores it too.
signal.signal(signal.SIGINT, signal.default_int_handler)

LOCALKUBE = Path(__file__).parents[1] / "localkube/src/tiphys_localkube/bin/localkube"
_numbers = itertools.count(1)
_children: list[subprocess.Popen[bytes]] = []


class Plane:
    """A control plane in a folder: ``start`` and ``kill`` may be said again and again, its state stays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"

    def start(self, within: float = 120) -> None:
        if self._pid():
            return
        (self.folder / "ready").unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            command = [LOCALKUBE, "serve", "--dir", self.folder, "--unsafe-no-fsync", "--pod-linger", "0s"]
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            _children.append(process)
        until = time.monotonic() + within
        while not self._pid():
            assert process.poll() is None, f"localkube ended with {process.returncode}, see {log.name}"
            assert time.monotonic() < until, f"localkube is not ready after {within} s, see {log.name}"
            time.sleep(0.1)

    def kill(self) -> None:
        if pid := self._pid():
            os.kill(pid, signal.SIGKILL)
            for child in _children:
                if child.pid == pid:
                    child.wait()
            while _runs(pid):
                time.sleep(0.02)

    def kubectl(self, *words: str, stdin: str = "") -> str:
        command = [LOCALKUBE, "kubectl", "--kubeconfig", self.kubeconfig, *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout

    def ask(self, method: str, path: str, body: object = None) -> None:
        """What kubectl would ask, without the half second that it needs to start."""
        connection = from_kubeconfig([self.kubeconfig])
        server = HTTPSConnection(urlsplit(connection.server).netloc, context=connection.tls, timeout=30)
        headers = {"Content-Type": "application/json", **dict(connection.authorization())}
        server.request(method, path, json.dumps(body) if body else None, headers)
        answer = server.getresponse()
        assert answer.status < 300, f"{method} {path}: {answer.read()!r}"
        server.close()

    def _pid(self) -> int:
        try:
            pid = int(json.loads((self.folder / "ready").read_bytes())["pid"])
        except (OSError, ValueError):
            return 0
        return pid if _runs(pid) else 0


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@pytest.fixture(autouse=True)
def logs_as_usual() -> Iterator[None]:
    """A command that a test runs sets up the logs of the whole process: the next test has them as usual."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plane:
    """The control plane that all workers share; nobody may kill it."""
    if not LOCALKUBE.exists():
        pytest.skip("localkube is not built (make build)")
    shared = Plane(_shared(request.config, tmp_path_factory.getbasetemp()) / "kube")
    with (shared.folder.parent / "kube.starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shared.start()
    return shared


@pytest.fixture
def own_plane(tmp_path: Path) -> Iterator[Plane]:
    """A control plane of the test's own, to be killed and started again."""
    if not LOCALKUBE.exists():
        pytest.skip("localkube is not built (make build)")
    own = Plane(tmp_path / "kube")
    own.start()
    yield own
    own.kill()
    shutil.rmtree(own.folder)


@pytest.fixture(scope="session")
def kube(plane: Plane) -> Path:
    """The kubeconfig of the shared control plane's administrator."""
    return plane.kubeconfig


@pytest.fixture(scope="session")
def kubectl(plane: Plane) -> Callable[..., str]:
    """Runs kubectl with words, and ``stdin`` if given, on the shared control plane; answers what it prints."""
    return plane.kubectl


@pytest.fixture
def namespace(plane: Plane) -> Iterator[str]:
    """A namespace of the shared control plane that nobody else uses."""
    name = f"test-{os.getpid()}-{next(_numbers)}"
    plane.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    plane.ask("DELETE", f"/api/v1/namespaces/{name}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the shared control plane, when all who used it are done."""
    config = session.config
    if hasattr(config, "workerinput"):
        return
    shared = Plane(_shared(config, config._tmp_path_factory.getbasetemp()) / "kube")
    shared.kill()
    shutil.rmtree(shared.folder, ignore_errors=True)


def _shared(config: pytest.Config, own: Path) -> Path:
    """The folder that all workers of this run can see."""
    return own.parent if hasattr(config, "workerinput") else own
