"""
The real node of a place as a program in the background: ``localnode``, with a kubelet and a containerd of its own.

Knows what a machine lacks for it and says so, how it is started beside a control plane that expects it, and
when pods can run. What the node is made of is told in ``nodeparts``, and what it does in ``localkube/realnode``.
"""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tiphys.local import build, controlplane, nodeimages, nodeparts
from tiphys.local.background import Background, died, launch
from tiphys.local.cluster import Cluster
from tiphys.local.nodeimages import Image
from tiphys.local.nodeparts import Missing, Runtime
from tiphys.local.place import Place
from tiphys.model.errors import SpecError, Unavailable

Say = Callable[[str], None]

NAME = "localkube-1"
PAUSE = "localhost/tiphys/pause:1"
START_WITHIN = 120.0


@dataclass(frozen=True, slots=True)
class Failing:
    """A check that this machine does not pass."""

    name: str
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a node needs here. The control plane is to expect its kubelet at ``address``."""

    localnode: Path
    kubelet: Path
    runtime: Runtime
    address: str


def program(place: Place) -> Background:
    """The node of a place."""
    return Background("the real node", place.folder / "node.lock", place.log("node"))


def failing(place: Place, say: Say) -> list[Failing]:
    """What this machine lacks for a real node, each with its remedy; empty where it can have one."""
    told = _ask(build.of_a_node("localnode"), "check", place)
    checks = msgspec.json.decode(told, type=list[Failing])
    if any(check.name == "root" for check in checks):  # the rest is not worth a download
        return checks
    return checks + [_as_check(part) for part in nodeparts.found(say)[1]]


def prepare(place: Place, say: Say) -> Prepared:
    """
    Have everything there that the node of a place needs, its kubelet built too.

    Raises ``Unavailable`` with every check that this machine does not pass, a line each.
    """
    if checks := failing(place, say):
        lines = "\n".join(f"  {check.name}: {check.why}; {check.remedy}" for check in checks)
        raise Unavailable(
            f"this machine cannot run a real node yet:\n{lines}\nThe simulated node needs none of this: leave "
            "--node=real out"
        )
    runtime, _ = nodeparts.found(say)
    if runtime is None:
        raise Unavailable("the programs of the real node were there a moment ago and are gone; try again")
    localnode = _own_copy(place, build.of_a_node("localnode"))
    return Prepared(localnode, build.of_a_node("kubelet"), runtime, _ask(localnode, "address", place).strip())


def wanted(place: Place, node: str, say: Say) -> Prepared | None:
    """
    The node of a place, prepared, if it is to be real: where that is said, or what runs expects it.

    Raises ``SpecError`` where what runs was started with the other kind, and as ``prepare`` does.
    """
    running = controlplane.program(place).pid() is not None
    control = controlplane.Starting(place, None, 0).ready() if running else None
    real = bool(control and control.realNode)
    if control and node and (node == "real") != real:
        raise SpecError(
            f"the control plane runs already, with a {'real' if real else 'simulated'} node; to start it with "
            f"a {node} one, stop it first: tiphys local stop"
        )
    return prepare(place, say) if real or node == "real" else None


def bring_image(place: Place, name: str, image: Image) -> None:
    """Have the node know an image when it starts the next time."""
    nodeimages.write(image, place.node / "images" / f"{name}.tar")


def start(place: Place, node: Prepared) -> None:
    """
    Start it where it does not run, and wait until pods can run on it.

    The control plane has to be ready. Raises ``Unavailable`` with the node's last words when it ends.
    """
    began = datetime.now(UTC).replace(microsecond=0)
    if program(place).pid() is None:
        bring_image(place, "pause", Image([PAUSE], node.localnode, ["pause"]))
        launch(program(place), _command(place, node))
    else:
        began = datetime.min.replace(tzinfo=UTC)
    asyncio.run(_ready(place, began))


def stop(place: Place) -> bool:
    """End it with all its containers, and answer whether it ran. What a killed one has left is removed too."""
    ran = program(place).stop()
    localnode = place.node / "localnode"
    if not ran and localnode.exists():
        _ask(localnode, "clean", place)
    return ran


def _as_check(part: Missing) -> Failing:
    return Failing(part.name, f"not found ({part.why})", f"install the package {part.package} or its like")


def _own_copy(place: Place, localnode: Path) -> Path:
    """The program in the place's own folder: it must be at hand to tidy up, whatever is built meanwhile."""
    own = place.node / "localnode"
    if program(place).pid() is None:
        new = own.with_suffix(".new")
        shutil.copy2(localnode, new)
        new.replace(own)
    return own


def _ask(localnode: Path, command: str, place: Place) -> str:
    done = subprocess.run(
        [localnode, command, "--dir", place.node], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        raise Unavailable(f"cannot {command} the real node: {done.stderr.strip()}")
    return done.stdout


def _command(place: Place, node: Prepared) -> list[str | Path]:
    keys, runtime = place.kube / "pki", node.runtime
    flags: dict[str, str | Path] = {
        "dir": place.node,
        "name": NAME,
        "kubelet": node.kubelet,
        "containerd": runtime.containerd,
        "ctr": runtime.ctr,
        "shim": runtime.shim,
        "runc": runtime.runc,
        "cni-plugins": runtime.plugins,
        "kubeconfig": keys / "kubelet.kubeconfig",
        "ca": keys / "ca.crt",
        "cert": keys / "kubelet-server.crt",
        "key": keys / "kubelet-server.key",
    }
    return [
        node.localnode,
        "serve",
        *(part for name, value in flags.items() for part in (f"--{name}", value)),
    ]


async def _ready(place: Place, began: datetime) -> None:
    from tiphys.wiring.connecting import open_api  # noqa: PLC0415 - not needed to ask or to stop

    end = time.monotonic() + START_WITHIN
    async with open_api(Cluster(place.kubeconfig)) as api:
        while time.monotonic() < end:
            answer = await api.call("GET", f"/api/v1/nodes/{NAME}")
            if answer.code == 200 and _takes_pods(msgspec.json.decode(answer.body), began):
                return
            if program(place).pid() is None:
                raise died(program(place))
            await asyncio.sleep(0.1)
    raise Unavailable(
        f"the real node was not ready after {START_WITHIN:.0f} s; its log is {program(place).log}"
    )


def _takes_pods(node: dict[str, Any], began: datetime) -> bool:
    """Whether it says so since it was started: the API server remembers what it said before."""
    for condition in node.get("status", {}).get("conditions", []):
        if condition["type"] == "Ready" and condition["status"] == "True":
            told = datetime.fromisoformat(condition["lastHeartbeatTime"])
            return told >= began and not node["spec"].get("taints")
    return False
