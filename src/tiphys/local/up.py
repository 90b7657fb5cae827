"""
The whole platform on this machine, from nothing or from where it was: the story of ``tiphys up``.

Each step leaves alone what is there already, so telling the story twice is telling it once.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tiphys.local import build, controlplane, demo, engine, githost
from tiphys.local.background import died
from tiphys.local.place import NAMESPACE, Place, Served
from tiphys.model.errors import Unavailable

Say = Callable[[str], None]
TAUGHT_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """The kubeconfig of a place, as ``wiring`` wants to be told of a cluster."""

    kubeconfig: Path | None
    context: str = ""


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform that runs: its control plane, its Git server, and whether its root is new."""

    place: Place
    control: controlplane.Ready
    git: Served
    new: bool


def bring_up(place: Place, say: Say) -> Platform:
    """Bring everything up. Raises ``SpecError`` or ``Unavailable``, which say what is in the way."""
    build.ensure("toolbox")
    binary = build.ensure("localkube")
    starting = controlplane.begin(place, binary)
    git = githost.start(place)
    demo.lay(place, git)
    say(f"Git server     {git.address}")
    control = starting.ready()
    say(f"Control plane  {control.server}  Kubernetes {control.version}")
    engine.start(place)
    new = asyncio.run(_settle(place, binary, say))
    return Platform(place, control, git, new)


async def _settle(place: Place, binary: Path, say: Say) -> bool:
    """Have the root installed once the cluster knows Applications. Answers whether this call installed it."""
    # Here, so that the control plane begins to start before all of this is loaded.
    from tiphys.local.applications import ask_anew, known  # noqa: PLC0415
    from tiphys.wiring.connecting import open_api  # noqa: PLC0415

    root = demo.root_chart(place)
    async with open_api(Cluster(place.kubeconfig)) as api:
        end = time.monotonic() + TAUGHT_WITHIN
        while not await known(api):
            must_run(place)
            if time.monotonic() > end:
                raise Unavailable(f"the engine does not get ready; its log is {engine.program(place).log}")
            await asyncio.sleep(0.1)
        say(f"Engine         {engine.program(place).log}")
        if installed := await demo.root_installed(api):
            await ask_anew(api, NAMESPACE)
        else:
            demo.install_root(place, binary)
        say(f"Root           {root}{'  (installed before)' if installed else ''}")
    return not installed


def must_run(place: Place) -> None:
    """Raises ``Unavailable`` with the last words of a part that does not run."""
    for part in (controlplane, githost, engine):
        program = part.program(place)
        if program.pid() is None:
            raise died(program)
