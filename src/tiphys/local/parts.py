"""The parts of a local platform together: what runs of them, and how all of it ends."""

import shutil
from dataclasses import dataclass

from tiphys.local import controlplane, engine, githost, realnode, registry
from tiphys.local.place import Place
from tiphys.model.errors import SpecError, Unavailable


@dataclass(frozen=True, slots=True)
class Part:
    """One program of the platform: its name for users and machines, and where it answers if it runs."""

    name: str
    pid: int | None
    address: str
    log: str

    @property
    def state(self) -> str:
        """``running``, ``starting`` (it runs and does not answer yet) or ``stopped``."""
        if self.pid is None:
            return "stopped"
        return "running" if self.address or self.name == "engine" else "starting"


def status(place: Place) -> list[Part]:
    """Each part as it is now."""
    control, git = controlplane.status(place), githost.status(place)
    rows = [
        ("control plane", controlplane.program(place), control.server if control else ""),
        ("git server", githost.program(place), git.address if git else ""),
        ("engine", engine.program(place), ""),
    ]
    if place.registry.exists():
        rows += [("registry", registry.program(place), registry.status(place) or "")]
    if (place.node / "localnode").exists():
        node = realnode.program(place)
        rows += [("real node", node, control.realNode if control and node.pid() else "")]
    return [Part(name, program.pid(), address, str(program.log)) for name, program, address in rows]


def stop(place: Place) -> list[str]:
    """Stop what runs, the engine before what it speaks to, and answer with the names of what was stopped."""
    stops = (
        ("engine", engine.stop),
        ("git server", githost.stop),
        ("real node", realnode.stop),
        ("registry", registry.stop),
        ("control plane", controlplane.stop),
    )
    return [name for name, end in stops if end(place)]


def reset(place: Place) -> bool:
    """
    Stop all and forget everything, checkouts included. Answers whether there was anything.

    Raises ``SpecError`` for a folder that holds what no platform has laid there.
    """
    if not place.folder.exists():
        return False
    if strange := sorted(path.name for path in place.folder.iterdir() if path.name not in place.names):
        raise SpecError(
            f"{place.folder} holds more than a local platform ({', '.join(strange[:3])}); is it the right "
            "folder? Remove what is not the platform's, and try again"
        )
    stop(place)
    try:
        shutil.rmtree(place.folder)
    except OSError as error:
        raise Unavailable(f"cannot remove {place.folder}: {error}") from error
    return True
