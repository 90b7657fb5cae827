"""
Which forge a repository is on, by its URL: GitHub, GitLab, or Gitea and Forgejo; and where its API is.

What the URL does not tell, CI's environment may, or the user has to. Nothing is asked over the network.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from tiphys.model.addresses import off_limits, shown
from tiphys.model.errors import SpecError

KINDS = {"github": "GitHub", "gitlab": "GitLab", "gitea": "Gitea", "forgejo": "Forgejo"}
"""What ``--forge`` takes, and its name."""
_KNOWN = {"github.com": "github", "gitlab.com": "gitlab", "gitea.com": "gitea", "codeberg.org": "forgejo"}
_SCP_LIKE = re.compile(r"(?:[\w.-]+@)?([\w.-]+):(?!//)(.+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A repository on a forge."""

    kind: str
    """A key of ``KINDS``."""
    root: str
    """The forge's own address: ``https://github.com``."""
    path: str
    """Of the repository, below the root: ``example/charts``."""

    @property
    def api(self) -> str:
        """Where its API begins."""
        host = self.root.partition("://")[2]
        match self.kind:
            case "github" if host == "github.com" or host.endswith(".ghe.com"):
                return f"https://api.{host}"
            case "github":
                return f"{self.root}/api/v3"
            case "gitlab":
                return f"{self.root}/api/v4"
        return f"{self.root}/api/v1"

    @property
    def name(self) -> str:
        """As people call the forge."""
        return KINDS[self.kind]


def place_of(repo: str, named: str, environment: Mapping[str, str]) -> Place:
    """
    Where the repository of a URL is.

    ``named`` is the user's own word: ``gitea``, or ``gitea=https://git.example.com`` where the forge answers at
    another address than the repository. Raises ``SpecError`` where nobody knows.
    """
    kind, _, root = named.partition("=")
    if named and (kind not in KINDS or (root and not _is_address(root))):
        raise SpecError(
            f"--forge {named}: write one of {', '.join(KINDS)}, or like gitea=https://git.example.com"
        )
    found = _at(repo, kind, root.rstrip("/"), environment)
    if not found:
        raise SpecError(
            f"what forge {shown(repo)} is on, its host does not tell: name it with --forge ({', '.join(KINDS)})"
        )
    steps = found.path.split("/")
    if len(steps) < 2 or not all(steps) or off_limits(urlsplit(found.root).hostname or ""):
        raise SpecError(f"{shown(repo)} is no repository of {found.name}: its URL ends in OWNER/NAME")
    return found


def _at(repo: str, kind: str, root: str, environment: Mapping[str, str]) -> Place | None:
    address, path = _parts(repo)
    if not address:
        return None
    told_kind, told_root = _told(address, environment)
    kind = kind or _by_name(address) or told_kind
    if not kind:
        return None
    root = root or told_root
    if root and f"{address}/{path}".startswith(f"{root}/"):
        return Place(kind, root, f"{address}/{path}"[len(root) + 1 :])
    if kind == "gitlab":
        return Place(kind, root or address, path)
    # An owner and a name, whatever folder of its host the forge is in.
    *above, owner, name = ["", *path.split("/")]
    return Place(kind, root or "/".join([address, *filter(None, above)]), f"{owner}/{name}")


def _parts(repo: str) -> tuple[str, str]:
    """``https://host`` and the path of a URL; empty for one that is on no forge."""
    url = repo.strip().rstrip("/")
    if "://" not in url and (scp := _SCP_LIKE.fullmatch(url)):
        return f"https://{scp[1]}", _trimmed(scp[2])
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "", ""
    if not host or parts.scheme not in ("http", "https", "ssh"):
        return "", ""
    if parts.scheme == "ssh":
        # Over SSH the port is that of SSH, and says nothing of where the API is.
        return f"https://{host}", _trimmed(parts.path)
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + f":{port}" * bool(port), _trimmed(parts.path)


def _trimmed(path: str) -> str:
    return path.strip("/").removesuffix(".git")


def _by_name(address: str) -> str:
    host = (urlsplit(address).hostname or "").lower()
    if host in _KNOWN:
        return _KNOWN[host]
    labels = host.split(".")
    return next((kind for kind in KINDS if kind in labels), "github" * host.endswith(".ghe.com"))


def _told(address: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """What the CI that we run in says of its own forge, if the repository is there too."""
    host = urlsplit(address).netloc
    of_gitea = environment.get("GITEA_ACTIONS") or environment.get("FORGEJO_ACTIONS")
    for variable, kind in (
        ("CI_SERVER_URL", "gitlab"),
        ("GITHUB_SERVER_URL", "gitea" if of_gitea else "github"),
    ):
        root = environment.get(variable, "").rstrip("/")
        if root and urlsplit(root).netloc == host:
            return kind, root
    return "", ""


def _is_address(root: str) -> bool:
    try:
        parts = urlsplit(root)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
