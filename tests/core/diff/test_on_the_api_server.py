"""
What the comparison takes for granted, on a real API server: how ownership is recorded, and what an apply leaves alone.

Of each object the unasked answer is held against a dry run. Needs ``localkube``; skipped without it.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tiphys.core.diff.autoscaling import SCALED_FIELDS
from tiphys.core.diff.compare import compare
from tiphys.core.diff.handover import handed_over
from tiphys.core.diff.hidden import Hidden
from tiphys.model.flow import Comparison, NeedDryRun, Pair, Predicted, SyncCode
from tiphys.model.objects import Live, Manifest, key_of

Body = dict[str, Any]

APPLY = (
    "apply",
    "--server-side",
    "--force-conflicts",
    "--validate=ignore",
    "-o",
    "json",
    "--show-managed-fields",
    "-f",
    "-",
)


class Shop:
    """A namespace in which we apply as ourselves, and others edit."""

    def __init__(self, kubectl: Callable[..., str], namespace: str) -> None:
        self.kubectl = kubectl
        self.namespace = namespace

    def apply(self, body: Body, *words: str, manager: str = "argocd-controller") -> Body:
        told = self.kubectl(
            *APPLY, "-n", self.namespace, "--field-manager", manager, *words, stdin=json.dumps(body)
        )
        found: Body = json.loads(told)
        return found

    def edit(self, body: Body, patch: Body, *words: str) -> None:
        name = f"{body['kind']}/{body['metadata']['name']}"
        command = ("patch", name, "-n", self.namespace, "--type", "merge", "-p", json.dumps(patch), *words)
        self.kubectl(*command, "--field-manager", "somebody")

    def live(self, body: Body) -> Live:
        name = f"{body['kind']}/{body['metadata']['name']}"
        told = self.kubectl("get", name, "-n", self.namespace, "-o", "json", "--show-managed-fields")
        return Live(key_of(body, self.namespace), json.loads(told))

    def compared(self, body: Body) -> tuple[bool, SyncCode]:
        """Whether it was decided unasked, and what; a dry run must agree."""
        live = self.live(body)
        pair = Pair(live.key, Manifest(live.key, body), live)
        asked = compare(pair, Hidden(), Predicted(self.apply(body, "--dry-run=server")))
        unasked = compare(pair)
        assert isinstance(asked, Comparison)
        assert isinstance(unasked, NeedDryRun) or unasked == asked
        return not isinstance(unasked, NeedDryRun), asked.code


@pytest.fixture
def shop(kubectl: Callable[..., str], namespace: str) -> Shop:
    return Shop(kubectl, namespace)


def deployment(**pod: Any) -> Body:
    container = {"name": "web", "image": "web:1", "ports": [{"containerPort": 80}], "args": ["-v"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{**container, "env": [{"name": "A", "value": "1"}]}], **pod},
            },
        },
    }


DNS = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "dns"},
    "spec": {
        "selector": {"app": "dns"},
        "ports": [{"name": "tcp", "port": 53}, {"name": "udp", "port": 53, "protocol": "UDP"}],
    },
}
CONF = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "conf", "finalizers": ["example.com/keep"], "labels": {"app": "web"}},
    "data": {"a": "1", "b": ""},
}
PAGE = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "page"},
    "spec": {
        "rules": [
            {
                "host": "web.example.com",
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "web", "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ]
    },
}
SCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "scaler"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "maxReplicas": 3,
    },
}


def test_right_after_an_apply_an_object_is_in_sync_and_nobody_is_asked(shop: Shop):
    for body in (deployment(), DNS, CONF, PAGE, SCALER):
        shop.apply(body)
        assert shop.compared(body) == (True, SyncCode.SYNCED), body["kind"]
    shop.edit(CONF, {"metadata": {"finalizers": []}})


def test_what_the_api_server_writes_otherwise_is_in_sync_after_asking(shop: Shop):
    odd = deployment(nodeSelector={}, tolerations=[], affinity=None, volumes=[{"name": "v", "emptyDir": {}}])
    container = odd["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"limits": {"cpu": "1000m"}}
    container["env"].append({"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}})
    shop.apply(odd)
    assert shop.compared(odd) == (False, SyncCode.SYNCED)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "1"}}
    shop.apply(secret)
    assert shop.compared(secret) == (False, SyncCode.SYNCED)
    assert shop.compared({**secret, "stringData": {"a": "2"}}) == (False, SyncCode.OUT_OF_SYNC)


CHANGES: dict[str, Callable[[Body], Any]] = {
    "an image": lambda pod: pod["containers"][0].update(image="web:2"),
    "an argument more": lambda pod: pod["containers"][0]["args"].append("-q"),
    "a variable less": lambda pod: pod["containers"][0].update(env=[]),
    "the protocol of a port": lambda pod: pod["containers"][0]["ports"][0].update(protocol="UDP"),
    "another container": lambda pod: pod["containers"].insert(0, {"name": "side", "image": "side"}),
    "ports gone": lambda pod: pod["containers"][0].pop("ports"),
}


def test_a_changed_target_is_out_of_sync(shop: Shop):
    shop.apply(deployment())
    for words, change in CHANGES.items():
        changed = deployment()
        change(changed["spec"]["template"]["spec"])
        assert shop.compared(changed) == (False, SyncCode.OUT_OF_SYNC), words


def test_what_others_add_is_in_sync_and_what_they_change_is_not(shop: Shop):
    shop.apply(deployment())
    shop.edit(deployment(), {"metadata": {"labels": {"team": "a"}}, "spec": {"minReadySeconds": 1}})
    assert shop.compared(deployment()) == (True, SyncCode.SYNCED)
    shop.edit(deployment(), {"spec": {"replicas": 2}})
    assert shop.compared(deployment()) == (False, SyncCode.OUT_OF_SYNC)


def image(body: Body, tag: str) -> Body:
    changed = deepcopy(body)
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = f"web:{tag}"
    return changed


def test_replicas_that_were_handed_over_never_change(shop: Shop):
    """As we own them alone, after the target gave them up, and after an autoscaler has scaled."""
    shop.apply(deployment())
    less = deployment()
    del less["spec"]["replicas"]
    for tag, target, replicas in (
        ("2", deployment(), 1),
        ("3", less, 1),
        ("4", deployment(), 3),
        ("5", less, 3),
    ):
        if replicas == 3:
            shop.edit(deployment(), {"spec": {"replicas": 3}}, "--subresource", "scale")
        live = shop.live(deployment())
        handover = handed_over(Manifest(live.key, image(target, tag)), live, SCALED_FIELDS)
        assert bool(handover.resource_version) is (replicas == 1)
        applied = shop.apply(dict(handover.target.body))
        assert applied["spec"]["replicas"] == replicas
