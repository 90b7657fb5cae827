"""
The two Go programs of a checkout, laid where their packages look for them, and those of a real node.

``python -m tiphys.local.build [toolbox] [localkube] [localnode] [kubelet]`` builds what is not built yet, and
without arguments the first two: only a real node needs the others. Where the packages
``tiphys_toolbox`` and ``tiphys_localkube`` come from wheels, the programs are in them and nothing is built.
How a program is built is told in ``gobuild``.
"""

import importlib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tiphys.local.buildlog import BuildLog
from tiphys.local.gobuild import Module, built
from tiphys.model.errors import SpecError, TiphysError, Unavailable

PROGRAMS = ("toolbox", "localkube")
OF_A_NODE = {"localnode": "realnode/localnode", "kubelet": "realnode/kubelet"}
"""The programs of a real node, and where their sources are in the module ``localkube``."""


def ensure(name: str, log: BuildLog | None = None) -> Path:
    """
    The program ``toolbox`` or ``localkube``, built first where it is not.

    Raises ``SpecError`` when its sources do not compile, ``Unavailable`` when what building needs is missing.
    """
    package = _package(name)
    placed, sources = Path(package.binary()), package.sources()
    if sources is None:
        if not placed.exists():
            raise SpecError(f"tiphys-{name} is installed without the program for this kind of machine")
        return placed
    _place(built(Module(name, sources), log or BuildLog()), placed)
    return placed


def of_a_node(name: str, log: BuildLog | None = None) -> Path:
    """
    The program ``localnode`` or ``kubelet``, in the cache, built first where it is not.

    Raises as ``ensure`` does, and ``Unavailable`` where this is no checkout: no package brings these.
    """
    sources = _package("localkube").sources()
    if sources is None:
        raise Unavailable(
            f"{name} is built from sources, and tiphys-localkube is installed without; a real node needs "
            "a checkout of Tiphys"
        )
    return built(Module(name, sources, package=OF_A_NODE[name]), log or BuildLog())


def present(name: str) -> Path:
    """The program as it is, even where its sources have changed since; built only where there is none."""
    placed = Path(_package(name).binary())
    return placed if placed.exists() else ensure(name)


def _package(name: str) -> Any:
    try:
        return importlib.import_module(f"tiphys_{name}")
    except ModuleNotFoundError as error:
        raise SpecError(f"tiphys-{name} is not installed; try: pip install tiphys-{name}") from error


def _place(program: Path, at: Path) -> None:
    """Lay the program where its package looks for it, in one step, so that nobody starts half of it."""
    if at.exists() and _same(program, at):
        return
    at.parent.mkdir(parents=True, exist_ok=True)
    new = at.with_name(f".{at.name}.{os.getpid()}")
    try:
        try:
            new.hardlink_to(program)
        except OSError:  # another file system
            shutil.copy2(program, new)
        new.replace(at)
    finally:
        new.unlink(missing_ok=True)


def _same(program: Path, other: Path) -> bool:
    one, two = program.stat(), other.stat()
    return os.path.samestat(one, two) or (one.st_size, one.st_mtime_ns) == (two.st_size, two.st_mtime_ns)


@click.command()
@click.argument("programs", nargs=-1, type=click.Choice([*PROGRAMS, *OF_A_NODE]))
@click.option(
    "--arch", type=click.Choice(["amd64", "arm64", "arm"]), help="Build for another kind of machine."
)
@click.option("--output", type=click.Path(path_type=Path), help="Copy the one program there.")
def main(programs: Sequence[str], arch: str | None, output: Path | None) -> None:
    """Build the Go programs of this checkout, those that are not built yet."""
    if (arch or output) and (len(programs) != 1 or not output or programs[0] in OF_A_NODE):
        raise click.UsageError("--arch and --output go together with toolbox or localkube.")
    try:
        if output:
            _build_to(programs[0], arch or "", output)
        else:
            for name in programs or PROGRAMS:
                (of_a_node if name in OF_A_NODE else ensure)(name)
    except KeyboardInterrupt:
        click.echo(
            "Interrupted; what is built so far is kept by Go, and the next build goes on from there.",
            err=True,
        )
        sys.exit(130)
    except TiphysError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


def _build_to(name: str, arch: str, output: Path) -> None:
    sources = _package(name).sources()
    if sources is None:
        raise SpecError(f"tiphys-{name} is installed from a wheel, which has no sources to build")
    _place(built(Module(name, sources, arch), BuildLog()), output)


if __name__ == "__main__":
    main()
