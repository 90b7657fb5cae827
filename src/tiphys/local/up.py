"""
The whole platform on this machine, from nothing or from where it was: the story of ``tiphys up``.

Each step leaves alone what is there already, so telling the story twice is telling it once.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tiphys.local import build, controlplane, demo, engine, githost, realnode, registry
from tiphys.local.background import died
from tiphys.local.buildlog import BuildLog
from tiphys.local.cluster import Cluster
from tiphys.local.controlplane import Shape
from tiphys.local.gobuild import Module, built
from tiphys.local.place import NAMESPACE, Place, Served
from tiphys.model.errors import Unavailable

Say = Callable[[str], None]
TAUGHT_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform that runs: its control plane, its Git server, and whether its root is new."""

    place: Place
    control: controlplane.Ready
    git: Served
    new: bool


def bring_up(place: Place, say: Say, node: str = "") -> Platform:
    """
    Bring everything up, with a ``real`` node or a ``simulated`` one; empty is what runs, or else simulated.

    Raises ``SpecError`` or ``Unavailable``, which say what is in the way.
    """
    prepared = realnode.wanted(place, node, say)  # first: whoever cannot have it need not wait for builds
    build.ensure("toolbox")
    binary = build.ensure("localkube")
    starting = controlplane.begin(place, binary, Shape(real_node=prepared.address if prepared else ""))
    git = githost.start(place)
    demo.lay(place, git)
    say(f"Git server     {git.address}")
    control = starting.ready()
    say(f"Control plane  {control.server}  Kubernetes {control.version}")
    if prepared:
        _begin_node(place, prepared, say)
    engine.start(place)
    new = asyncio.run(_settle(place, binary, say))
    return Platform(place, control, git, new)


def _begin_node(place: Place, node: realnode.Prepared, say: Say) -> None:
    """Start the node with the images that the example runs, and a registry for further ones if there can be one."""
    homepage = built(Module("homepage", demo.EXAMPLE / demo.REPOSITORIES["homepage"]), BuildLog())
    for name, image in demo.images(homepage, node.localnode).items():
        realnode.bring_image(place, name, image)
    try:
        say(f"Registry       {registry.start(place, say)}")
    except Unavailable as error:
        say(f"Registry       none: {error}")
    realnode.start(place, node)
    say(f"Node           {node.address}  runs real containers")


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
    control = controlplane.status(place)
    node = (realnode,) if control and control.realNode else ()
    for part in (controlplane, githost, engine, *node):
        program = part.program(place)
        if program.pid() is None:
            raise died(program)
