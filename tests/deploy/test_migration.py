"""
From Argo CD to Tiphys and back on a real API server: the journal of the cluster shows that nothing restarted.

Argo CD's controller is here a StatefulSet with its labels; what it leaves behind is written as it writes it.
"""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from conftest import Plane
from deploy.conftest import Helm, run_helm
from deploy.test_on_a_cluster import engine, install, status
from journeys.conftest import until
from tiphys.adapters.cluster.credentials import from_kubeconfig

TRACKING = "argocd.argoproj.io/tracking-id"
CONTROLLER = "argocd-application-controller"
CHART = """\
apiVersion: v2
name: web
version: 0.1.0
"""
TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: {app: {{ .Release.Name }}}
spec:
  replicas: 2
  selector:
    matchLabels: {app: {{ .Release.Name }}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
    spec:
      containers:
        - name: web
          image: {{ .Values.image }}
          ports: [{containerPort: 8080}]
          env:
            - {name: WORD, value: {{ .Values.word }}}
            {{- if .Values.extra }}
            - {name: EXTRA, value: {{ .Values.extra }}}
            {{- end }}
          resources: {requests: {cpu: 0.1}}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  selector: {app: {{ .Release.Name }}}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  word: {{ .Values.word }}
"""
METHODS = ("client", "server", "label")
"""The ways in which Argo CD applies and tracks: the default, ``ServerSideApply=true``, and that of before 3.0."""
WATCHED = {
    "/apis/apps/v1": ("deployments", "replicasets"),
    "/api/v1": ("pods", "services", "configmaps"),
}


class Charts:
    """A repository with one chart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "web/templates").mkdir(parents=True)
        self.write("web/Chart.yaml", CHART)
        self.write("web/templates/all.yaml", TEMPLATE)
        self.write("web/values.yaml", 'image: "web:1"\nword: hello\nextra: more\n')
        self._git("init", "--quiet", "--initial-branch", "main")
        self.commit()

    @property
    def url(self) -> str:
        return f"file://{self.folder}"

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def commit(self) -> str:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", "change")
        return self._git("rev-parse", "HEAD").strip()

    def head(self) -> str:
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *words: str) -> str:
        who = {f"GIT_{role}_{what}": "test" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        return subprocess.run(
            ["git", "-C", self.folder, *words],
            check=True,
            env={**os.environ, **who},
            capture_output=True,
            text=True,
        ).stdout


class Argo:
    """A namespace in which Argo CD runs and has three applications, each applied in another way."""

    def __init__(self, plane: Plane, namespace: str, charts: Charts) -> None:
        self.plane = plane
        self.namespace = namespace
        self.charts = charts

    def begin(self) -> None:
        self.plane.kubectl("apply", "-f", "-", stdin=json.dumps(self.controller()))
        self.plane.kubectl(
            "rollout", "status", f"statefulset/{CONTROLLER}", "-n", self.namespace, "--timeout=60s"
        )
        for method in METHODS:
            self.deploy(method)

    def controller(self) -> Mapping[str, Any]:
        labels = {
            "app.kubernetes.io/name": CONTROLLER,
            "app.kubernetes.io/part-of": "argocd",
            "app.kubernetes.io/component": "application-controller",
        }
        pods = {"app.kubernetes.io/name": CONTROLLER}
        container = {"name": CONTROLLER, "image": "quay.io/argoproj/argocd:v3.1.0"}
        return {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": CONTROLLER, "namespace": self.namespace, "labels": labels},
            "spec": {
                "replicas": 1,
                "serviceName": CONTROLLER,
                "selector": {"matchLabels": pods},
                "template": {"metadata": {"labels": pods}, "spec": {"containers": [container]}},
            },
        }

    def deploy(self, method: str) -> None:
        """What a sync of Argo CD leaves behind."""
        name = self.name(method)
        rendered = run_helm("template", name, self.charts.folder / "web", "--namespace", self.namespace)
        assert rendered.returncode == 0, rendered.stderr
        objects = [self.tracked(each, method) for each in _documents(rendered.stdout)]
        how = ["--server-side", "--force-conflicts"] if method == "server" else []
        manager = "--field-manager=argocd-controller"
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.plane.kubectl("apply", manager, *how, "-f", "-", stdin=text)
        self.plane.kubectl("rollout", "status", f"deployment/{name}", "-n", self.namespace, "--timeout=60s")
        self.plane.kubectl("create", "-f", "-", stdin=json.dumps(self.application(method)))

    def name(self, method: str) -> str:
        return f"{self.namespace}-{method}"

    def tracked(self, body: dict[str, Any], method: str) -> dict[str, Any]:
        metadata = {**body["metadata"], "namespace": self.namespace}
        group = body["apiVersion"].rpartition("/")[0]
        if method == "label":
            metadata["labels"] = {
                **metadata.get("labels", {}),
                "app.kubernetes.io/instance": self.name(method),
            }
        else:
            place = f"{self.namespace}/{metadata['name']}"
            metadata["annotations"] = {TRACKING: f"{self.name(method)}:{group}/{body['kind']}:{place}"}
        return {**body, "metadata": metadata}

    def application(self, method: str) -> dict[str, Any]:
        """With the status that Argo CD 3 writes."""
        at, sha, name = "2026-11-01T10:00:00Z", self.charts.head(), self.name(method)
        options = ["ServerSideApply=true"] if method == "server" else []
        source = {"repoURL": self.charts.url, "path": "web", "targetRevision": "main"}
        destination = {"server": "https://kubernetes.default.svc", "namespace": self.namespace}
        kinds = (("apps", "Deployment"), ("", "Service"), ("", "ConfigMap"))
        rows = [
            {
                "group": g,
                "kind": k,
                "version": "v1",
                "namespace": self.namespace,
                "name": name,
                "status": "Synced",
            }
            for g, k in kinds
        ]
        results = [
            {**{k: v for k, v in row.items() if k != "status"}, "status": "Synced", "syncPhase": "Sync"}
            for row in rows
        ]
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": self.namespace, "finalizers": []},
            "spec": {
                "project": "default",
                "source": source,
                "destination": destination,
                # What tracks by the label alone is out of sync with us, by its marks alone.
                "syncPolicy": {
                    "syncOptions": options,
                    **({} if method == "label" else {"automated": {"selfHeal": True}}),
                },
            },
            "status": {
                "controllerNamespace": self.namespace,
                "health": {"status": "Healthy", "lastTransitionTime": at},
                "history": [
                    {"id": 0, "revision": sha, "deployStartedAt": at, "deployedAt": at, "source": source}
                ],
                "operationState": {
                    "operation": {
                        "sync": {"revision": sha},
                        "initiatedBy": {"automated": True},
                        "retry": {"limit": 5},
                    },
                    "phase": "Succeeded",
                    "message": "successfully synced (all tasks run)",
                    "startedAt": at,
                    "finishedAt": at,
                    "syncResult": {"revision": sha, "source": source, "resources": results},
                },
                "reconciledAt": at,
                "resourceHealthSource": "appTree",
                "resources": rows,
                "sourceHydrator": {},
                "sourceType": "Helm",
                "summary": {"images": ["web:1"]},
                "sync": {
                    "status": "Synced",
                    "revision": sha,
                    "comparedTo": {"source": source, "destination": destination},
                },
            },
        }


def _documents(text: str) -> Iterator[dict[str, Any]]:
    yield from (each for each in yaml.safe_load_all(text) if each)


class Journal:
    """All that happened to workloads of a namespace since it was opened."""

    def __init__(self, plane: Plane, namespace: str) -> None:
        self.connection = from_kubeconfig([plane.kubeconfig])
        self.namespace = namespace
        self.before: dict[str, tuple[str, dict[str, Any]]] = {}
        for path in self._paths():
            found = self._get(path)
            version = found["metadata"]["resourceVersion"]
            self.before[path] = (version, {each["metadata"]["name"]: each for each in found["items"]})

    def events(self) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Each event: what it was, the object then, and the object at the beginning."""
        for path, (version, before) in self.before.items():
            for line in self._watched(f"{path}?watch=1&resourceVersion={version}&timeoutSeconds=1"):
                event = json.loads(line)
                name = event["object"]["metadata"]["name"]
                yield event["type"], event["object"], before.get(name, {})

    def _paths(self) -> Iterator[str]:
        for api, plurals in WATCHED.items():
            yield from (f"{api}/namespaces/{self.namespace}/{plural}" for plural in plurals)

    def _get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._asked(path))
        return found

    def _watched(self, path: str) -> list[bytes]:
        return [line for line in self._asked(path).split(b"\n") if line]

    def _asked(self, path: str) -> bytes:
        context = self.connection.tls
        assert isinstance(context, ssl.SSLContext)
        server = HTTPSConnection(urlsplit(self.connection.server).netloc, context=context, timeout=30)
        server.request("GET", path, headers=dict(self.connection.authorization()))
        answer = server.getresponse()
        assert answer.status == 200, path
        body = answer.read()
        server.close()
        return body


def without_marks(body: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what a takeover may touch: who manages what, and the mark of the application."""
    metadata = {k: v for k, v in body["metadata"].items() if k not in ("managedFields", "resourceVersion")}
    annotations = {k: v for k, v in metadata.pop("annotations", {}).items() if k != TRACKING}
    return {
        **{k: v for k, v in body.items() if k not in ("apiVersion", "kind")},
        "metadata": {**metadata, "annotations": annotations},
    }


def tiphys(plane: Plane, namespace: str, *words: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "tiphys.cli.main", "migrate", "argocd", "-n", namespace, *words]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TIPHYS_", "ARGOCD_"))}
    environment = {
        **kept,
        "KUBECONFIG": str(plane.kubeconfig),
        "XDG_STATE_HOME": str(plane.folder.parent / "cli"),
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def replicas(plane: Plane, namespace: str, kind: str, name: str) -> tuple[int, int]:
    found = json.loads(plane.kubectl("get", kind, name, "-n", namespace, "-o", "json"))
    return found["spec"]["replicas"], found["status"].get("replicas", 0)


@pytest.fixture
def argo(plane: Plane, helm: Helm, namespace: str, tmp_path: Path) -> Argo:
    """Argo CD, and beside it a Tiphys that was installed by its chart."""
    made = Argo(plane, namespace, Charts(tmp_path / "charts"))
    helm(*install("tiphys", namespace))
    made.begin()
    return made


def test_a_cluster_goes_to_tiphys_and_back_and_nothing_restarts(argo: Argo, plane: Plane, tmp_path: Path):
    namespace, names = argo.namespace, [argo.name(method) for method in METHODS]
    with engine(plane, namespace, tmp_path) as log:
        until(lambda: "standing by" in log.read_text(), 30, f"the engine stands by; see {log}")
        before = {name: status(plane, name, namespace) for name in names}
        assert before[names[0]]["reconciledAt"] == "2026-11-01T10:00:00Z", "nothing was looked at"
        journal = Journal(plane, namespace)
        said = tiphys(plane, namespace, "--yes")
        assert replicas(plane, namespace, "statefulset", CONTROLLER) == (0, 0), said
        until(lambda: "ready" in log.read_text(), 30, f"the engine goes on by itself; see {log}")
        argo.charts.write("README.md", "words")
        sha = argo.charts.commit()
        for name in names[:2]:
            until(at(plane, name, namespace, sha, "Synced"), 40, f"{name} is still synced; see {log}")
            after = status(plane, name, namespace)
            assert after["operationState"] == before[name]["operationState"], "nothing was synced"
            assert after["history"] == before[name]["history"]
        until(at(plane, names[2], namespace, sha, "OutOfSync"), 40, "it lacks the annotation")
        expect_untouched(journal)
        # Also what was applied in the client: a field that leaves Git leaves the cluster.
        argo.charts.write("web/values.yaml", 'image: "web:1"\nword: hello\n')
        sha = argo.charts.commit()
        for name in names[:2]:
            until(at(plane, name, namespace, sha, "Synced"), 40, f"{name} is synced; see {log}")
            assert environment(plane, namespace, name) == ["WORD"]
        journal = Journal(plane, namespace)
        tiphys(plane, namespace, "--back", "--yes")
        assert replicas(plane, namespace, "statefulset", CONTROLLER)[0] == 1
        assert replicas(plane, namespace, "deployment", "tiphys")[0] == 0
        until(lambda: log.read_text().count("standing by") == 2, 30, f"the engine stands by again; see {log}")
        expect_untouched(journal)


def expect_untouched(journal: Journal) -> None:
    """But for the engines themselves, nothing came, went or changed."""
    for kind, now, then in journal.events():
        if now["metadata"]["name"].startswith((CONTROLLER, "tiphys")):
            continue
        assert kind == "MODIFIED", f"{kind} {now['kind']} {now['metadata']['name']}"
        assert without_marks(now) == without_marks(then)


def environment(plane: Plane, namespace: str, name: str) -> list[str]:
    found = json.loads(plane.kubectl("get", "deployment", name, "-n", namespace, "-o", "json"))
    return [each["name"] for each in found["spec"]["template"]["spec"]["containers"][0]["env"]]


def at(plane: Plane, name: str, namespace: str, sha: str, sync: str) -> Callable[[], bool]:
    def is_there() -> bool:
        found = status(plane, name, namespace)
        told = found.get("sync", {})
        return (told.get("revision"), told.get("status"), found["health"]["status"]) == (sha, sync, "Healthy")

    return is_there
