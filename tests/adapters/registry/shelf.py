"""Images made by hand and pushed to a real registry, and a proxy on loopback that notes what it is asked."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request, urlopen

from aiohttp import ClientSession, web

from adapters.git.origin import listen

OCI = "application/vnd.oci.image"
PASSED_ON = ("Content-Type", "Docker-Content-Digest", "ETag", "Link", "Location")


@dataclass
class Shelf:
    """A registry to push to; what is asked by way of ``host`` is in ``requests``."""

    registry: str
    """The real one's host and port."""
    host: str = ""
    """The proxy's."""
    requests: list[str] = field(default_factory=list)
    broken: int = 0
    """An HTTP status that the proxy answers everything with."""

    def push(
        self, path: str, tag: str, created: str = "2026-01-01T00:00:00Z", platforms: Sequence[str] = ()
    ) -> str:
        """An image without layers, one for each platform in an index if there are some; answers its digest."""
        if not platforms:
            return self._manifest(path, tag, self._image(path, tag, created, "linux/amd64"))
        entries = []
        for platform in platforms:
            body = self._image(path, tag, created, platform)
            digest = self._manifest(path, digest_of(body), body)
            os, architecture, *_ = platform.split("/")
            told = {"os": os, "architecture": architecture}
            kind = f"{OCI}.manifest.v1+json"
            entries.append({"mediaType": kind, "digest": digest, "size": len(body), "platform": told})
        index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": entries}
        return self._manifest(path, tag, encoded(index), f"{OCI}.index.v1+json")

    def _image(self, path: str, tag: str, created: str, platform: str) -> bytes:
        os, architecture, *_ = platform.split("/")
        config = encoded({"created": created, "os": os, "architecture": architecture, "label": tag})
        with self._ask("POST", f"{path}/blobs/uploads/") as begun:
            location = begun.headers["Location"]
        upload = location.partition("/v2/")[2]
        self._ask("PUT", f"{upload}&digest={digest_of(config)}", config).close()
        described = {
            "mediaType": f"{OCI}.config.v1+json",
            "digest": digest_of(config),
            "size": len(config),
        }
        manifest = {"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": described}
        return encoded({**manifest, "layers": []})

    def _manifest(self, path: str, name: str, body: bytes, kind: str = f"{OCI}.manifest.v1+json") -> str:
        with self._ask("PUT", f"{path}/manifests/{name}", body, {"Content-Type": kind}) as answer:
            return str(answer.headers["Docker-Content-Digest"])

    def _ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Any:
        url = f"http://{self.registry}/v2/{path}"
        return urlopen(
            Request(url, body, {"Content-Type": "application/octet-stream", **(headers or {})}, method=method)
        )


async def shelf_of(registry: str, stack: AsyncExitStack) -> Shelf:
    """The registry behind a proxy that lasts as long as the stack."""
    shelf = Shelf(registry)
    session = await stack.enter_async_context(ClientSession(auto_decompress=False))

    async def passed_on(request: web.Request) -> web.Response:
        shelf.requests.append(f"{request.method} {request.path.removeprefix('/v2/')}")
        if shelf.broken:
            return web.Response(status=shelf.broken)
        headers = {
            name: request.headers[name] for name in ("Accept", "If-None-Match") if name in request.headers
        }
        url = f"http://{registry}{request.path_qs}"
        async with session.request(request.method, url, headers=headers) as answer:
            told = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
            return web.Response(status=answer.status, body=await answer.read(), headers=told)

    app = web.Application()
    app.router.add_route("*", "/v2/{anything:.*}", passed_on)
    shelf.host = (await listen(app, stack)).removeprefix("http://")
    return shelf


def encoded(document: object) -> bytes:
    """JSON as it is pushed."""
    return json.dumps(document).encode()


def digest_of(body: bytes) -> str:
    """What a registry calls a body."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
