"""
A Gitea server in a folder: built once from its Go module, started on a port of loopback, asked by its API.

Knows what it needs to run, and how a user, a token and a repository are made. It keeps all in SQLite and files.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tiphys.local.buildlog import BuildLog
from tiphys.local.gobuild import Module, built, cache

OWNER, PASSWORD = "ada", "not-a-secret"
_SETTINGS = """
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
APP_NAME = Gitea
RUN_MODE = prod
WORK_PATH = {folder}
[server]
STATIC_ROOT_PATH = {sources}
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = of-a-test
[webhook]
ALLOWED_HOST_LIST = loopback
[indexer]
ISSUE_INDEXER_TYPE = db
[actions]
ENABLED = false
[packages]
ENABLED = false
[log]
LEVEL = Warn
"""


class _Module(Module):
    """The module of this folder: with SQLite, which is C."""

    @property
    def flags(self) -> list[str]:
        return [*super().flags, "-tags", "sqlite,sqlite_unlock_notify"]

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "CGO_ENABLED": "1"}

    def _files(self) -> Iterator[Path]:
        # Not what Python writes beside them.
        return iter([self.folder / name for name in ("go.mod", "go.sum", "main.go")])


MODULE = _Module("gitea", Path(__file__).parent)


def program() -> Path | None:
    """The program, if it was built and the module that it reads its texts from is still there."""
    path = cache() / f"gitea-{MODULE.fingerprint()}" / "gitea"
    return path if path.exists() and _sources() else None


def built_now() -> Path:
    """The program, built if it is not yet."""
    return built(MODULE, BuildLog())


class Gitea:
    """A server that runs, with a user and a token that may do everything."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """What its API answers; a no is a failed test."""
        server = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        server.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None, headers)
        answer = server.getresponse()
        content = answer.read()
        server.close()
        assert answer.status < 300, f"{method} {path}: {answer.status} {content!r}"
        return json.loads(content) if content else None

    def repository(self, name: str) -> str:
        """A new, empty repository; answers the URL to push to."""
        self.ask("POST", "/user/repos", {"name": name, "default_branch": "main"})
        return f"{self.url}/{OWNER}/{name}.git"

    def pulls(self, name: str) -> list[dict[str, Any]]:
        """The pull requests of a repository that are open, the oldest first."""
        found: list[dict[str, Any]] = self.ask("GET", f"/repos/{OWNER}/{name}/pulls?state=open")
        return sorted(found, key=lambda pull: pull["number"])


@contextmanager
def serving(folder: Path) -> Iterator[Gitea]:
    """A server with its own state in a folder, until the block ends."""
    binary = program()
    assert binary
    port = _port()
    settings = folder / "app.ini"
    settings.write_text(_SETTINGS.format(folder=folder, sources=_sources(), port=port))
    command = [str(binary), "--work-path", str(folder), "--config", str(settings)]
    environment = {**os.environ, "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    user = ("admin", "user", "create", "--username", OWNER, "--password", PASSWORD)
    token = ("admin", "user", "generate-access-token", "--username", OWNER, "--scopes", "all", "--raw")
    _said(command, environment, "migrate")
    _said(
        command, environment, *user, "--email", "ada@example.org", "--admin", "--must-change-password=false"
    )
    secret = _said(command, environment, *token).split()[-1]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen([*command, "web"], env=environment, stdout=log, stderr=log)
    try:
        gitea = Gitea(f"http://127.0.0.1:{port}", secret)
        _await(gitea, process, folder / "log.txt")
        yield gitea
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(gitea: Gitea, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 60
    while True:
        assert process.poll() is None, f"gitea ended with {process.returncode}, see {log}"
        assert time.monotonic() < until, f"gitea does not answer, see {log}"
        try:
            gitea.ask("GET", "/version")
        except (OSError, HTTPException, AssertionError):
            time.sleep(0.1)
        else:
            return


def _said(command: list[str], environment: Mapping[str, str], *words: str) -> str:
    done = subprocess.run(
        [*command, *words], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"gitea {words[0]}: {done.stderr[-1000:]}"
    return done.stdout


def _sources() -> str:
    """The folder of Gitea's module: its texts and templates are read while it runs."""
    told = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", "code.gitea.io/gitea"],
        cwd=Path(__file__).parent,
        env={**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() if told.returncode == 0 else ""


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
