"""The command line in this process, on a real control plane with our CRDs where a test asks for one."""

import fcntl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.images.registry import registry, storage  # noqa: F401 - fixtures
from tiphys.cli.main import run

CRDS = Path(__file__).parents[2] / "deploy/chart/crds"


@dataclass(frozen=True)
class Outcome:
    """What a command line did."""

    code: int
    out: str
    err: str


@pytest.fixture
def tiphys(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Runs ``tiphys`` with these words."""
    for name in (
        "KUBECONFIG",
        "TIPHYS_NAMESPACE",
        "ARGOCD_NAMESPACE",
        "KUBECTL_EXTERNAL_DIFF",
        "TIPHYS_DEBUG",
    ):
        monkeypatch.delenv(name, raising=False)

    def ran(*words: str) -> Outcome:
        capfd.readouterr()
        code = run(words)
        return Outcome(code, *capfd.readouterr())

    return ran


class Plane:
    """Applications in a namespace of a test's own, written by hand as the engine would write them."""

    def __init__(self, kubectl: Callable[..., str], namespace: str) -> None:
        self.kubectl = kubectl
        self.namespace = namespace
        self._threads: list[threading.Thread] = []

    def has(self, name: str, status: Mapping[str, Any] | None = None, **fields: Any) -> None:
        """Create an Application, of the fields that ``application`` makes and these."""
        body = {**application(name), **fields, **({"status": status} if status else {})}
        self.kubectl("create", "-n", self.namespace, "-f", "-", stdin=orjson.dumps(body).decode())

    def patch(self, name: str, patch: Mapping[str, Any]) -> None:
        """Merge a patch into an Application."""
        text = orjson.dumps(patch).decode()
        self.kubectl("patch", "application", name, "-n", self.namespace, "--type=merge", "-p", text)

    def get(self, name: str) -> dict[str, Any]:
        """An Application as it is."""
        found: dict[str, Any] = orjson.loads(
            self.kubectl("get", "application", name, "-n", self.namespace, "-o", "json")
        )
        return found

    def delete(self, name: str) -> None:
        """Delete an Application."""
        self.kubectl("delete", "application", name, "-n", self.namespace, "--wait=false")

    def when(
        self, name: str, seen: Callable[[dict[str, Any]], Any], *then: Mapping[str, Any] | Callable[[], None]
    ) -> None:
        """In the background: as soon as an Application is so, merge patches into it, or do something else."""

        def waiting() -> None:
            until = time.monotonic() + 20
            while time.monotonic() < until and not seen(self.get(name)):
                time.sleep(0.1)
            for each in then:
                each() if callable(each) else self.patch(name, each)

        thread = threading.Thread(target=waiting, daemon=True)
        thread.start()
        self._threads.append(thread)

    def join(self) -> None:
        """Wait for what goes on in the background."""
        for thread in self._threads:
            thread.join(30)


def application(name: str) -> dict[str, Any]:
    """The least that an Application is."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "project": "default",
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "web"},
            "source": {
                "repoURL": "https://git.example.com/charts.git",
                "path": name,
                "targetRevision": "main",
            },
        },
    }


@pytest.fixture(scope="session")
def crds(kube: Path, kubectl: Callable[..., str]) -> None:
    files = [f"--filename={file}" for file in CRDS.glob("*.yaml")]
    # Workers share the control plane, and two that create the same object at once get in each other's way.
    with (kube.parent.parent / "crds.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kubectl("apply", "--server-side", "--force-conflicts", *files)
        # kubectl cannot wait for a condition of what has no list of conditions yet.
        kubectl("wait", "--for=jsonpath={.status.conditions}", "--timeout=60s", *files)
        kubectl("wait", "--for=condition=Established", "--timeout=60s", *files)


@pytest.fixture
def plane_of_mine(
    crds: None,
    kube: Path,
    kubectl: Callable[..., str],
    namespace: str,
    tiphys: object,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Plane]:
    """A control plane's namespace that ``tiphys`` looks into."""
    del crds, tiphys
    # The one that tests use as well: what they set on top is taken back first, and nothing leaks.
    monkeypatch.setenv("KUBECONFIG", str(kube))
    monkeypatch.setenv("TIPHYS_NAMESPACE", namespace)
    made = Plane(kubectl, namespace)
    yield made
    made.join()
