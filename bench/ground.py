"""
What the scripts here stand on: a control plane, a Git server, a charts repository, and the engine.

Each stands in a folder of its own, so that several runs never meet, and all of it is gone afterwards. What is
measured, and when, the scripts decide.
"""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

import tiphys_localkube
from tiphys.local import applications, controlplane, engine, githost, parts
from tiphys.local.cluster import Cluster
from tiphys.local.place import NAMESPACE, Place
from tiphys.wiring.connecting import Calls, open_api

TARGET = "bench"
"""The namespace that everything is delivered to."""
APPLICATIONS = f"{applications.GROUP}/namespaces/{NAMESPACE}/applications"

_LISTENING = re.compile(r"listening +url=(\S+)")
_CHART = """
apiVersion: v2
name: {name}
version: 0.1.0
dependencies:
  - {{name: common, version: 0.1.0, repository: "file://../_common"}}
"""
_COMMON = "apiVersion: v2\nname: common\ntype: library\nversion: 0.1.0\n"
_LIBRARY = """
{{- define "common.all" -}}
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {word: {{ .Values.word | quote }}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: 0
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: web, image: "example/web:{{ .Values.word }}"}]}
{{- if .Values.more }}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ .Release.Name }}}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {app: {{ .Release.Name }}}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: {{ .Release.Name }}}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: {{ .Release.Name }}}}
{{- end }}
{{- end -}}
"""


class Repository:
    """A repository of charts with a checkout to change it in; each chart reads a library chart beside it."""

    def __init__(self, place: Place, name: str, charts: Iterable[str], *, more: bool = False) -> None:
        """``more``: five objects per chart instead of a ConfigMap and a Deployment."""
        self.name = name
        self._checkout = place.folder / f"checkout-{name}"
        self._more = more
        bare = place.repositories / f"{name}.git"
        _git("init", "--quiet", "--bare", "--initial-branch=main", str(bare), at=place.folder)
        _git("clone", "--quiet", str(bare), str(self._checkout), at=place.folder)
        self._write("_common/Chart.yaml", _COMMON)
        self._write("_common/templates/_all.tpl", _LIBRARY)
        for chart in charts:
            self._write(f"{chart}/Chart.yaml", _CHART.format(name=chart))
            self._write(f"{chart}/templates/all.yaml", '{{ include "common.all" . }}\n')
            self._set(chart, "one")
        self.revision = self.commit("begin")

    def change(self, charts: Iterable[str], word: str) -> str:
        """Have the charts say a word, in one commit that is pushed; answers with it."""
        for chart in charts:
            self._set(chart, word)
        return self.commit(word)

    def commit(self, message: str) -> str:
        """Commit and push what changed; answers with the commit."""
        _git("add", "--all", at=self._checkout)
        _git("commit", "--quiet", "--message", message, at=self._checkout)
        _git("push", "--quiet", "origin", "HEAD:main", at=self._checkout)
        self.revision = _git("rev-parse", "HEAD", at=self._checkout).strip()
        return self.revision

    def _set(self, chart: str, word: str) -> None:
        self._write(f"{chart}/values.yaml", f"word: {word}\nmore: {str(self._more).lower()}\n")

    def _write(self, path: str, text: str) -> None:
        file = self._checkout / "charts" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@dataclass(frozen=True)
class Ground:
    """A control plane that runs, and a Git server. The engine is for the scripts to start and to stop."""

    place: Place
    served: str
    api: Calls

    def address(self, repository: Repository) -> str:
        """The URL of a repository."""
        return f"{self.served}/git/{repository.name}.git"

    async def start_engine(self) -> None:
        """Start the engine and wait until the cluster knows Applications."""
        engine.start(self.place)
        while not await applications.known(self.api):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)

    def stop_engine(self) -> None:
        """Let the engine end."""
        engine.stop(self.place)

    async def create(self, bodies: Iterable[dict[str, Any]]) -> None:
        """Create the namespace that is delivered to, and Applications."""
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TARGET}}
        await self._post("/api/v1/namespaces", space)
        for body in bodies:
            await self._post(APPLICATIONS, body)

    async def refresh(self, name: str) -> None:
        """Ask for an application to be looked at now, as a webhook does."""
        patch = orjson.dumps({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}})
        await self.api.call("PATCH", f"{APPLICATIONS}/{name}", {}, patch, "application/merge-patch+json")

    async def tell(self, repository: Repository, before: str, files: Iterable[str]) -> None:
        """Tell of what was pushed as GitHub does, by a webhook."""
        commit = {"id": repository.revision, "added": [], "modified": list(files), "removed": []}
        moved = {
            "ref": "refs/heads/main",
            "before": before,
            "after": repository.revision,
            "commits": [commit],
        }
        payload = {**moved, "repository": {"clone_url": self.address(repository)}}
        url = _LISTENING.findall(self.place.log("engine").read_text())[-1]
        async with (
            aiohttp.ClientSession() as web,
            web.post(f"{url}/api/webhook", json=payload, headers={"X-GitHub-Event": "push"}) as answer,
        ):
            assert answer.status == 202, await answer.text()

    async def follow(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """The objects below a path as they are, and then each as it changes."""
        listed = orjson.loads((await self.api.call("GET", path)).body)
        for item in listed["items"]:
            yield item
        since = {"watch": "true", "resourceVersion": listed["metadata"]["resourceVersion"]}
        async with self.api.follow(path, {**since, "timeoutSeconds": "3600"}, 3600) as lines:
            async for batch in lines.batches():
                for event in (orjson.loads(line) for line in batch if line):
                    yield event["object"]

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        answer = await self.api.call("POST", path, {}, orjson.dumps(body))
        assert answer.code in (201, 409), answer.body


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """A control plane and a Git server for a ``with`` block."""
    with scratch_place() as place:
        controlplane.begin(place, tiphys_localkube.binary()).ready()
        served = githost.start(place)
        async with open_api(Cluster(place.kubeconfig)) as api:
            yield Ground(place, served.address, api)


@contextmanager
def scratch_place() -> Iterator[Place]:
    """A folder for a ``with`` block; whatever runs in it is stopped at the end."""
    place = Place(Path(tempfile.mkdtemp(prefix="tiphys-bench-")))
    try:
        yield place
    finally:
        parts.stop(place)
        shutil.rmtree(place.folder, ignore_errors=True)


def application(name: str, address: str) -> dict[str, Any]:
    """An Application of the chart of its name, synced and healed by itself."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "project": "default",
            "source": {"repoURL": address, "path": f"charts/{name}", "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": TARGET},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
    }


@dataclass(frozen=True)
class Spent:
    """What the engine and all that it started have used so far, and what they hold now."""

    cpu: float
    """Seconds."""
    engine: float
    """Resident MiB of the engine itself."""
    children: float
    """Resident MiB of its children, the toolbox among them."""
    renders: int


def spent(place: Place) -> Spent:
    """What the engine of a place has used so far."""
    pid = engine.program(place).pid()
    assert pid, f"the engine does not run; see {place.log('engine')}"
    cpu, resident = _process(pid)
    below = [_process(int(child)) for child in _children(pid)]
    renders = place.log("engine").read_text(errors="replace").count("rendered ")
    return Spent(cpu + sum(each[0] for each in below), resident, sum(each[1] for each in below), renders)


async def until_quiet(place: Place, window: float = 1.0, busy: float = 0.03) -> float:
    """Wait until the engine used less than this share of a core over a while; answers when that began."""
    marks = [(time.monotonic(), spent(place).cpu)]
    while True:
        await asyncio.sleep(0.1)
        marks.append((time.monotonic(), spent(place).cpu))
        old = [mark for mark in marks if mark[0] <= marks[-1][0] - window]
        if old and marks[-1][1] - old[-1][1] <= busy * window:
            return old[-1][0]


def _process(pid: int) -> tuple[float, float]:
    """CPU seconds of a process and of those that it has waited for, and its resident MiB."""
    with suppress(FileNotFoundError, ProcessLookupError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = sum(map(int, fields[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0, 0.0


def _children(pid: int) -> list[str]:
    found: list[str] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            found += (thread / "children").read_text().split()
    return found


def _git(*words: str, at: Path) -> str:
    names = ("user.name=bench", "user.email=bench@example.com")
    command = ["git", *(part for name in names for part in ("-c", name)), *words]
    return subprocess.run(command, cwd=at, capture_output=True, text=True, check=True).stdout
