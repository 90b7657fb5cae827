"""
The control plane of ``localkube`` as a program in the background.

Knows how it is started, when it can be used, and what its exit codes mean; what is inside it is
``localkube``'s matter.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from tiphys.local.background import Background, Launched, launch, wait_for
from tiphys.local.place import Place
from tiphys.model.errors import TiphysError, Unavailable

# A quiet machine needs three seconds, one that is busy building other things many times that.
START_WITHIN = 120.0
# Exit codes of ``localkube serve``.
PORT_BUSY, HELD, DISK_UNUSABLE = 3, 4, 5


@dataclass(frozen=True, slots=True)
class Ready:
    """
    A control plane that can be used. ``version`` is Kubernetes'.

    ``realNode`` is the address at which it expects a kubelet; empty where nodes are simulated.
    """

    pid: int
    server: str
    version: str
    startedAt: datetime  # noqa: N815  as localkube writes it
    realNode: str = ""  # noqa: N815


@dataclass(frozen=True, slots=True)
class Shape:
    """
    What a control plane is asked to be; port 0 is the one of the last time, or any free one.

    ``real_node`` is the address of a kubelet that will come, instead of simulated nodes.
    """

    port: int = 0
    nodes: int = 1
    real_node: str = ""


def program(place: Place) -> Background:
    """The control plane of a place; it takes ``kube/lock`` by itself."""
    return Background("the control plane", place.kube / "lock", place.log("kube"))


def status(place: Place) -> Ready | None:
    """What it says of itself, if it runs and can be used."""
    pid = program(place).pid()
    ready = _announced(place)
    return ready if ready and ready.pid == pid else None


@dataclass(frozen=True, slots=True)
class Starting:
    """A control plane on its way. ``process`` is ``None`` if it ran before we came."""

    place: Place
    process: Launched | None
    log_began: int

    def ready(self) -> Ready:
        """Wait until it can be used. Raises ``Unavailable``, which says what is in the way."""
        try:
            return self._awaited(self.process)
        except Unavailable as error:
            if self.process and self.process.code == HELD:  # another start came first, by a moment
                return self._awaited(None)
            raise self._explained() or error from error

    def _awaited(self, process: Launched | None) -> Ready:
        return wait_for(program(self.place), process, lambda: status(self.place), START_WITHIN)

    def _explained(self) -> TiphysError | None:
        """``localkube`` explains a busy port and an unusable disk in its last line."""
        if not self.process or self.process.code not in {PORT_BUSY, DISK_UNUSABLE}:
            return None
        with self.place.log("kube").open(encoding="utf-8", errors="replace") as log:
            log.seek(self.log_began)
            lines = [line for line in log.read().splitlines() if line.startswith("localkube: ")]
        return Unavailable(lines[-1].removeprefix("localkube: ")) if lines else None


def begin(place: Place, binary: Path, shape: Shape = Shape()) -> Starting:
    """Start it where it does not run, and do not wait for it."""
    control = program(place)
    if control.pid() is not None:
        return Starting(place, None, 0)
    seen = control.log.stat().st_size if control.log.exists() else 0
    return Starting(place, launch(control, _command(place, binary, shape), locks_itself=True), seen)


def stop(place: Place) -> bool:
    """Stop it, and answer whether it ran. Its state stays."""
    return program(place).stop()


def _command(place: Place, binary: Path, shape: Shape) -> list[str | Path]:
    nodes = ["--real-node", shape.real_node] if shape.real_node else ["--nodes", str(shape.nodes)]
    return [binary, "serve", "--dir", place.kube, "--port", str(shape.port), *nodes]


def _announced(place: Place) -> Ready | None:
    try:
        return msgspec.json.decode((place.kube / "ready").read_bytes(), type=Ready)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None
