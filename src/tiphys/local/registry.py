"""
A registry of images as a program in the background, for a real node to pull from: ``docker-registry``.

It listens on loopback alone and in plain HTTP, which builders and containerd accept there. Its port is written
into what is pulled from it, so it is chosen once and kept.
"""

import json
import socket
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tiphys.local import nodeparts
from tiphys.local.background import Background, launch, wait_for
from tiphys.local.nodeparts import Say
from tiphys.local.place import Place

USUAL_PORT = 7481
START_WITHIN = 30.0


def program(place: Place) -> Background:
    """The registry of a place."""
    return Background("the registry", place.folder / "registry.lock", place.log("registry"))


def status(place: Place) -> str | None:
    """Its host and port if it runs, as images are named by it."""
    return _host(place) if program(place).pid() is not None else None


def start(place: Place, say: Say) -> str:
    """Start it where it does not run; answers its host and port. Raises ``Unavailable`` where it cannot be had."""
    server, process = program(place), None
    if server.pid() is None:
        binary = nodeparts.registry(say)
        host = _host(place) or f"127.0.0.1:{_free_port()}"
        place.registry.mkdir(parents=True, exist_ok=True, mode=0o700)
        _file(place).write_text(_settings(place, host), encoding="utf-8")
        _tell_node(place, host)
        process = launch(server, [binary, "serve", _file(place)])
    return wait_for(server, process, lambda: _answering(_host(place)), START_WITHIN)


def stop(place: Place) -> bool:
    """Stop it, and answer whether it ran."""
    return program(place).stop(within=5.0)


def _settings(place: Place, host: str) -> str:
    """https://distribution.github.io/distribution/about/configuration/"""
    return json.dumps(
        {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(place.registry)}, "delete": {"enabled": True}},
            "http": {"addr": host},
        }
    )


def _tell_node(place: Place, host: str) -> None:
    """Newer containerd speaks plain HTTP only where it is told to, even on loopback."""
    folder = place.node / "certs.d" / host
    folder.mkdir(parents=True, exist_ok=True)
    text = f'server = "http://{host}"\n[host."http://{host}"]\n  capabilities = ["pull", "resolve"]\n'
    (folder / "hosts.toml").write_text(text, encoding="utf-8")


def _free_port() -> int:
    for port in (USUAL_PORT, 0):
        try:
            with socket.create_server(("127.0.0.1", port)) as free:
                return int(free.getsockname()[1])
        except OSError:
            continue
    return 0


def _answering(host: str | None) -> str | None:
    if host is None:
        return None
    connection = HTTPConnection(host, timeout=5)
    try:
        connection.request("GET", "/v2/")
        return host if connection.getresponse().status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _host(place: Place) -> str | None:
    try:
        return str(json.loads(_file(place).read_bytes())["http"]["addr"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError):
        return None


def _file(place: Place) -> Path:
    return place.folder / "registry.json"
