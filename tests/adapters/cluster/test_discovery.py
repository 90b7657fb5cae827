import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from tiphys.adapters.cluster.api import Api
from tiphys.adapters.cluster.credentials import Connection
from tiphys.adapters.cluster.discovery import Discovery, remembering
from tiphys.model.objects import Catalog, Kind


def version(name: str, *kinds: str, fresh: bool = True) -> dict:
    resources = [
        {
            "resource": f"{kind.lower()}s",
            "responseKind": {"group": "", "version": "", "kind": kind},
            "scope": "Namespaced",
            "verbs": ["get", "list", "watch"],
        }
        for kind in kinds
    ]
    return {"version": name, "resources": resources, "freshness": "Current" if fresh else "Stale"}


def group(name: str, *versions: dict) -> dict:
    return {"metadata": {"name": name} if name else {}, "versions": list(versions)}


class Server:
    """An API server's discovery endpoints, on loopback; answers documents by path and counts who asks."""

    def __init__(self, documents: dict[str, dict]) -> None:
        self.documents = {"/version": {"gitVersion": "v1.36.3"}, **documents}
        self.asked: list[tuple[str, int]] = []

    async def answer(self, request: web.Request) -> web.Response:
        document = self.documents.get(request.path)
        code, etag = (200, str(hash(str(document)))) if document else (503, "")
        if etag and request.headers.get("If-None-Match") == etag:
            code, document = 304, None
        self.asked.append((request.path, code))
        body = orjson.dumps(document) if document else None
        return web.Response(status=code, body=body, content_type="application/json", headers={"ETag": etag})

    async def discover(self, times: int = 1) -> Catalog:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        async with (
            TestServer(app) as server,
            Api.open(Connection(str(server.make_url("")).rstrip("/"))) as api,
        ):
            discovery = Discovery(api)
            for _ in range(times):
                catalog = await discovery.discover()
            return catalog


def aggregated(*groups: dict) -> dict:
    return {"kind": "APIGroupDiscoveryList", "items": list(groups)}


async def test_of_each_kind_the_first_version_listed_is_preferred() -> None:
    autoscaling = group("autoscaling", version("v2", "HPA"), version("v1", "HPA", "Old"))
    catalog = await Server(
        {"/api": aggregated(group("", version("v1", "Pod"))), "/apis": aggregated(autoscaling)}
    ).discover()
    found = catalog.resources[Kind("autoscaling", "HPA")]
    assert (found.version, found.versions) == ("v2", ("v2", "v1"))
    assert catalog.resources[Kind("autoscaling", "Old")].version == "v1"
    assert catalog.resources[Kind("", "Pod")].plural == "pods"
    assert catalog.version == "v1.36.3"


async def test_a_group_whose_server_is_down_is_named_and_hurts_no_other() -> None:
    apis = aggregated(
        group("apps", version("v1", "Deployment")), group("metrics.k8s.io", version("v1", fresh=False))
    )
    catalog = await Server({"/api": aggregated(), "/apis": apis}).discover()
    assert catalog.failed_groups == ("metrics.k8s.io",)
    assert Kind("apps", "Deployment") in catalog.resources


async def test_what_has_not_changed_is_not_sent_again() -> None:
    server = Server({"/api": aggregated(group("", version("v1", "Pod"))), "/apis": aggregated()})
    assert Kind("", "Pod") in (await server.discover(times=2)).resources
    assert server.asked[-2:] == [("/api", 304), ("/apis", 304)]


async def test_an_older_server_is_discovered_version_by_version() -> None:
    resources = [
        {"name": "deployments", "kind": "Deployment", "namespaced": True, "verbs": ["get"]},
        {"name": "deployments/scale", "kind": "Scale", "namespaced": True, "verbs": ["get"]},
    ]
    groups = [
        {"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}]},
        {"name": "down", "versions": [{"groupVersion": "down/v1", "version": "v1"}]},
    ]
    catalog = await Server(
        {
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "groups": groups},
            "/api/v1": {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True, "verbs": []}]},
            "/apis/apps/v1": {"resources": resources},
        }
    ).discover()
    assert set(catalog.resources) == {Kind("", "Pod"), Kind("apps", "Deployment")}
    assert catalog.failed_groups == ("down",)


async def test_the_kinds_of_a_group_that_fails_now_are_remembered() -> None:
    metrics = group("metrics.k8s.io", version("v1", "NodeMetrics"))
    up = await Server({"/api": aggregated(), "/apis": aggregated(metrics)}).discover()
    down = await Server(
        {"/api": aggregated(), "/apis": aggregated(group("metrics.k8s.io", version("v1", fresh=False)))}
    ).discover()
    assert remembering(up, down).resources == up.resources
    gone = await Server({"/api": aggregated(), "/apis": aggregated()}).discover()
    assert remembering(up, gone).resources == {}
