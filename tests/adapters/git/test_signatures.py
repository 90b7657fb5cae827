"""Commits are signed, and git itself verifies them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.git.origin import Origin
from adapters.git.sshd import made_key
from tiphys.adapters.git import Branch, Settings, allowed_environment
from tiphys.adapters.git.signatures import Signer, signer
from tiphys.core.release.images import Wish
from tiphys.model.commits import Person
from tiphys.model.errors import SpecError, Unavailable
from tiphys.reconcile.release import Order, Part, release

ADA = Person("Ada", "ada@example.org")
SETTINGS = Settings(environment=allowed_environment(os.environ), fetch_seconds=30)
GPG = ("gpg", "--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase=")
needs_ssh = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
needs_gpg = pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is not installed")


def run(*command: object, environment: dict[str, str]) -> str:
    words = list(map(str, command))
    return subprocess.run(words, check=True, capture_output=True, text=True, env=environment).stdout


@pytest.fixture
def charts(tmp_path: Path) -> Origin:
    made = Origin(tmp_path / "charts.git", "")
    made.commit({"charts/web/values.yaml": "image: a/web:v1 # ✓\n"})
    return made


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """A user without any configuration."""
    (tmp_path / "home").mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "GIT_CONFIG_NOSYSTEM": "1"}


async def signed(charts: Origin, who: Signer) -> str:
    async with Branch.open(charts.file_url, "", SETTINGS) as branch:
        branch.signer = who
        outcome = await release(Order([Part(["web"], [Wish("v2")])], ADA, "Release ✓"), branch, 30)
    assert charts.git.revparse_single("main").message == "Release ✓\n\nImage: a/web:v2\n"
    return outcome.commit


def verified(charts: Origin, commit: str, environment: dict[str, str], *options: str) -> str:
    """What git says of the signature; fails where it is none."""
    command = ["git", *options, "-C", charts.folder, "verify-commit", "--raw", commit]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stderr


@needs_ssh
@pytest.mark.parametrize("by", ["text", "file", "git"])
async def test_an_ssh_key_signs(charts: Origin, tmp_path: Path, home: dict[str, str], by: str):
    key = made_key(tmp_path / "key")
    match by:
        case "text":
            given = {**home, "TIPHYS_GIT_SIGNING_KEY": key.read_text().strip()}
        case "file":
            given = {**home, "TIPHYS_GIT_SIGNING_KEY_FILE": str(key)}
        case _:
            key.rename(tmp_path / "home" / "key")
            config = "[gpg]\n  format = ssh\n[user]\n  signingKey = ~/key\n"
            (tmp_path / "home" / ".gitconfig").write_text(config)
            given = home
    commit = await signed(charts, await signer(given))
    (tmp_path / "allowed").write_text(f"ada@example.org {(tmp_path / 'key.pub').read_text()}")
    told = verified(charts, commit, home, "-c", f"gpg.ssh.allowedSignersFile={tmp_path}/allowed")
    assert 'Good "git" signature for ada@example.org' in told


@pytest.fixture
def ring(tmp_path: Path, home: dict[str, str]) -> Iterator[dict[str, str]]:
    """A user of GPG with a key."""
    user = {**home, "GNUPGHOME": str(tmp_path / "gpg")}
    (tmp_path / "gpg").mkdir(mode=0o700)
    run(*GPG, "--quick-generate-key", "Ada <ada@example.org>", "ed25519", "sign", environment=user)
    yield user
    run("gpgconf", "--kill", "all", environment=user)


@needs_gpg
@pytest.mark.parametrize("by", ["text", "git"])
async def test_a_gpg_key_signs(
    charts: Origin, tmp_path: Path, home: dict[str, str], ring: dict[str, str], by: str
):
    if by == "text":
        key = run(*GPG, "--armor", "--export-secret-keys", environment=ring)
        given = {**home, "TIPHYS_GIT_SIGNING_KEY": key}
    else:
        (tmp_path / "home" / ".gitconfig").write_text("[user]\n  signingKey = ada@example.org\n")
        given = ring
    commit = await signed(charts, await signer(given))
    assert "[GNUPG:] GOODSIG" in verified(charts, commit, ring)


@needs_ssh
async def test_what_cannot_sign_is_told_and_nothing_is_pushed(
    charts: Origin, tmp_path: Path, home: dict[str, str]
):
    with pytest.raises(SpecError, match="there is no key to sign with: set TIPHYS_GIT_SIGNING_KEY"):
        await signer(home)
    with pytest.raises(SpecError, match="holds no private key"):
        await signer({**home, "TIPHYS_GIT_SIGNING_KEY": "ssh-ed25519 AAAA"})
    locked = tmp_path / "locked"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", locked, environment=home)
    with pytest.raises(SpecError, match="ssh-keygen cannot sign the commit"):
        await signed(charts, await signer({**home, "TIPHYS_GIT_SIGNING_KEY_FILE": str(locked)}))
    with pytest.raises(Unavailable, match="ssh-keygen is needed"):
        await signed(charts, Signer("ssh-keygen", {"PATH": str(tmp_path)}, "key"))
    assert charts.git.revparse_single("main").message == "a change"
