"""A control plane with a real node and a registry, for tests; skipped by the name of what the machine lacks."""

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tiphys.local import build, controlplane, parts, realnode, registry, tools
from tiphys.local.controlplane import Shape
from tiphys.local.place import Place
from tiphys.model.errors import Unavailable


@dataclass(frozen=True)
class RealNode:
    """What runs: its place, the node's address, and the registry's host and port if this machine has one."""

    place: Place
    binary: Path
    address: str
    registry: str

    def kubectl(self, *words: str) -> str:
        return tools.run(self.binary, "kubectl", words, self.place)

    def get(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def addresses(self, service: str, namespace: str) -> list[str]:
        """``http://IP:PORT`` of each pod that a Service would send a request to now."""
        label = f"kubernetes.io/service-name={service}"
        slices = self.get("endpointslices", "-n", namespace, "-l", label)["items"]
        return [
            f"http://{endpoint['addresses'][0]}:{each['ports'][0]['port']}"
            for each in slices
            for endpoint in each["endpoints"] or []
            if endpoint["conditions"]["ready"]
        ]


def needs_real_node(place: Place) -> None:
    """Skip the test where this machine cannot run a real node, saying which checks fail."""
    pytest.importorskip("tiphys_localkube", reason="tiphys-localkube is not installed")
    try:
        checks = realnode.failing(place, lambda _: None)
        if not checks:
            build.of_a_node("kubelet")
    except Unavailable as error:
        pytest.skip(f"no real node: {error}")
    if checks:
        pytest.skip(f"no real node: {'; '.join(f'{check.name}: {check.why}' for check in checks)}")


@pytest.fixture(scope="session")
def real_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNode]:
    place = Place(tmp_path_factory.mktemp("real-node"))
    needs_real_node(place)
    try:
        yield started(place)
    finally:
        parts.stop(place)


def started(place: Place) -> RealNode:
    """A control plane and its node, started or started again."""
    binary = build.present("localkube")
    node = realnode.prepare(place, lambda _: None)
    controlplane.begin(place, binary, Shape(real_node=node.address)).ready()
    try:
        host = registry.start(place, lambda _: None)
    except Unavailable:
        host = ""
    realnode.start(place, node)
    return RealNode(place, binary, node.address, host)


def fetched(url: str, host: str = "") -> str:
    """The answer of an HTTP server, asked by no proxy and, where given, for another host than the URL's."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers={"Host": host} if host else {})  # noqa: S310 - http alone
    try:
        with opener.open(request, timeout=5) as answer:
            return str(answer.read(), "utf-8")
    except urllib.error.HTTPError as error:
        return f"{error.code}"


def traces(place: Place) -> list[str]:
    """What a node of a place has on this machine outside of its folder: the bridge, control groups, mounts."""
    name = f"tiphys-{hashlib.sha256(str(place.node).encode()).hexdigest()[:6]}"
    groups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{name}")]
    mounts = ["mounts"] if str(place.node) in Path("/proc/self/mountinfo").read_text() else []
    return ["bridge"] * Path("/sys/class/net", name).exists() + groups + mounts
