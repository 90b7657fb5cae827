"""
What the API server refuses is told in its words, concerns one object, and gives no secret away.
"""

import asyncio

from adapters.cluster.targets import config_map, manifest
from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.cluster.credentials import Connection
from tiphys.model.flow import Apply, Delete, Phase
from tiphys.model.objects import Manifest


async def test_a_refusal_does_not_tell_a_secrets_values(cluster: WatchedCluster, namespace: str) -> None:
    metadata = {"name": "a", "namespace": namespace}
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "data": {"pin": 8472910563, "word": "%canary%"},
    }
    target = manifest(body)
    told = [
        (await cluster.predict(target)).refusal,
        (await cluster.perform(Apply(target.key, target))).message,
    ]
    for message in told:
        assert message
        assert "8472910563" not in message
        assert "canary" not in message


async def test_a_webhook_that_fails_is_a_refusal_of_that_object(
    connection: Connection, namespace: str
) -> None:
    webhook = {
        "name": "nobody.tests.tiphys.dev",
        "clientConfig": {"url": "https://127.0.0.1:1/validate"},
        "rules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "objectSelector": {"matchLabels": {"hooked": "yes"}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    hook = manifest(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": namespace},
            "webhooks": [webhook],
        }
    )
    target = config_map(namespace, "a")
    target.body["metadata"]["labels"] = {"hooked": "yes"}
    async with WatchedCluster.open(connection) as cluster:
        hooked = await cluster.perform(Apply(hook.key, hook))
        for _ in range(100):
            if refusal := (await cluster.predict(target)).refusal:
                break
            await asyncio.sleep(0.05)
        assert "failed calling webhook" in refusal
        result = await cluster.perform(Apply(target.key, target))
        assert (result.phase, result.conflict) == (Phase.FAILED, False)
        assert "failed calling webhook" in result.message
        await cluster.perform(Delete(hook.key, hooked.live.uid, "Background"))


def service(namespace: str) -> Manifest:
    spec = {"ports": [{"port": 80}], "misspelt": True}
    return manifest(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "a", "namespace": namespace},
            "spec": spec,
        }
    )


async def test_a_field_that_a_built_in_kind_lacks_is_refused_with_and_without_validation(
    cluster: WatchedCluster, namespace: str
) -> None:
    target = service(namespace)
    for validate in (True, False):
        result = await cluster.perform(Apply(target.key, target, validate=validate))
        assert result.phase is Phase.FAILED
        assert ".spec.misspelt: field not declared in schema" in result.message
    assert "field not declared in schema" in (await cluster.predict(target)).refusal


async def test_a_replacement_with_an_unknown_field_is_refused_only_with_validation(
    cluster: WatchedCluster, namespace: str
) -> None:
    target = service(namespace)
    replaced = await cluster.perform(Apply(target.key, target, replace=True))
    assert 'unknown field "spec.misspelt"' in replaced.message
    ignored = await cluster.perform(Apply(target.key, target, replace=True, validate=False))
    assert ignored.phase is Phase.SUCCEEDED
