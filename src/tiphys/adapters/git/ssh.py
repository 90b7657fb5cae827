"""
Who we are to a Git host over SSH, and how we know that it is this host: keys, in files for as long as they are used.

A key that was given is the only one that is shown; neither an agent nor a configuration has a say then. Without one the
user's own ssh decides. A host that is not known is never spoken to, by whomever.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tiphys.adapters.git.process import Output
from tiphys.adapters.git.remote import SCP_LIKE
from tiphys.adapters.git.troubles import printable
from tiphys.model.errors import Refused, SpecError, TiphysError, Unavailable

_KEY, _KNOWN = "TIPHYS_GIT_SSH_KEY", "TIPHYS_GIT_SSH_KNOWN_HOSTS"
_ALWAYS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ConnectTimeout=15",
    "ForwardAgent=no",
)
_KEY_ALONE = (
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "PreferredAuthentications=publickey",
    "ControlPath=none",
)
_AZURE = (
    "AAAAB3NzaC1yc2EAAAADAQABAAABAQC7Hr1oTWqNqOlzGJOfGJ4NakVyIzf1rXYd4d7wo6jBlkLvCA4odBlL0mDUyZ0/QUfTTqeu+tm22gOs"
    "v+VrVTMk6vwRU75gY/y9ut5Mb3bR5BV58dKXyq9A9UeB5Cakehn5Zgm6x1mKoVyf+FFn26iYqXJRgzIZZcZ5V6hrE0Qg39kZm4az48o0AUbf"
    "6Sp4SLdvnuMa2sVNwHBboS7EJkm57XQPVU3/QpyNLHbWDdzwtrlS+ez30S3AdYhLKEOxAG8weOnyrtLJAUen9mTkol8oII1edf7mWWbWVf0n"
    "Bmly21+nZcmCTISQBtdcyPaEno7fFQMDD26/s0lfKob4Kw8H"
)
PUBLISHED = f"""\
bitbucket.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIazEu89wgQZ4bqs3d63QSMzYVa0MuJ2e2gKTKqu+UUO
github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
gitlab.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf
ssh.dev.azure.com ssh-rsa {_AZURE}
vs-ssh.visualstudio.com ssh-rsa {_AZURE}
"""
"""The keys that the large hosts publish, as Argo CD comes with them too."""


@dataclass(frozen=True, slots=True)
class Key:
    """A private key and the keys of hosts, each empty for the user's own."""

    secret: str = field(default="", repr=False)
    known_hosts: str = ""
    around: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where the user's own agent is."""

    def options(self, url: str) -> Sequence[str]:  # noqa: ARG002 - as other credentials are asked
        """What git is told to come by them: nothing, its environment says it all."""
        return ()

    def environment(self, folder: Path) -> Mapping[str, str]:
        """What git sees of them; the files are in this folder, which has to be ours alone."""
        options = [*_ALWAYS]
        if self.known_hosts:
            hosts = private(folder / "known_hosts", self.known_hosts)
            options += [f'UserKnownHostsFile="{hosts}"', "GlobalKnownHostsFile=/dev/null"]
        else:
            hosts = private(folder / "known_hosts", PUBLISHED)
            options += [f'GlobalKnownHostsFile=/etc/ssh/ssh_known_hosts "{hosts}"']
        command = ["ssh", *(word for option in options for word in ("-o", option))]
        if self.secret:
            key = private(folder / "key", self.secret)
            command += ["-F", "none", "-i", str(key), *(word for each in _KEY_ALONE for word in ("-o", each))]
        agent = {} if self.secret else {n: v for n, v in self.around.items() if n == "SSH_AUTH_SOCK"}
        return {**agent, "GIT_SSH_COMMAND": shlex.join(command), "GIT_SSH_VARIANT": "ssh"}


def over_ssh(url: str) -> bool:
    """Whether git would take SSH to a URL: ``ssh://…`` or ``git@host:path``."""
    return url.startswith("ssh://") or bool(SCP_LIKE.match(url))


def given(environment: Mapping[str, str]) -> Key:
    """The key that the environment names, as text or by a file. Raises ``SpecError`` if it is none."""
    secret, hosts = text_of(_KEY, environment), text_of(_KNOWN, environment)
    if secret and not secret.startswith("-----BEGIN "):
        raise SpecError(f"{_KEY} holds no private key (-----BEGIN …); to name a file of one, set {_KEY}_FILE")
    return Key(secret, hosts, environment)


def text_of(name: str, environment: Mapping[str, str]) -> str:
    """The text of a variable, or of the file that ``…_FILE`` names: without blanks around it, with a line end."""
    text = environment.get(name, "")
    if not text.strip() and (path := environment.get(f"{name}_FILE", "")):
        try:
            text = Path(path).read_text("utf-8", "replace")
        except OSError as error:
            raise SpecError(f"{name}_FILE: {path} cannot be read: {error.strerror}") from error
    # Forms of CI systems lose the last line end, without which ssh knows no key, or write it as Windows does.
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(lines) + "\n" if lines else ""


def trouble_of_ssh(doing: str, output: Output, *, with_key: bool) -> TiphysError | None:
    """What ssh or the host behind it complained of; ``None`` if it is none of their common complaints."""
    words = output.words
    if "HOST IDENTIFICATION HAS CHANGED" in words:
        return Refused(
            f"{doing}: the host shows another key than the one that is known, so somebody may be in between; ask its "
            f"operator, and give the new key by {_KNOWN} only if it is theirs"
        )
    if "Host key verification failed" in words:
        return Refused(
            f"{doing}: the host's key is not known; compare what ssh-keyscan HOST prints with what its operator "
            f"publishes, then give it by {_KNOWN} or {_KNOWN}_FILE"
        )
    if re.search(r"Load key .*(passphrase|libcrypto|format)", words):
        return SpecError(
            f"{doing}: ssh cannot read the key of {_KEY}: is it whole, private, and without a passphrase?"
        )
    if "Permission denied" in words:
        whose = "the key" if with_key else "the keys of your ssh (there may be none)"
        return Refused(
            f"{doing}: the host refuses {whose}; give one by {_KEY} or {_KEY}_FILE whose public half it knows, as that "
            "of a deploy key that may write, say"
        )
    if "cannot run ssh" in words:
        return Unavailable(f"{doing}: the program ssh is not in PATH; install OpenSSH's client")
    if "No user exists for uid" in words:
        return Unavailable(
            f"{doing}: ssh refuses to run for a user whom /etc/passwd does not know; use https://"
        )
    if said := re.search(r"^(?:remote: )?ERROR: (.+)$", words, re.MULTILINE):
        return Refused(f"{doing}: the host says no: {printable(said[1])[:300]}")
    return None


def private(path: Path, text: str) -> Path:
    """A file that is readable by this user alone, from its first byte on."""
    path.touch(0o600)
    path.write_text(text)
    return path
