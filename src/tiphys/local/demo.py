"""
The example platform made real: Git repositories, a chart repository, checkouts to edit, the root installed.

What is there already is left alone, so that what a user has pushed or edited survives every start. What the
platform consists of stands in ``examples/platform``; who serves it, and who runs it, is for others to know.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tiphys.local import chartrepository, tools
from tiphys.local.nodeimages import Image
from tiphys.local.place import NAMESPACE, Place, Served
from tiphys.model.errors import SpecError, Unavailable

if TYPE_CHECKING:
    from tiphys.wiring.connecting import Calls

EXAMPLE = Path(__file__).parents[3] / "examples" / "platform"
# As the example's files call the server. The address that it got is written in its place.
USUAL_ADDRESS = "http://127.0.0.1:7480"
REPOSITORIES = {"charts": "charts-repository", "homepage": "application-repositories/homepage"}

# Another version of the page, for the first thing that people try.
HOMEPAGE_IMAGES = ("ghcr.io/example/homepage:1.0.0", "ghcr.io/example/homepage:1.0.1")
# Of these there are no sources; on a real node something answers in their place.
STAND_INS = {
    "api": ("ghcr.io/example/api:2.3.1", ":8080"),
    "podmeter": ("ghcr.io/example/podmeter:1.4.2", ":9100"),
}

ROOT = "tiphys"


def root_chart(place: Place) -> Path:
    """The root's chart in the user's checkout."""
    return place.work / "charts" / "charts" / ROOT


def root_command(chart: Path | str) -> list[str]:
    """The ``helm`` command that installs and upgrades the root, as in the example's ``taskfile.yaml``."""
    return ["upgrade", "--install", ROOT, str(chart), "--namespace", NAMESPACE, "--create-namespace"]


def lay(place: Place, served: Served, example: Path = EXAMPLE) -> None:
    """Make the repositories and checkouts that are not there yet, and publish the third party's charts."""
    if not (example / "charts-repository").is_dir():
        raise SpecError(f"the example platform is not at {example}; run this from a checkout of Tiphys")
    try:
        chartrepository.publish(example / "chart-repository", place.charts)
        for name, folder in REPOSITORIES.items():
            bare, checkout = place.repositories / f"{name}.git", place.work / name
            if not bare.exists():
                _found(bare, example / folder, served)
            if not checkout.exists():
                _check_out(checkout, bare, served.repository(name))
    except OSError as error:
        raise Unavailable(
            f"cannot make the example's repositories in {place.folder}: {_why(error)}"
        ) from error


def images(homepage: Path, stand_in: Path) -> dict[str, Image]:
    """The images that the example runs: the page's program, and one that answers for those without sources."""
    others = {
        name: Image([image], stand_in, ["answer", listen]) for name, (image, listen) in STAND_INS.items()
    }
    return {"homepage": Image(HOMEPAGE_IMAGES, homepage), **others}


def install_root(place: Place, binary: Path) -> None:
    """Install the root as a user does, from their checkout. An upgrade is theirs: the list may be half edited."""
    tools.run(binary, "helm", root_command(root_chart(place)), place)


async def root_installed(api: "Calls") -> bool:
    """Whether Helm has the root as deployed, by the Secrets that it keeps its releases in."""
    labels = f"owner=helm,name={ROOT},status=deployed"
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    return bool(msgspec.json.decode((await api.call("GET", path, {"labelSelector": labels})).body)["items"])


def _found(bare: Path, sources: Path, served: Served) -> None:
    """A bare repository with one commit: the example's files, with the address at which they are served."""
    with _made_whole(bare) as new:
        files = new.with_name(f"{new.name}.files")
        shutil.rmtree(files, ignore_errors=True)
        try:
            shutil.copytree(sources, files)
            for file in files.rglob("*.yaml"):
                text = file.read_text(encoding="utf-8")
                file.write_text(text.replace(USUAL_ADDRESS, served.address), encoding="utf-8")
            _git("init", "--quiet", "--bare", "--initial-branch=main", new)
            # What hosted Git allows, so that the engine meets here what it meets there.
            _git("-C", new, "config", "uploadpack.allowFilter", "true")
            _git("-C", new, "config", "uploadpack.allowAnySHA1InWant", "true")
            tree: list[str | Path] = ["--git-dir", new, "--work-tree", files]
            _git(*tree, "add", "--all")
            _git(*tree, "commit", "--quiet", "--message", "Begin")
            (new / "index").unlink(missing_ok=True)
        finally:
            shutil.rmtree(files, ignore_errors=True)


def _check_out(checkout: Path, bare: Path, address: str) -> None:
    with _made_whole(checkout) as new:
        _git("clone", "--quiet", bare, new)
        _git("-C", new, "remote", "set-url", "origin", address)
        # A machine may have a proxy for everything, and nobody's name: neither shall stop a first push.
        for key, value in {"http.proxy": "", "user.name": "You", "user.email": "you@example.com"}.items():
            _git("-C", new, "config", key, value)


@contextmanager
def _made_whole(folder: Path) -> Iterator[Path]:
    """A folder to make something in, which takes its name when it is whole."""
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield new
        new.replace(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _why(error: OSError) -> str:
    """The first of what went wrong: a copied folder tells of each file."""
    if isinstance(error, shutil.Error) and error.args and error.args[0]:
        return str(error.args[0][0][2])
    return str(error)


def _git(*arguments: str | Path) -> None:
    command: Sequence[str] = ["git", *(str(argument) for argument in arguments)]
    try:
        done = subprocess.run(
            command, env=_git_environment(), cwd="/", capture_output=True, text=True, check=False, timeout=60
        )  # not where we are: that may be a checkout which is gone since a reset
    except FileNotFoundError as error:
        raise SpecError("git is not installed on this machine; install it and try again") from error
    if done.returncode:
        raise Unavailable(f"{' '.join(command)} failed:\n{done.stderr.strip()}")


def _git_environment() -> dict[str, str]:
    """An environment in which neither the user's settings nor a repository around us plays a part."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = {"NAME": "The platform", "EMAIL": "platform@example.com"}
    names = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    return {**usual, **names, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
