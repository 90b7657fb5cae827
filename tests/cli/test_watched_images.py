"""``tiphys image tags`` and ``image list``, and whose credentials watched images are asked and committed with."""

import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.git.origin import Origin, listen
from adapters.registry.shelf import Shelf
from cli.conftest import Outcome, Plane
from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.cluster.credentials import from_kubeconfig
from tiphys.core.release.images import Wish
from tiphys.local.gitserver import application
from tiphys.model.commits import Person
from tiphys.model.errors import Refused, SpecError, Unavailable
from tiphys.reconcile.release import Order, Part, release
from tiphys.wiring.images import Keyring, WriteBranches

Run = Callable[..., Outcome]
ORDER = Order([Part(["web"], [Wish("v2")])], Person("Ada", "ada@example.org"))


@pytest.fixture
def shelf(registry: str) -> Shelf:
    shelf = Shelf(registry)
    for tag in ("1.0.0", "1.10.0", "1.9.0", "2.0.0-rc1", "latest"):
        shelf.push("cli/web", tag)
    return shelf


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials of the user's own, and a state folder of the test's."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("TIPHYS_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("TIPHYS_REGISTRY_CONFIG", raising=False)


def test_a_policy_tells_the_tag_that_it_chooses(tiphys: Run, shelf: Shelf):
    done = tiphys("image", "tags", f"{shelf.registry}/cli/web", "semver:1.x", "ignore:latest")
    assert (done.code, done.out) == (0, "1.10.0\n")
    assert "of 4 tags that count: 1.0.0, 1.10.0, 1.9.0, 2.0.0-rc1" in done.err


def test_a_digest_is_told_with_its_tag(tiphys: Run, shelf: Shelf):
    digest = shelf.push("cli/web", "stable")
    done = tiphys("image", "tags", f"{shelf.registry}/cli/web:stable", "digest", "-o", "json")
    assert json.loads(done.out) == {
        "image": f"{shelf.registry}/cli/web",
        "policy": "digest:stable",
        "counted": ["stable"],
        "tag": "stable",
        "digest": digest,
    }


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["cli/web", "semvr"], "did you mean semver?"),
        (["cli/web", "semver:>=9"], "allows none of its"),
        (["cli/web", "regexp:("], "is no regular expression"),
        (["cli/web", "semver:kaputt"], "is not a version constraint"),
        (["cli/none"], "has no repository cli/none"),
        (["CLI/web"], "in small letters"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tiphys: Run, shelf: Shelf, words: list[str], why: str):
    done = tiphys("image", "tags", f"{shelf.registry}/{words[0]}", *words[1:])
    assert (done.code, done.out) == (1, "")
    assert why in done.err
    assert len(done.err.splitlines()) == 1


@pytest.fixture
async def stack():
    async with AsyncExitStack() as opened:
        yield opened


def test_what_is_watched_is_listed_with_what_is_newer(
    tiphys: Run, shelf: Shelf, plane_of_mine: Plane, tmp_path: Path
):
    origin = Origin(tmp_path / "charts.git", "")
    image = f"{shelf.registry}/cli/web"
    origin.commit({"web/values.yaml": f"image: {image}:1.0.0\n", "api/values.yaml": "{}\n"})
    for name, words in (("web", "semver:1.x"), ("api", "semver"), ("none", "")):
        source = {"repoURL": origin.file_url, "path": name, "targetRevision": "main"}
        spec = {"destination": {"name": "in-cluster", "namespace": "web"}, "source": source}
        metadata = {"name": name, "annotations": {"tiphys.dev/images": f"{image} {words}"} if words else {}}
        plane_of_mine.has(name, metadata=metadata, spec={**spec, "project": "default"})
    done = tiphys("image", "list")
    assert done.code == 0
    header, api, web = done.out.splitlines()
    assert header.split() == ["APPLICATION", "IMAGE", "POLICY", "CURRENT", "NEWEST", "FILE", "STATE"]
    assert web.split() == ["web", image, "semver:1.x", "1.0.0", "1.10.0", "web/values.yaml", "newer"]
    assert api.endswith("not watched")
    assert "api has no image of this repository in api/values.yaml" in done.err
    one = json.loads(tiphys("image", "list", "web", "-o", "json").out)
    assert [(each["path"], each["newest"]["tag"], each["newer"]) for each in one] == [
        ("image", "1.10.0", True)
    ]
    assert tiphys("image", "list", "wbe").code == 1


@pytest.fixture
async def guarded(tmp_path: Path, stack: AsyncExitStack) -> Origin:
    """A repository that ``ada`` may push to."""

    @web.middleware
    async def known(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Basic " + b64encode(b"ada:s3cret").decode():
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        return await handler(request)

    app = application(tmp_path / "served", None)
    app.middlewares.append(known)
    address = await listen(app, stack)
    origin = Origin(tmp_path / "served" / "charts.git", f"{address}/git/charts.git")
    origin.commit({"web/values.yaml": "image: {repository: web, tag: v1}\n"})
    return origin


async def test_a_commit_is_pushed_with_the_credentials_of_a_secret_for_writing(
    guarded: Origin, kube: Path, kubectl: Callable[..., str], namespace: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TIPHYS_GIT_TOKEN", "of-the-engines-own-environment")
    async with WatchedCluster.open(from_kubeconfig([kube])) as cluster:
        branches = WriteBranches(cluster, namespace)
        with pytest.raises(Refused, match=r"no Secret in namespace .* may push there"):
            async with branches.open(guarded.url, "main") as branch:
                await release(ORDER, branch, 10)
        words = (f"--from-literal=url={guarded.url}", "--from-literal=username=ada")
        label = "argocd.argoproj.io/secret-type=repository-write"
        for password in ("wrong", "s3cret"):
            secret = (*words, f"--from-literal=password={password}")
            kubectl("create", "secret", "generic", password, "-n", namespace, *secret)
            kubectl("label", "secret", password, "-n", namespace, label)
            if password == "wrong":
                with pytest.raises(Refused, match=f"correct the Secret {namespace}/wrong$"):
                    async with branches.open(guarded.url, "main") as branch:
                        await release(ORDER, branch, 10)
                kubectl("delete", "secret", password, "-n", namespace)
        async with branches.open(guarded.url, "main") as branch:
            outcome = await release(ORDER, branch, 10)
    assert str(guarded.git.references["refs/heads/main"].target) == outcome.commit


async def test_a_docker_config_is_read_from_a_secret_of_its_type_alone(
    kube: Path, kubectl: Callable[..., str], namespace: str, tmp_path: Path
):
    config = json.dumps({"auths": {"ghcr.io": {"auth": b64encode(b"ada:x").decode()}}})
    kubectl(
        "create", "secret", "generic", "other", "-n", namespace, f"--from-literal=.dockerconfigjson={config}"
    )
    kind = "--type=kubernetes.io/dockerconfigjson"
    kubectl(
        "create",
        "secret",
        "generic",
        "keys",
        "-n",
        namespace,
        kind,
        f"--from-literal=.dockerconfigjson={config}",
    )
    (tmp_path / "config.json").write_text("{}")
    async with WatchedCluster.open(from_kubeconfig([kube])) as cluster:
        keyring = Keyring(cluster, tmp_path / "config.json")
        assert await keyring.docker_config(namespace, "keys") == config.encode()
        assert await keyring.docker_config(namespace, "") == b"{}"
        for name in ("other", "none"):
            with pytest.raises(SpecError, match=f"there is no Secret {namespace}/{name} of type"):
                await keyring.docker_config(namespace, name)
        with pytest.raises(Unavailable, match="TIPHYS_REGISTRY_CONFIG"):
            await Keyring(cluster, tmp_path / "gone").docker_config(namespace, "")
