"""
How a Go build shows itself: one line that moves on a terminal, a line at the start and the end elsewhere.

Knows what ``go build -v`` writes, and tells in a sentence why it failed.
"""

import contextlib
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

from tiphys.model.errors import SpecError, TiphysError, Unavailable

EXCERPT = 20
_PACKAGE = re.compile(r"[\w][\w./~+-]*")
_DOWNLOAD = re.compile(r"go: downloading (\S+)")
_OFFLINE = re.compile(
    r"dial tcp|no such host|connection refused|i/o timeout|TLS handshake|network is unreachable|proxyconnect"
)


@dataclass(slots=True)
class BuildLog:
    """Where the progress of builds goes."""

    out: TextIO = field(default_factory=lambda: sys.stderr)

    def say(self, line: str) -> None:
        """A line that stays."""
        self.out.write(f"{line}\n")
        self.out.flush()

    @contextlib.contextmanager
    def following(self, name: str) -> Iterator["Progress"]:
        """The progress of one build, from its first line to its last."""
        progress = Progress(name, self.out)
        if not progress.live:
            self.say(f"Building {name}; the first time takes some minutes …")
        over = threading.Event()
        ticking = threading.Thread(target=progress.tick, args=(over,), daemon=True)
        ticking.start()
        try:
            yield progress
        finally:
            over.set()
            ticking.join()
            progress.wipe()


@dataclass(slots=True)
class Progress:
    """What one ``go build -v`` has told so far."""

    name: str
    out: TextIO
    began: float = field(default_factory=time.monotonic)
    packages: int = 0
    modules: int = 0
    rest: list[str] = field(default_factory=list)
    """Lines that are neither a package nor a download: what the compiler has to say."""

    @property
    def live(self) -> bool:
        """Whether there is a terminal to draw on."""
        return self.out.isatty()

    def line(self, line: str) -> None:
        """One line of the build's stderr."""
        if _DOWNLOAD.match(line):
            self.modules += 1
        elif _PACKAGE.fullmatch(line):
            self.packages += 1
        elif line:
            self.rest.append(line)

    def ended(self, code: int) -> str:
        """The line that tells of the build's end. Raises what its failure means."""
        if code:
            raise self._why()
        return f"Built {self.name} in {self._elapsed}."

    def tick(self, over: threading.Event) -> None:
        """Draw the line again and again: a linker that says nothing for long should not look dead."""
        while self.live and not over.wait(0.2):
            self.show()

    def show(self) -> None:
        """Draw the line anew."""
        fetched = f", {self.modules} modules fetched" if self.modules else ""
        done = f"{self.packages} packages compiled{fetched}"
        self.out.write(f"\r\x1b[KBuilding {self.name} · {done} · {self._elapsed}")
        self.out.flush()

    def wipe(self) -> None:
        """Leave no half line behind."""
        if self.live:
            self.out.write("\r\x1b[K")
            self.out.flush()

    @property
    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

    def _why(self) -> TiphysError:
        told = "\n".join(self.rest[-EXCERPT:])
        if "no space left on device" in told:
            return Unavailable(
                f"the disk is full: building {self.name} needs about 3 GB, most of it in Go's caches; free "
                f"some space, or set GOCACHE and GOMODCACHE elsewhere, and try again\n{told}"
            )
        if _OFFLINE.search(told):
            return Unavailable(
                f"cannot fetch the Go modules that {self.name} is made of; see that this machine reaches the "
                f"network, or set GOPROXY to a mirror, and try again\n{told}"
            )
        return SpecError(f"{self.name} does not compile:\n{told}")
