"""The distribution registry itself tells of a push."""

import asyncio
import hashlib
import json
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from adapters.images.registry import MANIFEST, answers
from server.test_webhook import Shown, until
from tiphys.core.webhooks import ImagePushed, Secrets
from tiphys.server.application import application
from tiphys.server.listening import listening
from tiphys.server.webhook import Limits

WORD = "Bearer between us"


@contextmanager
def registry_that_tells(folder: Path, url: str) -> Iterator[str]:
    """A registry's host and port; it sends its notifications to a URL."""
    if not (program := shutil.which("docker-registry")):
        pytest.skip("docker-registry is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    endpoint = {
        "name": "tiphys",
        "url": url,
        "headers": {"Authorization": [WORD]},
        "timeout": "5s",
        "threshold": 3,
        "backoff": "1s",
    }
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder)}},
        "http": {"addr": host},
        "notifications": {"endpoints": [endpoint]},
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        yield host
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
async def engine() -> Shown:
    made = Shown(secrets=Secrets({"webhook.registry.secret": WORD}))
    made.takes(Limits())
    return made


@pytest.fixture
async def registry(engine: Shown, tmp_path: Path) -> AsyncIterator[str]:
    async with listening(application(engine), ("127.0.0.1", 0)) as listener:
        with registry_that_tells(tmp_path, f"{listener.url}/api/webhook") as host:
            async with asyncio.timeout(20):
                while not await asyncio.to_thread(answers, host):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            yield host


async def push(host: str, path: str, tag: str) -> None:
    """Push an image without layers."""
    config = b"{}"
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    kind = MANIFEST.partition(",")[0]
    described = {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": digest,
        "size": len(config),
    }
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": described, "layers": []})
    async with aiohttp.ClientSession(f"http://{host}") as web:
        async with web.post(f"/v2/{path}/blobs/uploads/") as begun:
            place = begun.headers["Location"]
        divider = "&" if "?" in place else "?"
        async with web.put(f"{place}{divider}digest={digest}", data=config) as done:
            assert done.status == 201
        async with web.put(
            f"/v2/{path}/manifests/{tag}", data=manifest, headers={"Content-Type": kind}
        ) as done:
            assert done.status == 201


async def test_a_pushed_tag_is_heard_of(engine: Shown, registry: str):
    await push(registry, "apps/homepage", "1.2.3")
    await until(lambda: bool(engine.heard))
    assert engine.heard == [ImagePushed(f"{registry}/apps/homepage", "1.2.3")]
    assert {sender for sender, _ in engine.counts} == {"registry"}


async def test_a_registry_with_another_word_is_not_heard(engine: Shown, registry: str):
    engine.secrets = Secrets({"webhook.registry.secret": "Bearer another"})
    await push(registry, "apps/homepage", "1.2.3")
    await until(lambda: ("registry", 401) in engine.counts)
    assert not engine.heard
