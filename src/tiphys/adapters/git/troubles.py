"""
What git says when something goes wrong, told as an error that says who should act.

Git has no codes for its troubles, only sentences; they are old, few, and asked for in English (``LC_ALL=C``).
"""

import re
import signal
from collections.abc import Callable

from tiphys.adapters.git.process import Output
from tiphys.adapters.git.remote import Remote
from tiphys.model.errors import SpecError, TiphysError, Unavailable


class DamagedError(Exception):
    """Our clone on disk is broken; making it anew mends it."""


class UnadvertisedError(Exception):
    """The remote gives no commit by its SHA alone, or has none of that SHA."""


_Trouble = tuple[re.Pattern[str], Callable[[str], Exception]]


def _signs(*rows: tuple[str, Callable[[str], Exception]]) -> tuple[_Trouble, ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), error) for pattern, error in rows)


def _unavailable(why: str) -> Callable[[str], Exception]:
    return lambda doing: Unavailable(f"{doing}: {why}")


def _spec(why: str) -> Callable[[str], Exception]:
    return lambda doing: SpecError(f"{doing}: {why}")


SIGN_IN = "it asks for credentials or refuses them, as some hosts also do where there is no such repository"
MISSING = "there is no repository at this address; check repoURL, or whether it moved or became private"
SIGN_IN_PAGE = (
    "what answers there is a web page and not a Git repository (a login page, perhaps); "
    "check repoURL and who may read it"
)
SLOW_DOWN = "it asks to be left alone for a while (HTTP 429, too many requests)"
NO_ENTRY = "the host refuses the key"
UNKNOWN_HOST = (
    "the host's key is not known; compare what ssh-keyscan HOST prints with what its operator publishes, then add it "
    "to ssh_known_hosts of the ConfigMap argocd-ssh-known-hosts-cm"
)
OTHER_HOST = (
    "the host shows another key than ssh_known_hosts of the ConfigMap argocd-ssh-known-hosts-cm has, so somebody may "
    "be in between; ask its operator before you change it"
)
BAD_KEY = "ssh cannot read the Secret's sshPrivateKey: is it whole, private, and without a passphrase?"
NOT_TRUSTED = (
    "no secure connection: its certificate is not trusted here, or the handshake failed; an authority of your own "
    "belongs into the ConfigMap argocd-tls-certs-cm under the host's name"
)
BROKEN_OFF = "the connection broke off"

_ABOUT_US = 3
"""So many of the troubles are of our disk and limits: looked for before a clone is called damaged."""
_TROUBLES = _signs(
    (
        r"No space left on device|Disk quota exceeded",
        _unavailable("the disk that holds the clones is full; free some space"),
    ),
    (r"Read-only file system", _unavailable("the disk that holds the clones is read-only")),
    (r"File too large", _spec("the repository is larger than the limit for one fetch")),
    (r"not our ref|unadvertised object|find remote ref", UnadvertisedError),
    (r"Cannot obtain needed|error: fetch failed", UnadvertisedError),
    (r"HOST IDENTIFICATION HAS CHANGED", _unavailable(OTHER_HOST)),
    (r"Host key verification failed", _unavailable(UNKNOWN_HOST)),
    (r"Load key .*(passphrase|libcrypto|format)", _unavailable(BAD_KEY)),
    (r"Permission denied \(", _unavailable(NO_ENTRY)),
    (r"cannot run ssh", _unavailable("the program ssh is not in PATH; install OpenSSH's client")),
    (
        r"No user exists for uid",
        _unavailable("ssh refuses to run for a user whom /etc/passwd does not know; use https://"),
    ),
    (
        r"could not read (Username|Password)|Authentication failed|error: 40[13]|prompts disabled",
        _unavailable(SIGN_IN),
    ),
    (r"returned error: 429", _unavailable(SLOW_DOWN)),
    (r"returned error: 5\d\d", _unavailable("the Git host has an error of its own (HTTP 5xx)")),
    (r"not valid: is this a git repository", _unavailable(SIGN_IN_PAGE)),
    (
        r"dubious ownership",
        _unavailable("the repository's folder belongs to another user of this machine, so Git refuses it"),
    ),
    (
        r"repository '.*' not found|does not appear to be a git repository|returned error: 404",
        _unavailable(MISSING),
    ),
    (
        r"Could not resolve (host|proxy)",
        _unavailable("its host name cannot be looked up; check repoURL and DNS"),
    ),
    (
        r"Failed to connect|Couldn't connect|Connection refused|No route to host|unreachable",
        _unavailable("nothing answers at this address"),
    ),
    (
        r"SSL|certificate|TLS",
        _unavailable(NOT_TRUSTED),
    ),
    (r"Operation too slow|timed out", _unavailable("it answers too slowly")),
    (r"transport '.*' not allowed", _spec("it leads to a kind of URL that is not allowed here")),
    (r"hung up|early EOF|unexpected disconnect|Connection reset|Empty reply", _unavailable(BROKEN_OFF)),
    (
        r"RPC failed|expected flush|bad line length|index-pack|protocol error|bad band",
        _unavailable(BROKEN_OFF),
    ),
)
_DAMAGES = re.compile(
    r"bad object|object file .* is empty|is corrupt|packfile .* (cannot|is far|does not match|not available)"
    r"|invalid sha1 pointer|bad config|not a git repository: |unable to read tree|not a git repository \("
    r"|did not send all necessary|missing blob|bad tree|unresolved deltas|bad signature|unable to parse",
    re.IGNORECASE,
)


def trouble(doing: str, seconds: float, output: Output, remote: Remote | None = None) -> Exception:
    """
    What an output that failed means: a ``TiphysError``, ``DamagedError`` or ``UnadvertisedError``.

    ``doing`` opens the message: ``fetch of 1f3a… from https://git.example/charts.git``. Of a ``remote`` that was
    asked, the message ends with what to do about its credentials.
    """
    found = _found(doing, seconds, output)
    if remote and remote.access.remedy and isinstance(found, Unavailable):
        said = str(found)
        if said.endswith((SIGN_IN, MISSING, NO_ENTRY)):
            return Unavailable(f"{said}; {remote.access.remedy}")
    return found


def _found(doing: str, seconds: float, output: Output) -> Exception:
    if output.late:
        return Unavailable(f"{doing}: not done within {seconds:g} seconds")
    for pattern, error in _TROUBLES[:_ABOUT_US]:
        if pattern.search(output.words):
            return error(doing)
    if _DAMAGES.search(output.words):
        return DamagedError(f"{doing}: {last_words(output)}")
    for pattern, error in _TROUBLES[_ABOUT_US:]:
        if pattern.search(output.words):
            return error(doing)
    return Unavailable(f"{doing}: git failed: {last_words(output)}")


def last_words(output: Output) -> str:
    """The last line that git said of itself, without credentials, short enough for a message."""
    if output.code < 0 and not output.words.strip():
        return f"it was ended by {signal.Signals(-output.code).name}"
    lines = [x for x in output.words.splitlines() if x.startswith(("fatal:", "error:"))]
    said = (lines or output.words.strip().splitlines() or [f"exit code {output.code}"])[-1]
    return printable(re.sub(r"//[^/@\s]+@", "//", said)[:300])


def printable(text: str) -> str:
    """A remote's words without control characters, which could repaint a terminal."""
    return "".join(c for c in text if c.isprintable())


def asking(remote: Remote) -> str:
    """How messages about refs begin."""
    return f"asking {remote.shown} for its branches"


def clearly(error: OSError, doing: str) -> TiphysError:
    """A failure of the disk."""
    return Unavailable(f"{doing}: {error.strerror or error}")
