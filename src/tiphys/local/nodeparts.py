"""
The programs of others that a real node is made of: containerd, runc, and plugins for the pods' network.

Taken from where they are installed; else from Debian's packages, unpacked into a cache and not installed, since
installing would start a daemon. Which of them fit a machine, and what is done with them, is for others to know.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tiphys.local.gobuild import cache
from tiphys.model.errors import Unavailable

Say = Callable[[str], None]

FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
PLUGIN_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni", "/usr/local/lib/cni")
PLUGINS = ("bridge", "host-local", "loopback")
PACKAGES = {
    "containerd": "containerd",
    "ctr": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "runc": "runc",
    "docker-registry": "docker-registry",
}
"""Which of Debian's packages brings a program."""

PLUGINS_PACKAGE = "containernetworking-plugins"
FETCH_WITHIN = 300


@dataclass(frozen=True, slots=True)
class Runtime:
    """What runs containers. ``plugins`` is the folder of the network's."""

    containerd: Path
    ctr: Path
    shim: Path
    runc: Path
    plugins: Path


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that this machine has not, and why it could not be had."""

    name: str
    package: str
    why: str


def found(say: Say) -> tuple[Runtime | None, list[Missing]]:
    """The runtime, fetched where it is not there; ``None`` with what is missing where that fails too."""
    names = ("containerd", "ctr", "containerd-shim-runc-v2", "runc")
    wanted = {PACKAGES[name] for name in names if not _program(name)}
    if not _plugins():
        wanted.add(PLUGINS_PACKAGE)
    why = _fetched(sorted(wanted), say)
    programs = {name: path for name in names if (path := _program(name))}
    plugins = _plugins()
    missing = [
        Missing(name, PACKAGES[name], why or f"its package {PACKAGES[name]} did not bring it")
        for name in names
        if name not in programs
    ]
    if not plugins:
        missing.append(Missing("CNI plugins", PLUGINS_PACKAGE, why))
    if missing or not plugins:
        return None, missing
    if trouble := _without_seccomp(programs["runc"]):
        return None, [Missing("runc", "runc", trouble)]
    containerd, ctr, shim, runc = (programs[name] for name in names)
    return Runtime(containerd, ctr, shim, runc, plugins), []


def registry(say: Say) -> Path:
    """The program of a registry. Raises ``Unavailable`` where there is none and none can be fetched."""
    why = "" if _program("docker-registry") else _fetched([PACKAGES["docker-registry"]], say)
    if program := _program("docker-registry"):
        return program
    raise Unavailable(
        f"this machine has no docker-registry, and it could not be fetched ({why}); install the package "
        "docker-registry, or push to any other registry on 127.0.0.1"
    )


def _program(name: str) -> Path | None:
    unpacked = [str(_unpacked() / folder) for folder in ("usr/bin", "usr/sbin", "sbin")]
    path = os.pathsep.join([os.environ.get("PATH", ""), *FOLDERS, *unpacked])
    at = shutil.which(name, path=path)
    return Path(at) if at else None


def _plugins() -> Path | None:
    for folder in (*map(Path, PLUGIN_FOLDERS), _unpacked() / "usr/lib/cni"):
        if all((folder / name).exists() for name in PLUGINS):
            return folder
    return None


def _unpacked() -> Path:
    return cache().parent / "node"


def _without_seccomp(runc: Path) -> str:
    """Why this one runs no pod, or nothing: the default profile of every pod needs seccomp."""
    done = subprocess.run([runc, "--version"], capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        return f"{runc} does not run here: {done.stderr.strip()}"
    return "" if "seccomp" in done.stdout.lower() else f"{runc} was built without seccomp"


def _fetched(packages: Sequence[str], say: Say) -> str:
    """Have packages unpacked into the cache. Answers why not, or nothing."""
    if not packages:
        return ""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return "this machine has no apt-get to fetch it by"
    say(f"Fetching {', '.join(packages)}, unpacked and not installed …")
    downloads = _unpacked() / "packages"
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        if why := _download(packages, downloads):
            return why
        for package in downloads.glob("*.deb"):
            _run(["dpkg-deb", "--extract", package, _unpacked()], downloads)
            package.unlink()
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return ""


def _download(packages: Sequence[str], to: Path) -> str:
    """By the machine's own lists of packages, and where these are empty or old, by lists in the cache."""
    if _run(["apt-get", "download", *packages], to).returncode == 0:
        return ""
    (to / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    apt = ["apt-get", "-o", f"Dir::State::Lists={to / 'lists'}", "-o", f"Dir::Cache={to / 'cache'}"]
    _run([*apt, "update"], to)
    done = _run([*apt, "download", *packages], to)
    told = [line.removeprefix("E: ") for line in done.stderr.splitlines() if line.startswith("E:")]
    return (told or ["apt-get gave no reason"])[0] if done.returncode else ""


def _run(command: Sequence[str | Path], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=FETCH_WITHIN
    )
