"""
The example platform, up and running, for journeys: everything is real but the containers.

All journeys share one platform and run one after another; each leaves it as a user would, synced and healthy.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import tiphys_localkube
import tiphys_toolbox
from tiphys.local import demo, engine, parts
from tiphys.local.place import NAMESPACE, Place
from tiphys.local.up import bring_up

POLL = 1.0
RENDERED = re.compile(r"rendered +application=(\S+)")


class Platform:
    """What a user of the platform does: edit and push, look, change by hand."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.charts = place.work / "charts"

    def kubectl(self, *words: str) -> str:
        command = [tiphys_localkube.binary(), "kubectl", "--kubeconfig", self.place.kubeconfig, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout

    def get(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def helm(self, *words: str) -> str:
        command = [tiphys_localkube.binary(), "helm", "--kubeconfig", self.place.kubeconfig, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"helm {' '.join(words)}: {done.stderr}"
        return done.stdout

    def tiphys(self, *words: str, code: int = 0) -> str:
        command = [Path(sys.executable).parent / "tiphys", *words]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TIPHYS_", "ARGOCD_"))}
        environment = {**inherited, "KUBECONFIG": str(self.place.kubeconfig), "NO_COLOR": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        words_said = " ".join(words)
        assert done.returncode == code, f"tiphys {words_said} ended with {done.returncode}: {done.stderr}"
        return done.stdout if code == 0 else done.stdout + done.stderr

    def app(self, name: str) -> Any:
        return self.get("application", name, "-n", NAMESPACE)

    def apps(self) -> dict[str, tuple[str, str]]:
        """Sync and health of each application."""
        listed = self.get("applications", "-n", NAMESPACE)["items"]
        told = {a["metadata"]["name"]: a.get("status", {}) for a in listed}
        return {
            n: (s.get("sync", {}).get("status"), s.get("health", {}).get("status")) for n, s in told.items()
        }

    def all_well(self) -> bool:
        apps = self.apps()
        return bool(apps) and all(state == ("Synced", "Healthy") for state in apps.values())

    def at_rest(self) -> bool:
        """Whether all is well with what the charts repository has by now, and no commit is still to be seen."""
        head = self._git("ls-remote", "origin", "HEAD").split()[0]
        listed = self.get("applications", "-n", NAMESPACE)["items"]
        seen = {app.get("status", {}).get("sync", {}).get("revision") for app in listed}
        return seen == {head} and self.all_well()

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.charts / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    def push(self, message: str = "change") -> str:
        """Commit everything and push; answers with the commit."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        self._git("push", "--quiet", "origin", "HEAD")
        return self._git("rev-parse", "HEAD").strip()

    def bump(self, chart: str, tag: str) -> str:
        """What CI does: set the image tag of a chart and push."""
        path = self.charts / "charts" / chart / "values.yaml"
        path.write_text(re.sub(r'tag: ".*?"', f'tag: "{tag}"', path.read_text(), count=1))
        return self.push(f"{chart}: {tag}")

    def image(self, name: str) -> str:
        found = self.get("deployment", name, "-n", name)
        return found["spec"]["template"]["spec"]["containers"][0]["image"]

    def upgrade_root(self) -> None:
        self.helm(*demo.root_command(demo.root_chart(self.place)))

    def renders(self) -> Counter[str]:
        """How often each application was rendered since the engine's log began."""
        return Counter(RENDERED.findall(self.place.log("engine").read_text()))

    def live_at(self, name: str, revision: str) -> bool:
        """Whether an application is synced to a commit and healthy."""
        status = self.app(name).get("status", {})
        return (
            status.get("sync", {}).get("revision") == revision
            and self.apps()[name] == ("Synced", "Healthy")
            and status.get("operationState", {}).get("phase") == "Succeeded"
        )

    def kill_engine(self) -> None:
        pid = engine.program(self.place).pid()
        assert pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: engine.program(self.place).pid() is None, 10, "the engine is gone")

    def start_engine(self) -> None:
        engine.start(self.place)

    def _git(self, *words: str) -> str:
        done = subprocess.run(["git", "-C", self.charts, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)


@contextmanager
def brought_up(place: Place, node: str = "") -> Iterator[Platform]:
    """The platform in a place, synced and healthy, with a simulated node or a ``real`` one; stopped at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIPHYS_POLL", f"{POLL:g}s")
        try:
            bring_up(place, print, node)
            platform = Platform(place)
            until(platform.all_well, 60, "everything is synced and healthy")
            yield platform
        finally:
            parts.stop(place)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    for binary in (tiphys_toolbox.binary(), tiphys_localkube.binary()):
        if not binary.exists():
            pytest.skip(f"{binary.name} is not built (make build)")
    with brought_up(Place(tmp_path_factory.mktemp("platform"))) as platform:
        yield platform


@pytest.fixture
def platform(running: Platform) -> Platform:
    """The platform, healthy before a journey begins; what a failed one left behind is told by the next."""
    until(running.at_rest, 60, f"everything is synced and healthy before the journey: {running.apps()}")
    return running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All journeys go to one worker, one after another."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("journeys"))
