"""
The programs that build images: which one is there, and how each is asked.

They read credentials where ``docker login`` and its kin keep them, and say on stderr what they do. A registry on
this machine's loopback is spoken to in plain HTTP, as Docker does.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import orjson

from tiphys.model import addresses
from tiphys.model.builds import Build, Made
from tiphys.model.errors import SpecError, Unavailable

_PROBE_SECONDS = 20.0


class Builder(Protocol):
    """A program that builds images."""

    @property
    def name(self) -> str:
        """What it is called."""

    def probe(self) -> Sequence[str]:
        """A command that succeeds where the program can build."""

    def commands(self, build: Build, noted: Path) -> Iterator[Sequence[str]]:
        """What to run, one after the other, to build and push; the digest is noted in a file."""

    def digest(self, noted: str) -> str:
        """The digest in what was noted."""


@dataclass(frozen=True)
class Docker:
    """``docker buildx``: builds and pushes in one."""

    name: str = "docker"

    def probe(self) -> Sequence[str]:
        """There may be a client without buildx, and buildx without a daemon."""
        return "docker", "buildx", "inspect"

    def commands(self, build: Build, noted: Path) -> Iterator[Sequence[str]]:
        """One command. Without provenance the digest is the image's own and not that of an index around it."""
        cache = [
            f"--cache-from=type=registry,ref={build.cache}",
            f"--cache-to=type=registry,ref={build.cache},mode=max",
        ]
        yield [
            *("docker", "buildx", "build", "--push", "--provenance=false", f"--metadata-file={noted}"),
            *_common(build),
            f"--tag={build.image}",
            *(cache if build.cache else ()),
            *("--", build.context),
        ]

    def digest(self, noted: str) -> str:
        """Of the metadata file."""
        return str(orjson.loads(noted)["containerimage.digest"])


@dataclass(frozen=True)
class Podman:
    """``podman`` and ``buildah``, which take the same words."""

    name: str = "podman"

    def probe(self) -> Sequence[str]:
        """Whether it finds its storage."""
        return self.name, "info"

    def commands(self, build: Build, noted: Path) -> Iterator[Sequence[str]]:
        """Build, then push; images for several platforms are a list of their own."""
        several = len(build.platforms) > 1
        # Their cache takes the layers of one platform for those of another where both begin FROM scratch.
        layers = "--layers=false" if build.platforms else "--layers=true"
        keeps = build.cache and not build.platforms
        cache = [f"--cache-from={build.cache}", f"--cache-to={build.cache}"] if keeps else []
        plain = ["--tls-verify=false"] if on_loopback(build.image) else []
        if several:
            # What an earlier build left under the name would stay in the list.
            yield self.name, "manifest", "rm", build.image
        called = f"--manifest={build.image}" if several else f"--tag={build.image}"
        yield [self.name, "build", layers, *plain, *_common(build), called, *cache, "--", build.context]
        push = [self.name, "manifest", "push", "--all"] if several else [self.name, "push"]
        yield [*push, *plain, f"--digestfile={noted}", build.image, f"docker://{build.image}"]

    def digest(self, noted: str) -> str:
        """The whole file."""
        return noted.strip()


BUILDERS: Mapping[str, Builder] = {b.name: b for b in (Docker(), Podman("podman"), Podman("buildah"))}
"""In the order in which they are looked for."""


async def builder(name: str, environment: Mapping[str, str]) -> "Program":
    """The builder of that name, or the first that can build. Raises ``Unavailable`` if there is none."""
    wanted = [BUILDERS[name]] if name else list(BUILDERS.values())
    why = {}
    for each in wanted:
        if not shutil.which(each.name, path=environment.get("PATH")):
            why[each.name] = "not installed"
        elif name or (said := await tried(each.probe(), environment)) is None:
            return Program(each, environment)
        else:
            why[each.name] = said
    told = ", ".join(f"{name} ({reason})" for name, reason in why.items())
    raise Unavailable(f"no program here can build images: {told}; install one of them")


@dataclass(frozen=True)
class Program:
    """A builder that is there."""

    kind: Builder
    environment: Mapping[str, str]

    async def build(self, build: Build) -> Made:
        """Build an image and push it. Raises ``SpecError`` if that fails; the program has said why."""
        ended: list[datetime] = []
        with tempfile.TemporaryDirectory(prefix="tiphys-build-") as folder:
            noted = Path(folder) / "noted"
            for command in self.kind.commands(build, noted):
                may_fail = "rm" in command[:3]
                code = await _run(command, self._environment(), quiet=may_fail)
                if code and not may_fail:
                    raise SpecError(
                        f"{' '.join(command[:2])} of {build.image} failed ({code}): it says why above"
                    )
                ended.append(datetime.now(UTC))
            digest = self.kind.digest(await asyncio.to_thread(noted.read_text))
        if not digest.startswith("sha"):
            raise Unavailable(f"{self.kind.name} did not tell the digest of {build.image}")
        *before, pushed = ended
        return Made(digest, before[-1] if before else pushed, pushed)

    def _environment(self) -> Mapping[str, str]:
        # In a CI's container nothing else works; who wants more says so by the same variable.
        return {"BUILDAH_ISOLATION": "chroot", **self.environment}


def on_loopback(image: str) -> bool:
    """Whether the image's registry is on this machine."""
    registry = image.partition("/")[0]
    return addresses.on_loopback(
        registry if registry.endswith("]") else registry.rpartition(":")[0] or registry
    )


def _common(build: Build) -> Iterator[str]:
    """The flags that all of them have."""
    if build.file:
        yield f"--file={build.file}"
    if build.platforms:
        yield f"--platform={','.join(build.platforms)}"
    if build.target:
        yield f"--target={build.target}"
    yield from (f"--build-arg={each}" for each in build.arguments)
    yield from (f"--secret={each}" for each in build.secrets)
    yield from (f"--label={each}" for each in build.labels)


async def tried(command: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """Why a command fails, in its last words; ``None`` if it does not."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            _, words = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return "it does not answer"
    lines = words.decode("utf-8", "replace").strip().splitlines()
    return (lines or ["it fails"])[-1][:200] if process.returncode else None


async def _run(command: Sequence[str], environment: Mapping[str, str], *, quiet: bool) -> int:
    """Run to the end; what it says goes to our stderr, where it does not mix with answers."""
    sys.stderr.flush()
    out = asyncio.subprocess.DEVNULL if quiet else sys.__stderr__
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        env=environment,
        start_new_session=True,
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            await process.wait()
