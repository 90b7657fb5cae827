"""
Signatures of commits, by an SSH key or by GPG, as git itself makes and verifies them.

A key that was given is in a private file while one signature is made. Without one the user's own git says which it is.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tiphys.adapters.git.ssh import private, text_of
from tiphys.adapters.git.troubles import printable
from tiphys.model.errors import SpecError, Unavailable

_KEY = "TIPHYS_GIT_SIGNING_KEY"
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for somebody; ``name`` or ``secret`` say with which key, empty ones let the program choose."""

    program: str
    """``ssh-keygen`` or ``gpg``."""
    environment: Mapping[str, str] = field(repr=False)
    """The user's own: where agents and keyrings are."""
    name: str = ""
    """A key of the user's: a file for SSH, an id or an address for GPG."""
    secret: str = field(default="", repr=False)
    """A private key's text."""

    async def sign(self, content: bytes) -> str:
        """The signature of a commit's content. Raises ``SpecError`` where the key cannot sign."""
        with tempfile.TemporaryDirectory(prefix="tiphys-sign-") as name:
            folder = Path(name)
            words = self._by_ssh(folder) if self.program == "ssh-keygen" else await self._by_gpg(folder)
            return await self._run([self.program, *words], content)

    def _by_ssh(self, folder: Path) -> Sequence[str]:
        home = self.environment.get("HOME", "")
        name = home + self.name[1:] if self.name.startswith("~/") else self.name
        return (
            "-Y",
            "sign",
            "-n",
            "git",
            "-f",
            str(private(folder / "key", self.secret)) if self.secret else name,
        )

    async def _by_gpg(self, folder: Path) -> Sequence[str]:
        words = ["--batch", "--no-tty", "--status-fd=2"]
        if self.secret:
            # A keyring of this one key; its agent ends when the folder is gone.
            words += [f"--homedir={folder}"]
            await self._run(
                [self.program, *words, "--import", str(private(folder / "key", self.secret))], b""
            )
        return (*words, "--detach-sign", "--armor", *(("--local-user", self.name) if self.name else ()))

    async def _run(self, command: Sequence[str], content: bytes) -> str:
        if not shutil.which(command[0], path=self.environment.get("PATH")):
            raise Unavailable(f"to sign the commit, {command[0]} is needed, and it is not in PATH")
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**self.environment, "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_SECONDS):
                told, words = await process.communicate(content)
        except TimeoutError as error:
            raise Unavailable(f"{command[0]} did not sign the commit within {_SECONDS:g} seconds") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise SpecError(
                f"{command[0]} cannot sign the commit: {_reason(words)}; a key of {_KEY} has no passphrase"
            )
        return told.decode("ascii", "replace")


async def signer(environment: Mapping[str, str]) -> Signer:
    """
    That of the key that the environment names, or else of the key that the user's own git signs with.

    Raises ``SpecError`` where neither is there.
    """
    if secret := text_of(_KEY, environment):
        if not secret.startswith("-----BEGIN "):
            raise SpecError(
                f"{_KEY} holds no private key (-----BEGIN …); to name a file of one, set {_KEY}_FILE"
            )
        return Signer("gpg" if "PGP" in secret.splitlines()[0] else "ssh-keygen", environment, secret=secret)
    kind, name = [await _configured(each, environment) for each in ("gpg.format", "user.signingKey")]
    if kind in ("", "openpgp") and name:
        return Signer("gpg", environment, name)
    if kind == "ssh" and name and not name.startswith(("key::", "ssh-")):
        return Signer("ssh-keygen", environment, name)
    raise SpecError(
        f"there is no key to sign with: set {_KEY} or {_KEY}_FILE to a private key of SSH or GPG, or git's "
        "user.signingKey to the file of one or to GPG's id of it"
    )


async def _configured(name: str, environment: Mapping[str, str]) -> str:
    """What the user's git has under a name, whatever folder one is in."""
    try:
        process = await asyncio.create_subprocess_exec(
            *("git", "config", "--global", "--get", name),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
    except FileNotFoundError as error:
        raise Unavailable("the program git is not in PATH; install Git 2.39 or newer") from error
    told, _ = await process.communicate()
    return told.decode("utf-8", "replace").strip()


def _reason(words: bytes) -> str:
    lines = [
        line for line in words.decode("utf-8", "replace").splitlines() if not line.startswith("[GNUPG:]")
    ]
    return printable((lines or ["it does not say why"])[-1])[:300]
