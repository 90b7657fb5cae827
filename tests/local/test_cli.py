"""``tiphys local`` where nothing runs yet; with a control plane it is played by the journeys."""

import os
import subprocess
import sys
from pathlib import Path

import orjson


def tiphys(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tiphys.cli.main", *map(str, arguments)]
    return subprocess.run(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_status_of_nothing_is_told_and_exits_with_3(tmp_path: Path) -> None:
    told = tiphys("local", "status", "-o", "json", XDG_STATE_HOME=str(tmp_path))
    assert told.returncode == 3
    status = orjson.loads(told.stdout)
    assert status["stateDir"] == f"{tmp_path}/tiphys/local"
    assert {part["name"]: part["state"] for part in status["parts"]} == {
        "control plane": "stopped",
        "git server": "stopped",
        "engine": "stopped",
    }


def test_two_platforms_have_two_places(tmp_path: Path) -> None:
    told = tiphys("local", "--name", "other", "status", "-o", "json", XDG_STATE_HOME=str(tmp_path))
    assert orjson.loads(told.stdout)["stateDir"] == f"{tmp_path}/tiphys/other"
    assert "letters" in tiphys("local", "--name", "../other", "status").stderr


def test_reset_removes_only_when_somebody_agrees(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    asked = tiphys("local", "--state-dir", place, "reset")
    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    assert place.exists()
    assert tiphys("local", "--state-dir", place, "reset", "--yes").returncode == 0
    assert not place.exists()


def test_reset_of_a_folder_that_is_no_platforms_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "kube").mkdir()
    (tmp_path / "photos").mkdir()
    told = tiphys("local", "--state-dir", tmp_path, "reset", "--yes")
    assert told.returncode == 1
    assert "photos" in told.stderr
    assert (tmp_path / "kube").exists()


def test_stop_where_nothing_runs_is_fine(tmp_path: Path) -> None:
    assert tiphys("local", "--state-dir", tmp_path, "stop").stderr == "Nothing was running.\n"


def test_without_a_control_plane_there_is_no_kubeconfig(tmp_path: Path) -> None:
    told = tiphys("local", "--state-dir", tmp_path, "kubeconfig")
    assert told.returncode == 1
    assert f"local --state-dir {tmp_path} start" in told.stderr


def test_all_that_follows_kubectl_is_kubectls(localkube: Path, tmp_path: Path) -> None:
    del localkube
    told = tiphys("local", "--state-dir", tmp_path, "kubectl", "create", "--help")
    assert told.returncode == 0
    assert "Create a resource" in told.stdout
    assert told.stderr == ""


def test_kubectl_on_a_control_plane_that_does_not_run_says_how_to_start_it(
    localkube: Path, tmp_path: Path
) -> None:
    del localkube
    told = tiphys("local", "--state-dir", tmp_path, "kubectl", "get", "nodes", "--request-timeout=1s")
    assert told.returncode == 1
    assert told.stderr.startswith("Error: the local control plane does not run; start it with: ")
    assert told.stderr.endswith(f" local --state-dir {tmp_path} start\n")


def test_there_is_one_real_node() -> None:
    told = tiphys("local", "start", "--node", "real", "--nodes", "2")
    assert told.returncode == 2
    assert "one real node" in told.stderr
