"""A real SSH server on loopback, that lets one key in."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class Server:
    """Where it is, what it shows, and the key that it lets in."""

    port: int
    known_hosts: str
    key: str

    def url(self, folder: Path) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{folder}"


def made_key(path: Path, *words: str) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada@example.org", "-f", path, *words]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server, as this user."""
    if not SSHD or not shutil.which("ssh"):
        pytest.skip("sshd or ssh is not installed")
    folder = tmp_path_factory.mktemp("sshd")
    host, key = made_key(folder / "host"), made_key(folder / "key")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = [
        f"ListenAddress 127.0.0.1:{port}",
        f"HostKey {host}",
        f"AuthorizedKeysFile {folder}/key.pub",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "PidFile none",
    ]
    (folder / "config").write_text("\n".join(lines) + "\n")
    if os.geteuid() == 0:  # it then separates privileges, and wants this folder for that
        Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "config"], stdout=log, stderr=log)
    try:
        _await(port, process, folder / "log")
        public = (folder / "host.pub").read_text()
        yield Server(port, f"[127.0.0.1]:{port} {public}", key.read_text())
    finally:
        process.terminate()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 20
    while True:
        assert process.poll() is None, log.read_text()
        with socket.socket() as tried:
            if not tried.connect_ex(("127.0.0.1", port)):
                return
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)
