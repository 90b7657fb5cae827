"""
What a forge does for the homepage's repository: it is told of each push, and runs the repository's own workflow.

The steps are those of ``deploy/ci``, run by ``ci.runner``. This machine has no image of a Go toolchain, so a push
is compiled where it is checked out, as the first stage of the Dockerfile would; ``compiled.Dockerfile`` packs it.
"""

import os
import platform as machine
import re
import subprocess
import sys
from pathlib import Path

import yaml

from ci.runner import Runner, Values
from ci.test_run import INSTALLS
from ci.test_templates import WORKFLOWS
from journeys.conftest import Platform, until
from tiphys.local.nodeimages import MACHINES

PACKS = "compiled.Dockerfile"
WORKFLOW = ".github/workflows/release.yaml"
VALUES = "charts/homepage/values.yaml"
USUAL_IMAGE = "ghcr.io/example/homepage"
COMPILE = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", "homepage", "."]


class Forge:
    """The forge of a platform, with a registry; ``homepage`` is a developer's clone."""

    def __init__(self, platform: Platform, registry: str, folder: Path, storage: Values) -> None:
        self.platform = platform
        self.image = f"{registry}/homepage"
        self.homepage = platform.place.work / "homepage"
        self.bare = platform.place.repositories / "homepage.git"
        self.folder = folder
        self.storage = storage
        self.seen = self._main()

    def greets(self) -> str:
        """A developer has the page say ``Ahoy``, and pushes that; answers the commit."""
        page = self.homepage / "site" / "index.html"
        page.write_text(page.read_text().replace("<h1>", "<h1>Ahoy, "))
        return self._push("Greet")

    def _push(self, message: str) -> str:
        git(self.homepage, "commit", "--quiet", "--all", "--message", message)
        git(self.homepage, "push", "--quiet", "origin", "HEAD:main")
        return git(self.homepage, "rev-parse", "HEAD")

    def runs_what_was_pushed(self) -> Values:
        """Run the workflow of a push that came, as that commit has it; answers its outputs."""
        until(lambda: self._main() != self.seen, 10, "main was pushed to")
        commit = self.seen = self._main()
        (call,) = yaml.safe_load(git(self.bare, "show", f"{commit}:{WORKFLOW}"))["jobs"].values()
        return self._runner(commit).call(WORKFLOWS[0], call["with"])

    def _main(self) -> str:
        return git(self.bare, "rev-parse", "main")

    def _runner(self, commit: str) -> Runner:
        checkout, temp = self.folder / commit, self.folder / f"{commit}.temp"
        (temp / "tiphys").mkdir(parents=True)
        (temp / "tiphys/bin").symlink_to(Path(sys.executable).parent)

        def check_out(_inputs: Values) -> None:
            git(self.folder, "clone", "--quiet", self.bare, checkout)
            git(checkout, "checkout", "--quiet", "--detach", commit)
            compile_in(checkout)

        setup = ("docker/setup-qemu-action", "docker/setup-buildx-action", "docker/login-action")
        return Runner(
            checkout,
            temp,
            github={
                "sha": commit,
                "repository": "example/homepage",
                "server_url": "https://git.example.com",
                "actor": "ada",
                "token": "a-token",
            },
            secrets={"charts-token": "a-token"},
            plays={"actions/checkout": check_out, **dict.fromkeys(setup, lambda _: None)},
            environment={**self.storage, "TIPHYS_RELEASE_BUILDER": "buildah"},
            skipped={INSTALLS},
        )

    def move_in(self) -> None:
        """Have workflow and chart name the addresses of this machine, and the registry hold what runs already."""
        self._brings_what_runs()
        workflow = self.homepage / WORKFLOW
        charts = git(self.platform.charts, "remote", "get-url", "origin")
        text = workflow.read_text().replace("https://github.com/example/charts.git", charts)
        text = text.replace(USUAL_IMAGE, self.image)
        native = f"linux/{MACHINES.get(machine.machine(), 'amd64')}"
        workflow.write_text(text.replace("linux/arm64", f"{native}\n      dockerfile: {PACKS}"))
        self.platform.edit(VALUES, USUAL_IMAGE, self.image)
        self.platform.push("homepage: images of the registry here")

    def _brings_what_runs(self) -> None:
        compile_in(self.homepage)
        tag = self.platform.image("homepage").partition(":")[2]
        words = [
            "image",
            "build",
            self.homepage,
            "--dockerfile",
            self.homepage / PACKS,
            "--builder",
            "buildah",
        ]
        command = [Path(sys.executable).parent / "tiphys", *words, "--image", self.image, "--tag", tag]
        done = subprocess.run(
            command, env={**os.environ, **self.storage}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def move_out(platform: Platform) -> None:
    """Have the chart name again what it names at the beginning, for other journeys."""
    git(platform.charts, "pull", "--quiet", "--rebase", "origin", "HEAD")
    file = platform.charts / VALUES
    usual = f'repository: {USUAL_IMAGE}\n    tag: "1.0.0"'
    file.write_text(re.sub(r'repository: \S+/homepage\n    tag: "\w[^"]*"', usual, file.read_text()))
    platform.push("homepage: as it was")


def compile_in(checkout: Path) -> None:
    """Compile as the Dockerfile's first stage does."""
    done = subprocess.run(
        COMPILE,
        cwd=checkout,
        env={**os.environ, "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def git(folder: Path, *words: str | Path) -> str:
    """What git prints, in a repository."""
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {words}: {done.stderr}"
    return done.stdout.strip()
