from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from functools import cache
from pathlib import Path

import orjson
import pytest
import yaml

from adapters.cluster.targets import eventually, manifest
from tiphys.adapters.cluster.applications import ApplicationChange, WatchedApplications
from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.cluster.credentials import Connection
from tiphys.adapters.cluster.installing import install, renew
from tiphys.adapters.cluster.readings import read
from tiphys.model.api.schema import EDITION
from tiphys.model.errors import Refused, SpecError, Stale
from tiphys.model.flow import Apply, Delete
from tiphys.model.objects import AppName, Manifest

CRDS = Path(__file__).parents[3] / "deploy/chart/crds"


def application(namespace: str, name: str, path: str = "charts/a") -> Manifest:
    spec = {
        "project": "default",
        "source": {"repoURL": "https://git.example/charts", "path": path},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "web"},
    }
    metadata = {"name": name, "namespace": namespace}
    return manifest(
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}
    )


def project(namespace: str, description: str = "") -> Manifest:
    metadata = {"name": "default", "namespace": namespace}
    spec = {"description": description, "sourceRepos": ["*"]}
    return manifest(
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata, "spec": spec}
    )


@cache
def definitions() -> list[Manifest]:
    files = (CRDS / f"{plural}.argoproj.io.yaml" for plural in ("applications", "appprojects"))
    return [manifest(yaml.load(file.read_text(), yaml.CSafeLoader)) for file in files]


@pytest.fixture
async def cluster(connection: Connection) -> AsyncIterator[WatchedCluster]:
    async with WatchedCluster.open(connection) as opened:
        await install(opened, definitions(), ())
        yield opened


@pytest.fixture
async def applications(cluster: WatchedCluster, namespace: str) -> WatchedApplications:
    return await WatchedApplications.open(cluster, namespace, (namespace,))


async def test_what_is_installed_is_served_and_seeds_are_left_to_their_owners(
    cluster: WatchedCluster, applications: WatchedApplications, namespace: str
) -> None:
    await install(cluster, definitions(), [project(namespace)])
    await cluster.patch(project(namespace).key, {"spec": {"description": "ours"}})
    await install(cluster, definitions(), [project(namespace)])
    assert applications.project("default").spec.description == "ours"
    assert applications.project("other") is None


async def test_what_cannot_be_installed_is_told(cluster: WatchedCluster) -> None:
    with pytest.raises(Refused, match=r'namespaces "nowhere" not found'):
        await install(cluster, (), [project("nowhere")])


@pytest.mark.parametrize(
    ("edition", "asked"), [("0123456789abcdef", True), ("", False)], ids=["ours", "argocd"]
)
async def test_a_definition_is_renewed_if_we_brought_it(
    cluster: WatchedCluster, edition: str, asked: bool
) -> None:
    old, new = (definition_of_a_test(edition=e, described=d) for e, d in ((edition, "old"), ("new", "new")))
    await install(cluster, [old], ())
    assert await renew(cluster, [new]) == []
    live = await cluster.read(old.key)
    assert live.body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] == (
        "new" if asked else "old"
    )
    await cluster.perform(Delete(live.key, live.uid))


async def test_a_definition_that_is_not_there_is_not_brought_by_a_renewal(cluster: WatchedCluster) -> None:
    absent = definition_of_a_test(edition="new", described="new", plural="absents")
    assert await renew(cluster, [absent]) == []
    assert await cluster.read(absent.key) is None


def definition_of_a_test(edition: str, described: str, plural: str = "editions") -> Manifest:
    body = deepcopy(definitions()[1].body)
    names = {"kind": plural.title(), "plural": plural, "singular": plural[:-1]}
    body["metadata"] = {
        "name": f"{plural}.tests.example.com",
        "annotations": {EDITION: edition} if edition else {},
    }
    body["spec"] |= {"group": "tests.example.com", "names": names}
    body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] = described
    return manifest(body)


async def test_applications_are_known_by_name(
    cluster: WatchedCluster, applications: WatchedApplications, namespace: str
) -> None:
    for name in ("b", "a"):
        await cluster.perform(Apply((target := application(namespace, name)).key, target))
    assert applications.names() == [AppName(namespace, "a"), AppName(namespace, "b")]
    found = applications.get(AppName(namespace, "a"))
    assert found.spec.source.path == "charts/a"
    assert found.metadata.name == "a"
    assert applications.get(AppName(namespace, "c")) is None


async def test_a_patch_is_read_back_at_once(
    cluster: WatchedCluster, applications: WatchedApplications, namespace: str
) -> None:
    name, target = AppName(namespace, "a"), application(namespace, "a")
    await cluster.perform(Apply(target.key, target))
    for turn in range(20):
        status = {"status": {"sync": {"status": "Synced", "revision": str(turn)}}}
        patched = await applications.patch(name, status)
        assert patched.status.sync.revision == str(turn)
        assert applications.get(name) == patched
    assert patched.spec.source.path == "charts/a"


async def test_a_patch_of_a_version_that_has_moved_on_is_stale(
    cluster: WatchedCluster, applications: WatchedApplications, namespace: str
) -> None:
    name, target = AppName(namespace, "a"), application(namespace, "a")
    version = (await cluster.perform(Apply(target.key, target))).live.resource_version
    label = {"metadata": {"labels": {"x": "y"}}}
    assert (await applications.patch(name, label, version)).metadata.labels == {"x": "y"}
    with pytest.raises(Stale):
        await applications.patch(name, {"metadata": {"labels": {"x": "z"}}}, version)


async def test_a_patch_of_what_is_gone_answers_nothing(
    applications: WatchedApplications, namespace: str
) -> None:
    assert await applications.patch(AppName(namespace, "gone"), {"metadata": {"labels": {"x": "y"}}}) is None


async def test_a_patch_that_the_schema_forbids_is_told(
    cluster: WatchedCluster, applications: WatchedApplications, namespace: str
) -> None:
    target = application(namespace, "a")
    await cluster.perform(Apply(target.key, target))
    with pytest.raises(SpecError, match=r"spec\.project"):
        await applications.patch(AppName(namespace, "a"), {"spec": {"project": 5}})


@pytest.mark.parametrize("resources", [850, 1_400])
async def test_a_status_that_is_too_large_is_told_and_changes_nothing(
    cluster: WatchedCluster, applications: WatchedApplications, namespace: str, resources: int
) -> None:
    name, target = AppName(namespace, "a"), application(namespace, "a")
    await cluster.perform(Apply(target.key, target))
    huge = [{"kind": "ConfigMap", "name": f"{n:02000}", "version": "v1"} for n in range(resources)]
    with pytest.raises(SpecError, match=r"too large|larger than max"):
        await applications.patch(name, {"status": {"resources": huge}})
    assert (await applications.patch(name, {"metadata": {"labels": {"x": "y"}}})).metadata.labels == {
        "x": "y"
    }


async def test_a_malformed_application_is_told_to_who_asks_and_hurts_no_other(
    cluster: WatchedCluster, applications: WatchedApplications, namespace: str
) -> None:
    good, bad = (application(namespace, name) for name in ("good", "bad"))
    for target in (good, bad):
        await cluster.perform(Apply(target.key, target))
    resource = (await cluster.catalog()).resources[bad.key.of]
    body = dict(cluster.latest(bad.key).body)
    body["metadata"] = {**body["metadata"], "resourceVersion": "999999999"}
    body["spec"] = {**body["spec"], "source": "none"}
    cluster._store.see(read(orjson.dumps(body), resource))
    with pytest.raises(SpecError, match=f"Application {namespace}/bad: spec.source must be a mapping"):
        applications.get(AppName(namespace, "bad"))
    assert AppName(namespace, "bad") in applications.names()
    assert applications.get(AppName(namespace, "good")).metadata.name == "good"


async def test_changes_are_told_with_before_and_after(
    cluster: WatchedCluster, applications: WatchedApplications, namespace: str, kubectl: Callable[..., str]
) -> None:
    changes: list[ApplicationChange] = []
    stop = applications.subscribe(changes.append)
    target = application(namespace, "a")
    live = (await cluster.perform(Apply(target.key, target))).live
    kubectl("annotate", "application", "a", "-n", namespace, "argocd.argoproj.io/refresh=normal")
    await eventually(lambda: len(changes) == 2)
    assert [change.application for change in changes] == [AppName(namespace, "a")] * 2
    assert changes[0].old is None
    assert "argocd.argoproj.io/refresh" not in changes[1].old.annotations
    assert changes[1].new.annotations["argocd.argoproj.io/refresh"] == "normal"
    stop()
    await cluster.perform(Delete(target.key, live.uid, "Background"))
    assert len(changes) == 2
    assert applications.get(AppName(namespace, "a")) is None


async def test_other_namespaces_are_none_of_ours(
    cluster: WatchedCluster, applications: WatchedApplications
) -> None:
    target = application("default", "foreign")
    live = (await cluster.perform(Apply(target.key, target))).live
    assert applications.names() == []
    assert applications.get(AppName("default", "foreign")) is None
    await cluster.perform(Delete(target.key, live.uid, "Background"))
