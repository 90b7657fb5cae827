"""What a real node is made of: what is there is taken, what is missing is fetched or named."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tiphys.local import nodeparts


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing but what a test puts into the folder."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setattr(nodeparts, "FOLDERS", ())
    monkeypatch.setattr(nodeparts, "PLUGIN_FOLDERS", (str(programs),))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return programs


def program(folder: Path, name: str, says: str = "") -> None:
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


def everything(folder: Path, runc: str) -> None:
    for name in ("containerd", "ctr", "containerd-shim-runc-v2", *nodeparts.PLUGINS):
        program(folder, name)
    program(folder, "runc", runc)


def test_what_is_missing_is_named_with_its_package_and_why_it_was_not_fetched(bare: Path) -> None:
    program(bare, "containerd")
    runtime, missing = nodeparts.found(print)
    assert runtime is None
    assert [(part.name, part.package) for part in missing] == [
        ("ctr", "containerd"),
        ("containerd-shim-runc-v2", "containerd"),
        ("runc", "runc"),
        ("CNI plugins", "containernetworking-plugins"),
    ]
    assert {part.why for part in missing} == {"this machine has no apt-get to fetch it by"}


def test_what_is_installed_is_taken_and_nothing_is_fetched(bare: Path) -> None:
    everything(bare, "libseccomp: 2.5.4")
    runtime, missing = nodeparts.found(pytest.fail)
    assert missing == []
    assert runtime
    assert (runtime.runc, runtime.plugins) == (bare / "runc", bare)


def test_a_runc_that_no_pod_can_use_is_refused(bare: Path) -> None:
    everything(bare, "runc version 1.1")
    assert "without seccomp" in nodeparts.found(print)[1][0].why


def test_packages_are_unpacked_into_the_cache_and_not_installed(bare: Path, tmp_path: Path) -> None:
    if not (tool := shutil.which("dpkg-deb", path="/usr/bin:/bin")):
        pytest.skip("no dpkg-deb on this machine")
    (bare / "dpkg-deb").symlink_to(tool)
    for name in ("tar", "sh", "cp"):
        (bare / name).symlink_to(shutil.which(name, path="/usr/bin:/bin") or "")
    packed = tmp_path / "docker-registry"
    (packed / "DEBIAN").mkdir(parents=True)
    (packed / "DEBIAN/control").write_text(
        "Package: docker-registry\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@example.com>\nDescription: x\n"
    )
    (packed / "usr/bin").mkdir(parents=True)
    program(packed / "usr/bin", "docker-registry")
    deb = tmp_path / "docker-registry.deb"
    subprocess.run([tool, "--build", packed, deb], check=True, capture_output=True)
    (bare / "apt-get").write_text(f'#!/bin/sh\n[ "$*" = "download docker-registry" ] && cp {deb} .\n')
    (bare / "apt-get").chmod(0o755)
    told: list[str] = []
    assert nodeparts.registry(told.append) == tmp_path / "cache/tiphys/node/usr/bin/docker-registry"
    assert told == ["Fetching docker-registry, unpacked and not installed …"]
