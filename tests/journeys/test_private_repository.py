"""An Application of a private repository: what is missing is told, and the Secret is all it takes."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from adapters.git.origin import listen, relayed
from journeys.conftest import Platform, until
from tiphys.local.place import NAMESPACE

CANARY = "canary-Xq7"
HEADER = "Basic " + base64.b64encode(f"ada:{CANARY}".encode()).decode()


@pytest.fixture
def private(platform: Platform) -> Iterator[str]:
    """The platform's charts once more, at a host that lets nobody in but ada."""
    upstream = platform.app("api")["spec"]["source"]["repoURL"]
    loop, up, found = asyncio.new_event_loop(), threading.Event(), []

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != HEADER:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        return await relayed(request, upstream)

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/charts.git/{anything:.*}", answer)
        async with AsyncExitStack() as stack:
            found.append(await listen(app, stack) + "/charts.git")
            stopped.append(asyncio.Event())
            up.set()
            await stopped[0].wait()

    stopped: list[asyncio.Event] = []
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert up.wait(20)
    yield found[0]
    loop.call_soon_threadsafe(stopped[0].set)
    thread.join(20)
    loop.close()


def test_a_secret_makes_a_private_repository_readable_without_a_restart(platform: Platform, private: str):
    body = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": "secretive",
            "namespace": NAMESPACE,
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
        "spec": {
            "project": "default",
            "source": {"repoURL": private, "path": "charts/api", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "secretive"},
            "syncPolicy": {"automated": {}, "syncOptions": ["CreateNamespace=true"]},
        },
    }
    file = platform.place.work / "secretive.json"
    file.write_text(json.dumps(body))
    platform.kubectl("apply", "-f", str(file))
    try:
        until(lambda: platform.apps().get("secretive", ("", ""))[0] == "Unknown", 30, "it is Unknown")
        (told,) = [each["message"] for each in platform.app("secretive")["status"]["conditions"]]
        assert private in told
        assert f"no Secret in namespace {NAMESPACE} is for it" in told
        words = [
            f"--from-literal={name}" for name in (f"url={private}", "username=ada", f"password={CANARY}")
        ]
        platform.kubectl("-n", NAMESPACE, "create", "secret", "generic", "secretive", *words)
        label = "argocd.argoproj.io/secret-type=repository"
        platform.kubectl("-n", NAMESPACE, "label", "secret", "secretive", label)
        until(lambda: platform.apps()["secretive"][0] == "Synced", 15, "the Secret makes it Synced")
        assert not platform.app("secretive")["status"].get("conditions")
        assert CANARY not in platform.place.log("engine").read_text() + json.dumps(platform.app("secretive"))
    finally:
        platform.kubectl("-n", NAMESPACE, "delete", "secret", "secretive", "--ignore-not-found")
        platform.kubectl("-n", NAMESPACE, "delete", "application", "secretive")
