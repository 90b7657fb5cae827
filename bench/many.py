"""
N applications of a Deployment and a ConfigMap each, in one charts repository: what the engine needs for them.

    .venv/bin/python bench/many.py 100
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tiphys_localkube
from tiphys.local import controlplane, engine, githost, parts
from tiphys.local.place import NAMESPACE, Place

CHART = """
apiVersion: v2
name: {name}
version: 0.1.0
dependencies:
  - {{name: common, version: 0.1.0, repository: "file://../_common"}}
"""
COMMON = "apiVersion: v2\nname: common\ntype: library\nversion: 0.1.0\n"
LIBRARY = """
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
{{- end -}}
"""


class Bench:
    """A control plane, a Git server with N charts, and the engine."""

    def __init__(self, folder: Path, count: int) -> None:
        self.place = Place(folder)
        self.names = [f"app-{number:04d}" for number in range(count)]
        self.work = folder / "checkout"

    def prepare(self) -> str:
        """Start what the engine needs, with the repository laid out; answers with its address."""
        controlplane.begin(self.place, tiphys_localkube.binary()).ready()
        served = githost.start(self.place)
        bare = self.place.repositories / "charts.git"
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(bare), at=self.place.folder)
        self._git("clone", "--quiet", str(bare), str(self.work), at=self.place.folder)
        self._write("_common/Chart.yaml", COMMON)
        self._write("_common/templates/_all.tpl", LIBRARY)
        for name in self.names:
            self._write(f"{name}/Chart.yaml", CHART.format(name=name))
            self._write(f"{name}/values.yaml", "word: one\n")
            self._write(f"{name}/templates/all.yaml", '{{ include "common.all" . }}\n')
        self.commit("begin")
        return served.repository("charts")

    def applications(self, repo: str) -> None:
        """Create the namespace and the Applications, once the engine has taught the cluster what they are."""
        items = [_application(name, repo) for name in self.names]
        file = self.place.folder / "applications.json"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        until(
            lambda: self.kubectl("get", "applications", "-n", NAMESPACE, fails=True) == 0,
            "Applications are known",
        )
        self.kubectl("create", "namespace", "bench")
        self.kubectl("create", "-f", str(file))

    def commit(self, message: str) -> str:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        self._git("push", "--quiet", "origin", "HEAD:main")
        return self._git("rev-parse", "HEAD").strip()

    def change(self, names: list[str], word: str) -> str:
        for name in names:
            self._write(f"{name}/values.yaml", f"word: {word}\n")
        return self.commit(word)

    def synced(self, revision: str) -> int:
        """How many applications are synced to a revision."""
        done = subprocess.run(
            self._kubectl("get", "applications", "-n", NAMESPACE, "-o", "json"),
            capture_output=True,
            check=True,
        )
        found = [item.get("status", {}).get("sync", {}) for item in json.loads(done.stdout)["items"]]
        return sum(sync.get("revision") == revision and sync.get("status") == "Synced" for sync in found)

    def kubectl(self, *words: str, fails: bool = False) -> int:
        return subprocess.run(self._kubectl(*words), capture_output=True, check=not fails).returncode

    def _kubectl(self, *words: str) -> list[str]:
        return [str(tiphys_localkube.binary()), "kubectl", "--kubeconfig", str(self.place.kubeconfig), *words]

    def _write(self, path: str, text: str) -> None:
        file = self.work / "charts" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def _git(self, *words: str, at: Path | None = None) -> str:
        names = ("user.name=bench", "user.email=bench@example.com")
        command = ["git", *(part for name in names for part in ("-c", name)), *words]
        return subprocess.run(command, cwd=at or self.work, capture_output=True, text=True, check=True).stdout


def _application(name: str, repo: str) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "project": "default",
            "source": {"repoURL": repo, "path": f"charts/{name}", "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "bench"},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
    }


def until(condition: Callable[[], object], what: str, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"not within {seconds:g} s: {what}")
        time.sleep(0.5)


def spent(place: Place) -> tuple[float, float, int]:
    """CPU seconds of the engine and of all it started, its resident MiB, and how often it rendered."""
    pid = engine.program(place).pid()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in children:
        inner = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        cpu += sum(map(int, inner[11:13])) / os.sysconf("SC_CLK_TCK")
    resident = int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return cpu, resident, place.log("engine").read_text().count("rendered ")


def measured(bench: Bench, what: str, work: Callable[[], object]) -> None:
    cpu, _, renders = spent(bench.place)
    began = time.monotonic()
    work()
    wall = time.monotonic() - began
    now = spent(bench.place)
    print(
        f"{what:32} {wall:7.1f} s {now[0] - cpu:7.2f} CPU s {now[2] - renders:6d} renders {now[1]:7.0f} MiB",
        flush=True,
    )


def main(count: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="tiphys-bench-"))
    bench = Bench(folder, count)
    try:
        repo = bench.prepare()
        engine.start(bench.place)
        first = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=bench.work, capture_output=True, text=True, check=True
        )
        revision = first.stdout.strip()

        def all_at(commit: str) -> None:
            until(lambda: bench.synced(commit) == count, f"all are synced to {commit[:7]}")

        measured(
            bench, f"{count} from nothing to Synced", lambda: (bench.applications(repo), all_at(revision))
        )
        measured(bench, "idle for 30 s", lambda: time.sleep(30))
        measured(bench, "one commit changes one", lambda: all_at(bench.change(bench.names[:1], "two")))
        measured(bench, "one commit changes all", lambda: all_at(bench.change(bench.names, "three")))
        engine.stop(bench.place)
        engine.start(bench.place)
        time.sleep(1)
        measured(bench, "restart, then 10 s", lambda: time.sleep(10))
    finally:
        parts.stop(bench.place)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
