"""
The URL of a repository: which ones we talk to, and how one is named on disk and to people.

Whether anything answers there is for others to find out.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from tiphys.model.access import ANYBODY, Access
from tiphys.model.addresses import folder_of, host_of, off_limits, shown
from tiphys.model.errors import SpecError

SCP_LIKE = re.compile(r"^\w[\w.-]*@(?P<host>\w[\w.-]*):")
"""``git@host:path``: SSH, as people copy it."""
_METADATA = "that address belongs to the machine's metadata service"
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository's URL that was found to be one we may talk to."""

    url: str
    access: Access = ANYBODY

    @property
    def bare(self) -> str:
        """The URL without the user and the password that it may carry, as arguments and requests have it."""
        if not self.over_http:
            return self.url
        scheme, _, rest = self.url.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"

    @property
    def shown(self) -> str:
        """As messages tell it, without credentials."""
        return shown(self.url)

    @property
    def over_http(self) -> bool:
        """Whether it is reached by HTTP or HTTPS."""
        return self.url.startswith(("http://", "https://"))

    @property
    def folder(self) -> str:
        """The name of the folder of its clones. What one project's own credentials brought is no other's."""
        return folder_of(self.url + (f"#{self.access.project}" if self.access.project else ""))


def remote(repo: str, schemes: Collection[str]) -> Remote:
    """The remote that ``repoURL`` names; raises ``SpecError`` if it is none that we may talk to."""
    url = repo.strip().rstrip("/")
    if problem := _problem(url, schemes):
        raise SpecError(f"repoURL {shown(repo.strip())!r}: {problem}")
    return Remote(url)


def _problem(url: str, schemes: Collection[str]) -> str:
    """Why we don't talk to the URL; empty if we do."""
    scheme, divider, _ = url.partition("://")
    scheme = scheme.lower()
    allowed = ", ".join(f"{s}://" for s in sorted(schemes))
    if not url:
        return "is empty; name a Git repository"
    if _UNPRINTABLE.search(url):
        return "has blanks or control characters in it"
    like_scp = None if divider else SCP_LIKE.match(url)
    if (like_scp or scheme == "ssh") and "ssh" not in schemes:
        return f"Git over SSH is not allowed here; use one of {allowed}"
    if like_scp:
        return _METADATA if off_limits(like_scp["host"]) else ""
    if not divider:
        return f"is not a URL; it starts with one of {allowed}"
    if scheme not in schemes:
        return f"{scheme}:// is not allowed here; use one of {allowed}"
    return _problem_of_place(url, scheme)


def _problem_of_place(url: str, scheme: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = host_of(url), parts.port
    except ValueError as error:
        return f"is not a URL: {error}"
    if scheme == "file":
        return "" if not host and len(parts.path) > 1 else "a file:// URL looks like file:///srv/charts.git"
    if not host or host.startswith("-"):
        return "names no host"
    return _METADATA if off_limits(host) else ""
