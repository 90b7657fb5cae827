"""Engines on one namespace of a real API server: one acts, another when the first is gone, none while it is silent."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conftest import Plane
from deploy.test_on_a_cluster import application, synced
from journeys.conftest import until


@dataclass(frozen=True)
class Running:
    """An engine as a process."""

    process: subprocess.Popen[bytes]
    log: Path

    def says(self, word: str, times: int = 1) -> bool:
        return self.log.read_text().count(word) >= times

    def end(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.wait(20)


@contextmanager
def running(plane: Plane, namespace: str, state: Path) -> Iterator[Running]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TIPHYS_", "ARGOCD_"))}
    command = [sys.executable, "-m", "tiphys.cli.main", "controller", "--kubeconfig", plane.kubeconfig]
    where = ["--namespace", namespace, "--state", state, "--poll", "1s"]
    log = state.with_suffix(".log")
    with log.open("a") as file:
        environment = {**kept, "TIPHYS_LISTEN": "off", "TIPHYS_LEASE": "6s"}
        process = subprocess.Popen([*command, *where], stderr=file, stdout=file, env=environment)
    try:
        yield Running(process, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_one_acts_and_the_other_goes_on_when_it_is_killed_or_ends(
    plane: Plane, namespace: str, repository: str, tmp_path: Path
):
    with running(plane, namespace, tmp_path / "a") as first:
        until(lambda: first.says("ready"), 40, f"the first acts; see {first.log}")
        with running(plane, namespace, tmp_path / "b") as second:
            until(lambda: second.says("standing by"), 40, f"the second stands by; see {second.log}")
            plane.kubectl("apply", "-f", "-", stdin=application("api", namespace, repository, namespace))
            until(synced(plane, "api", namespace), 40, f"the first syncs; see {first.log}")
            first.end(signal.SIGKILL)
            until(lambda: second.says("ready"), 20, f"the second goes on; see {second.log}")
            with running(plane, namespace, tmp_path / "a") as again:
                until(lambda: again.says("standing by"), 40, f"it stands by; see {again.log}")
                second.end(signal.SIGTERM)
                assert second.says("made way")
                until(lambda: again.says("ready", 2), 10, f"it goes on at once; see {again.log}")


def test_who_was_killed_goes_on_at_once_and_a_second_process_on_its_folder_waits(
    plane: Plane, namespace: str, tmp_path: Path
):
    with running(plane, namespace, tmp_path / "a") as first:
        until(lambda: first.says("ready"), 40, f"it acts; see {first.log}")
        with running(plane, namespace, tmp_path / "a") as second:
            until(lambda: second.says("uses the state folder"), 40, f"it waits; see {second.log}")
            first.end(signal.SIGKILL)
            until(lambda: second.says("ready", 2), 5, f"it goes on at once; see {second.log}")


def test_an_engine_without_its_api_server_ends_its_work_and_goes_on_by_itself(
    own_plane: Plane, tmp_path: Path
):
    with running(own_plane, "argocd", tmp_path / "a") as engine:
        until(lambda: engine.says("ready"), 40, f"it acts; see {engine.log}")
        own_plane.kill()
        until(lambda: engine.says("not leading any more"), 10, f"it ends its work; see {engine.log}")
        own_plane.start()
        until(lambda: engine.says("ready", 2), 20, f"it goes on; see {engine.log}")
        assert engine.process.poll() is None
        engine.end(signal.SIGTERM)
        assert engine.says("made way")
