"""
A Go module made into a program, once per version of its sources, in a cache.

Knows what a program is made of, and how to build it so that an interrupted build leaves nothing half done.
How a Go toolchain is found is told in ``golang``; how a build shows itself, in ``buildlog``.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tiphys.local import golang
from tiphys.local.buildlog import BuildLog
from tiphys.model.errors import Unavailable

VERSIONS_KEPT = 3
# Folders of a Go module that no Go program is made of.
APART = {"src", "dist", "build", "testdata"}
# A folder with programs of their own, which are built only when they are asked for.
ON_DEMAND = "realnode"
MODULE_FILES = ("go.mod", "go.sum", "ldflags")
NO_SOURCES = ("_test.go", ".md", ".toml", ".py")


@dataclass(frozen=True, slots=True)
class Module:
    """
    A Go module of the checkout, and what it is built for (Go's words: ``amd64``, ``arm64``, ``arm``).

    ``package`` is the folder of the program in the module, where that is not the module's own.
    """

    name: str
    folder: Path
    arch: str = ""
    package: str = ""

    @property
    def flags(self) -> list[str]:
        """The flags of ``go build``. A file ``ldflags`` in the module says what the linker is told."""
        ldflags = self.folder / "ldflags"
        text = ldflags.read_text(encoding="utf-8").strip() if ldflags.exists() else "-s -w"
        return ["-trimpath", "-buildvcs=false", "-ldflags", text]

    @property
    def environment(self) -> dict[str, str]:
        """What the build depends on in the environment; the rest is the user's own (GOPROXY, GOCACHE)."""
        wanted = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
        if self.arch:
            wanted |= {"GOOS": "linux", "GOARCH": self.arch, "GOARM": "7"}
        return wanted

    def fingerprint(self) -> str:
        """A hash of all that the program is made of: two equal ones are the same program."""
        digest = hashlib.sha256(repr((self.flags, self.environment)).encode())
        for file in sorted(self._files()):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{file.relative_to(self.folder)}\0{content}\n".encode())
        return digest.hexdigest()[:16]

    def _files(self) -> Iterator[Path]:
        if not self.package:
            return _sources(self.folder)
        shared = (self.folder / name for name in MODULE_FILES)
        return chain((file for file in shared if file.exists()), _sources(self.folder / self.package))


def built(module: Module, log: BuildLog) -> Path:
    """The program in the cache. A second build of the same waits for the first."""
    done = cache() / f"{module.name}-{module.fingerprint()}"
    program = done / module.name
    if program.exists():
        return program
    try:
        with _alone(done.with_suffix(".lock"), log), _part_of(done) as part:
            if not program.exists():
                _compile(module, part / module.name, log)
                part.rename(done)
            _forget_old(module.name)
    except OSError as error:
        raise Unavailable(f"cannot write {module.name} to the build cache: {error}") from error
    return program


def cache() -> Path:
    """The folder of built programs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "tiphys" / "build"


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if (
            path.name.startswith(".")
            or path.name in APART
            or path.name == ON_DEMAND
            or path.name.endswith(("_test.go", ".md", ".toml"))
        ):
            continue
        if path.is_dir():
            yield from _sources(path)
        else:
            yield path


def _compile(module: Module, output: Path, log: BuildLog) -> None:
    go = golang.toolchain(golang.needed_by(module.folder), cache(), log.say)
    command = [str(go), "build", "-v", *module.flags, "-o", str(output), f"./{module.package}"]
    process = subprocess.Popen(
        command,
        cwd=module.folder,
        env={**os.environ, **module.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        with log.following(module.name) as progress:
            with process.stderr or contextlib.nullcontext(()) as told:
                for line in told:
                    progress.line(line.rstrip())
            ended = progress.ended(process.wait())
        log.say(ended)
    finally:
        # Reached by Ctrl-C too, which go hears as well, being in the same terminal.
        if process.poll() is None:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def _alone(lock: Path, log: BuildLog) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.say("Waiting for another build of the same …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _part_of(done: Path) -> Iterator[Path]:
    """A folder to build in. What a killed build has left there is removed first."""
    part = done.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _forget_old(name: str) -> None:
    """Keep the newest few versions. Those that a checkout uses are linked there and not lost."""
    versions = sorted(cache().glob(f"{name}-*/{name}"), key=lambda path: path.stat().st_mtime)
    for old in versions[:-VERSIONS_KEPT]:
        shutil.rmtree(old.parent, ignore_errors=True)
