"""
What is wrong with one kind concerns that kind alone: missing rights, broken conversions, APIs that are down.
"""

import asyncio
from collections.abc import Callable

import pytest

from adapters.cluster.servers import trusting
from adapters.cluster.targets import config_map, custom, definition, eventually, manifest, observed
from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.cluster.credentials import Connection
from tiphys.model.flow import Apply, Delete, Phase
from tiphys.model.objects import Key, Kind

CONFIG_MAP = Kind("", "ConfigMap")
SECRET = Kind("", "Secret")


ROLE = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [secrets], resourceNames: [readable], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NAMESPACE}
rules: [{apiGroups: [""], resources: [configmaps], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: NAMESPACE}
subjects: [{kind: ServiceAccount, name: reader, namespace: NAMESPACE}]
"""


@pytest.fixture
def limited(connection: Connection, kubectl: Callable[..., str], namespace: str) -> Connection:
    """A connection of somebody who may do all with ConfigMaps, and read one Secret of the namespace."""
    kubectl("apply", "-n", namespace, "-f", "-", stdin=ROLE.replace("NAMESPACE", namespace))
    token = kubectl("create", "token", "reader", "-n", namespace)
    return Connection(connection.server, trusting(connection), lambda: token)


async def test_a_kind_that_we_may_not_read_concerns_that_kind_alone(
    limited: Connection, kubectl: Callable[..., str], namespace: str
) -> None:
    mine = config_map(namespace, "mine", namespace)
    kubectl("create", "secret", "generic", "readable", "-n", namespace)
    readable, forbidden = (Key("", "Secret", namespace, name) for name in ("readable", "forbidden"))
    async with WatchedCluster.open(limited) as cluster:
        await cluster.watch([CONFIG_MAP, SECRET])
        assert list(cluster.unwatched) == [SECRET]
        assert 'cannot list resource "secrets"' in cluster.unwatched[SECRET]
        await cluster.perform(Apply(mine.key, mine))
        assert set(await cluster.observe([mine.key, readable, forbidden])) == {mine.key, readable}
        assert list(cluster.unreadable) == [forbidden]
        assert 'secrets "forbidden" is forbidden' in cluster.unreadable[forbidden]
        target = manifest(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": namespace}}
        )
        assert "is forbidden" in (await cluster.predict(target)).refusal
        assert (await cluster.perform(Apply(target.key, target))).phase is Phase.FAILED
        kubectl("patch", "clusterrole", namespace, "--type=json", "-p", ALL_SECRETS)
        await eventually(lambda: not cluster.unwatched)
        assert set(await cluster.observe([readable, forbidden])) == {readable}
        assert cluster.unreadable == {}


ALL_SECRETS = """[{"op": "add", "path": "/rules/0/resources/-", "value": "secrets"}]"""


async def test_a_new_definition_is_served_to_the_very_next_apply(
    connection: Connection, namespace: str
) -> None:
    widgets, widget = definition("widgets", "Widget"), custom("Widget", namespace)
    async with WatchedCluster.open(connection) as cluster:
        await cluster.watch([widget.key.of])
        assert await observed(cluster, widget.key) is None
        defined = await cluster.perform(Apply(widgets.key, widgets))
        applied = await cluster.perform(Apply(widget.key, widget))
        assert applied.message == "widget.tests.tiphys.dev/a serverside-applied"
        await eventually(lambda: widget.key.of not in cluster.unwatched)
        assert await observed(cluster, widget.key) is not None
        await cluster.perform(Delete(widgets.key, defined.live.uid, "Background"))
        await eventually(lambda: cluster.latest(widget.key) is None)


async def test_the_catalog_follows_definitions_that_others_make(connection: Connection) -> None:
    gadgets = definition("gadgets", "Gadget")
    kind = Kind("tests.tiphys.dev", "Gadget")
    async with WatchedCluster.open(connection) as cluster, WatchedCluster.open(connection) as other:
        served: list[bool] = []
        cluster.on_catalog(lambda catalog: served.append(kind in catalog.resources))
        defined = await other.perform(Apply(gadgets.key, gadgets))
        await eventually(lambda: served and served[-1])
        await other.perform(Delete(gadgets.key, defined.live.uid, "Background"))
        await eventually(lambda: not served[-1])


async def test_a_kind_whose_conversion_is_broken_concerns_that_kind_alone(
    connection: Connection, namespace: str
) -> None:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    v1, v2 = ({"name": v, "served": True, "storage": v == "v1", "schema": schema} for v in ("v1", "v2"))
    nobody = {"clientConfig": {"url": "https://127.0.0.1:1/convert"}, "conversionReviewVersions": ["v1"]}
    broken = definition(
        "brokens", "Broken", versions=[v1, v2], conversion={"strategy": "Webhook", "webhook": nobody}
    )
    target, mine = custom("Broken", namespace), config_map(namespace, "mine", namespace)
    async with WatchedCluster.open(connection) as cluster:
        defined = await cluster.perform(Apply(broken.key, broken))
        await eventually_served(cluster, target.key.of, "v2")
        stored = await cluster.perform(Apply(target.key, target))
        assert "conversion webhook" in stored.message
        await cluster.watch([target.key.of, CONFIG_MAP])
        assert "conversion webhook" in cluster.unwatched[target.key.of]
        await cluster.perform(Apply(mine.key, mine))
        assert set(await cluster.observe([target.key, mine.key])) == {mine.key}
        assert "conversion webhook" in cluster.unreadable[target.key]
        await cluster.perform(Delete(broken.key, defined.live.uid, "Background"))


async def eventually_served(cluster: WatchedCluster, kind: Kind, version: str) -> None:
    for _ in range(100):
        resource = (await cluster.catalog()).resources.get(kind)
        if resource and version in resource.versions:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{kind} is not served in {version}")


async def test_an_aggregated_api_that_is_down_is_unknown_and_not_absent(
    connection: Connection, namespace: str
) -> None:
    spec = {
        "group": "down.tests.tiphys.dev",
        "version": "v1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }
    service = {"name": "nobody", "namespace": namespace}
    api = manifest(
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1.down.tests.tiphys.dev"},
            "spec": {**spec, "service": service, "insecureSkipTLSVerify": True},
        }
    )
    key = Key("down.tests.tiphys.dev", "Thing", namespace, "a")
    async with WatchedCluster.open(connection) as cluster:
        registered = await cluster.perform(Apply(api.key, api))
        catalogs = []
        cluster.on_catalog(catalogs.append)
        await eventually(lambda: catalogs and catalogs[-1].failed_groups)
        await cluster.watch([key.of, CONFIG_MAP])
        assert "cannot be discovered" in cluster.unwatched[key.of]
        assert await cluster.observe([key]) == {}
        assert "cannot be discovered" in cluster.unreadable[key]
        assert (await cluster.perform(Delete(key, "uid"))).phase is Phase.FAILED
        await cluster.perform(Delete(api.key, registered.live.uid, "Background"))
        await eventually(lambda: not catalogs[-1].failed_groups)
        assert await cluster.observe([key]) == {}
        assert key not in cluster.unreadable
