"""
Targets to write and ways to look, in the words of the tests of this folder.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.model.objects import Key, Live, Manifest, key_of


def config_map(namespace: str, name: str, application: str = "", **data: str) -> Manifest:
    """A ConfigMap as a target, tracked by an application if one is given."""
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if application:
        tracking = f"{application}:/ConfigMap:{namespace}/{name}"
        metadata["annotations"] = {"argocd.argoproj.io/tracking-id": tracking}
    return manifest({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def manifest(body: dict[str, Any], namespace: str = "") -> Manifest:
    """A target."""
    return Manifest(key_of(body, namespace), body)


def definition(plural: str, kind: str, **spec: Any) -> Manifest:
    """A custom resource definition whose objects may be anything."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": schema}]
    names = {"plural": plural, "kind": kind, "singular": kind.lower()}
    return manifest(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.tests.tiphys.dev"},
            "spec": {
                "group": "tests.tiphys.dev",
                "scope": "Namespaced",
                "names": names,
                "versions": versions,
                **spec,
            },
        }
    )


def custom(kind: str, namespace: str, version: str = "v1") -> Manifest:
    """An object of a custom kind."""
    metadata = {"name": "a", "namespace": namespace}
    return manifest({"apiVersion": f"tests.tiphys.dev/{version}", "kind": kind, "metadata": metadata})


async def observed(cluster: WatchedCluster, key: Key) -> Live | None:
    """What is live under a key."""
    return (await cluster.observe([key])).get(key)


async def eventually(holds: Callable[[], Any], within: float = 10) -> Any:
    """Wait until something holds, and answer it; fails if it never does."""
    until = time.monotonic() + within
    while not (found := holds()):
        assert time.monotonic() < until, "it never came about"
        await asyncio.sleep(0.02)
    return found
