"""The control plane in the background: the real localkube, started twice, killed, and started again."""

import os
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from tiphys.local import controlplane, parts, tools
from tiphys.local.controlplane import Ready, Shape
from tiphys.local.place import Place
from tiphys.model.errors import Unavailable

pytestmark = pytest.mark.xdist_group("localkube")
USUAL = Shape()


def test_it_starts_once_answers_and_stops(place: Place, localkube: Path) -> None:
    ready, new = start(place, localkube)
    assert new
    assert "localkube-1" in tools.run(localkube, "kubectl", ["get", "nodes"], place)
    assert start(place, localkube) == (ready, False)
    assert parts.stop(place) == ["control plane"]
    assert controlplane.status(place) is None
    assert parts.stop(place) == []


def test_of_two_starts_at_once_both_get_the_one_that_came_first(place: Place, localkube: Path) -> None:
    first, second = controlplane.begin(place, localkube), controlplane.begin(place, localkube)
    assert first.ready() == second.ready()


def test_after_a_kill_it_is_known_to_be_gone_and_goes_on_where_it_was(place: Place, localkube: Path) -> None:
    ready, _ = start(place, localkube)
    tools.run(localkube, "kubectl", ["create", "namespace", "kept"], place)
    os.kill(ready.pid, signal.SIGKILL)
    wait_until_gone(place)
    assert (place.kube / "ready").exists()
    assert controlplane.status(place) is None
    again, new = start(place, localkube)
    assert new
    assert again.server == ready.server
    assert "kept" in tools.run(localkube, "kubectl", ["get", "namespaces"], place)


def test_a_node_that_was_taken_for_lost_is_ready_again(place: Place, localkube: Path) -> None:
    start(place, localkube)
    lost = '{"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}'
    words = ["patch", "node", "localkube-1", "--subresource=status", "--patch", lost]
    assert "patched" in tools.run(localkube, "kubectl", words, place)
    words = ["wait", "node/localkube-1", "--for=condition=Ready", "--timeout=30s"]
    assert "condition met" in tools.run(localkube, "kubectl", words, place)


def test_a_busy_port_is_named(place: Place, localkube: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=rf"port {port} .* used by another process"):
            start(place, localkube, Shape(port=port))
    assert controlplane.status(place) is None


def test_a_stale_ready_file_with_a_strangers_pid_harms_nobody(place: Place) -> None:
    place.kube.mkdir(parents=True)
    (place.kube / "lock").write_text(f"{os.getpid()}\n")
    (place.kube / "ready").write_text(
        f'{{"pid":{os.getpid()},"server":"https://x","version":"v1","startedAt":"2026-01-01T00:00:00Z"}}'
    )
    assert controlplane.status(place) is None
    assert not controlplane.stop(place)


def test_a_program_that_dies_while_it_starts_leaves_its_last_words(place: Place, tmp_path: Path) -> None:
    program = tmp_path / "localkube"
    program.write_text("#!/bin/sh\necho etcd: disk on fire >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(Unavailable, match=r"(?s)exit code 1\..*disk on fire.*kube\.log"):
        start(place, program)


def test_reset_leaves_nothing(place: Place, localkube: Path) -> None:
    start(place, localkube)
    assert parts.reset(place)
    assert not place.folder.exists()
    assert not parts.reset(place)


def test_a_state_folder_that_cannot_be_written_is_named(place: Place, localkube: Path) -> None:
    place.folder.parent.mkdir(exist_ok=True)
    place.folder.write_text("a file")
    with pytest.raises(Unavailable, match="state"):
        start(place, localkube)
    place.folder.unlink()
    shutil.rmtree(place.folder, ignore_errors=True)


def start(place: Place, binary: Path, shape: Shape = USUAL) -> tuple[Ready, bool]:
    starting = controlplane.begin(place, binary, shape)
    return starting.ready(), starting.process is not None


def wait_until_gone(place: Place) -> None:
    end = time.monotonic() + 10
    while controlplane.program(place).pid() is not None:
        assert time.monotonic() < end
        time.sleep(0.02)
