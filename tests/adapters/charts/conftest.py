"""A chart repository on loopback, whose every answer a test can change."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from tiphys.adapters.charts import HttpChartRepositories, Settings


def packed(name: str, version: str = "1.0.0", **more: bytes | tarfile.TarInfo) -> bytes:
    """A chart's archive; ``more`` are further members by name."""
    members: dict[str, bytes | tarfile.TarInfo] = {
        f"{name}/Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\n".encode(),
        f"{name}/templates/a.yaml": b"kind: ConfigMap\n",
        **more,
    }
    data = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=data, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as pack,
    ):
        for path, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                pack.addfile(content)
            else:
                member = tarfile.TarInfo(path)
                member.size = len(content)
                pack.addfile(member, io.BytesIO(content))
    return data.getvalue()


@dataclass
class Charts:
    """What the repository has; ``faults`` are answered instead, by path."""

    url: str
    other_url: str
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, web.Response] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    entries: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    instead: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None

    def publish(self, name: str, version: str = "1.0.0", pack: bytes | None = None, **entry: object) -> bytes:
        """Put an archive there and list it; answers the archive."""
        pack = pack or packed(name, version)
        self.files[f"{name}-{version}.tgz"] = pack
        listed = {
            "name": name,
            "version": version,
            "urls": [f"{name}-{version}.tgz"],
            "digest": hashlib.sha256(pack).hexdigest(),
            "maintainers": [{"name": "a", "urls": ["x"]}],
            **entry,
        }
        self.entries.setdefault(name, []).insert(0, listed)
        self.index({"apiVersion": "v1", "entries": self.entries, "generated": "2026-01-01"})
        return pack

    def index(self, document: object) -> None:
        self.files["index.yaml"] = yaml.safe_dump(document).encode()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.instead:
            return await self.instead(request)
        name = request.path.rpartition("/")[2]
        self.requests.append(name)
        if name in self.faults:
            fault = self.faults[name]
            return web.Response(status=fault.status, headers=fault.headers, body=fault.body)
        if name not in self.files:
            return web.Response(status=404, text="<html>gone</html>", content_type="text/html")
        etag = hashlib.sha256(self.files[name]).hexdigest()[:16]
        if request.headers.get("If-None-Match") == f'"{etag}"':
            return web.Response(status=304)
        return web.Response(body=self.files[name], headers={"ETag": f'"{etag}"'})


@pytest.fixture
async def upstream() -> AsyncIterator[Charts]:
    app = web.Application()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    charts = Charts("", "")
    app.router.add_get("/{path:.*}", charts.answer)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    charts.url, charts.other_url = f"http://127.0.0.1:{port}/stable", f"http://localhost:{port}/mirror"
    yield charts
    await runner.cleanup()


@pytest.fixture
async def charts(tmp_path: Path) -> AsyncIterator[HttpChartRepositories]:
    """Asks for an index anew each time."""
    async with HttpChartRepositories(tmp_path / "charts", Settings(hold_seconds=0)) as repositories:
        yield repositories
