"""The server in memory and a real one are told the same, and end up with the same objects and the same owners."""

import json
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from memory.merging import Writer
from memory.server import Server
from memory.wire import MemoryApi, opened
from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.cluster.credentials import from_kubeconfig
from tiphys.model.flow import Apply, Phase
from tiphys.model.objects import Key, Manifest, key_of

STEPS = 8


@pytest.fixture
def real_namespace(kubectl: Callable[..., str]) -> Iterator[str]:
    name = f"likeness-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
async def real(kube: Path) -> AsyncIterator[WatchedCluster]:
    async with WatchedCluster.open(from_kubeconfig([kube])) as cluster:
        yield cluster


@pytest.fixture
async def memory(real_namespace: str) -> AsyncIterator[WatchedCluster]:
    server = Server()
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": real_namespace}}
    server.create(body, Writer("Update", "somebody"))
    async with opened(MemoryApi(server)) as cluster:
        yield cluster


@pytest.mark.parametrize("seed", range(int(os.environ.get("TIPHYS_LIKENESSES", "8"))))
async def test_what_was_done_to_both_is_the_same_on_both(
    real: WatchedCluster, memory: WatchedCluster, real_namespace: str, seed: int
) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    make, edit = random.choice(
        [(deployment, deployment_edit), (config_map, config_map_edit), (service, service_edit)]
    )
    target = Manifest(Key("", "", "", ""), {})
    for step in range(STEPS):
        if step and random.random() < 0.4:
            change = edit(random)
            for cluster in (real, memory):
                await cluster.patch(target.key, change)
        else:
            body = make(random, f"it-{seed}", real_namespace)
            target = Manifest(key_of(body), body)
            done = [await cluster.perform(Apply(target.key, target)) for cluster in (real, memory)]
            assert [result.phase for result in done] == [Phase.SUCCEEDED, Phase.SUCCEEDED], done
        one, other = [await cluster.read(target.key) for cluster in (real, memory)]
        assert plain(other.body) == plain(one.body), f"step {step}"


def config_map(random: Random, name: str, namespace: str) -> dict[str, Any]:
    data = {key: random.choice(["x", "y"]) for key in "abcd" if random.random() < 0.5}
    labels = {key: "1" for key in "pq" if random.random() < 0.5}
    metadata = {"name": name, "namespace": namespace, **({"labels": labels} if labels else {})}
    if random.random() < 0.3:
        metadata["finalizers"] = random.sample(["example.org/a", "example.org/b"], random.randint(1, 2))
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **({"data": data} if data else {})}


def config_map_edit(random: Random) -> dict[str, Any]:
    return random.choice(
        [
            {"data": {random.choice("abcde"): random.choice(["x", "z"])}},
            {"data": {random.choice("abcd"): None}},
            {"data": None},
            {"metadata": {"labels": {random.choice("pqr"): random.choice(["1", "2"])}}},
            {"metadata": {"labels": None}},
            {"metadata": {"annotations": {"by": "hand"}}},
        ]
    )


def deployment(random: Random, name: str, namespace: str) -> dict[str, Any]:
    names = [each for each in ("web", "side", "log") if random.random() < 0.6] or ["web"]
    random.shuffle(names)
    containers = [container(random, each) for each in names]
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}},
    }
    if random.random() < 0.5:
        spec["replicas"] = random.randrange(3)
    if random.random() < 0.3:
        spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": random.randrange(1, 3)}}
    if random.random() < 0.3:
        spec["template"]["spec"]["nodeSelector"] = {random.choice("ab"): "1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        # With an annotation, since the real controller would bring the first one.
        "metadata": {"name": name, "namespace": namespace, "annotations": {"of": "the test"}},
        "spec": spec,
    }


def container(random: Random, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "image": f"example.org/{name}:v{random.randrange(3)}"}
    if random.random() < 0.5:
        made["ports"] = [
            {"containerPort": port} for port in random.sample([80, 81, 82], random.randint(1, 3))
        ]
    if random.random() < 0.5:
        made["env"] = [
            {"name": each, "value": str(random.randrange(2))} for each in "AB" if random.random() < 0.7
        ]
        made["env"] = made["env"] or [{"name": "C", "value": "1"}]
    if random.random() < 0.4:
        made["args"] = random.choice([["a"], ["a", "b"]])
    if random.random() < 0.3:
        made["resources"] = {"limits": {"memory": "64Mi"}}
    return made


def deployment_edit(random: Random) -> dict[str, Any]:
    return random.choice(
        [
            {"spec": {"replicas": random.randrange(4)}},
            {"spec": {"revisionHistoryLimit": random.randrange(1, 4)}},
            {"spec": {"template": {"metadata": {"annotations": {"restarted": str(random.randrange(2))}}}}},
            {"spec": {"template": {"spec": {"nodeSelector": random.choice([None, {"c": "2"}])}}}},
            {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 3}}}},
            {"metadata": {"annotations": {"by": random.choice(["hand", "foot"])}}},
        ]
    )


def service(random: Random, name: str, namespace: str) -> dict[str, Any]:
    numbers = random.sample([80, 81, 82], random.randint(1, 3))
    ports = [{"port": number, "name": f"p{number}"} for number in numbers]
    if random.random() < 0.5:
        ports[0]["targetPort"] = 8080
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"ports": ports, "selector": {"app": random.choice("xy")}},
    }


def service_edit(random: Random) -> dict[str, Any]:
    return random.choice(
        [
            {"spec": {"selector": {"more": "1"}}},
            {"spec": {"sessionAffinity": "None"}},
            {"metadata": {"labels": {"by": "hand"}}},
        ]
    )


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """Without what differs from server to server, and from moment to moment."""
    metadata = {k: v for k, v in body["metadata"].items() if k not in UNLIKE}
    owners = {
        (entry["manager"], entry["operation"]): json.dumps(entry["fieldsV1"], sort_keys=True)
        for entry in body["metadata"].get("managedFields", ())
        if entry["manager"] not in ("kube-controller-manager", "localkube")
    }
    noted = metadata.get("annotations", {})
    noted.pop("deployment.kubernetes.io/revision", None)
    if not noted:
        metadata.pop("annotations", None)
    rest = {k: v for k, v in body.items() if k not in ("metadata", "status")}
    if body["kind"] == "Service":
        rest["spec"] = {k: v for k, v in rest["spec"].items() if not k.startswith(("clusterIP", "ipFamil"))}
    return {**rest, "metadata": metadata, "owners": owners}


UNLIKE = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation")
