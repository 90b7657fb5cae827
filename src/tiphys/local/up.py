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
from tiphys.local.place import Place, Served
from tiphys.local.watching import known
from tiphys.model.errors import Unavailable
from tiphys.wiring.connecting import open_api

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
    asyncio.run(_until_taught(place))
    say(f"Engine         {engine.program(place).log}")
    new = demo.install_root(place, binary)
    say(f"Root           {demo.root_chart(place)}{'' if new else '  (installed before)'}")
    return Platform(place, control, git, new)


async def _until_taught(place: Place) -> None:
    """Wait until the engine has brought its resource types into the cluster."""
    end = time.monotonic() + TAUGHT_WITHIN
    async with open_api(Cluster(place.kubeconfig)) as api:
        while not await known(api):
            must_run(place)
            if time.monotonic() > end:
                raise Unavailable(f"the engine does not get ready; its log is {engine.program(place).log}")
            await asyncio.sleep(0.1)


def must_run(place: Place) -> None:
    """Raises ``Unavailable`` with the engine's last words if it does not run."""
    program = engine.program(place)
    if program.pid() is None:
        raise died(program)
