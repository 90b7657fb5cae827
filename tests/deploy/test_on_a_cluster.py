"""The chart and install.yaml on a real API server: admitted, upgraded, removed, and with rights that suffice."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import Plane
from deploy.conftest import CHART, IMAGE, ROOT, Helm, template
from deploy.test_chart import EVERYTHING
from house.pages import page
from journeys.conftest import until

OPERATORS = {"ServiceMonitor", "PrometheusRule"}
"""Kinds of the Prometheus operator, which is not there."""


def install(release: str, namespace: str, *words: str) -> list[str]:
    """The command that installs and upgrades."""
    command = ["upgrade", "--install", release, str(CHART), "--namespace", namespace, "--set", IMAGE]
    return [*command, *words]


@pytest.fixture
def restricted(plane: Plane, namespace: str) -> str:
    """A namespace that admits nothing but what PodSecurity calls restricted, and warns of it too."""
    levels = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn", "audit")]
    plane.kubectl("label", "namespace", namespace, *levels)
    return namespace


def application(name: str, namespace: str, repository: str, into: str) -> str:
    spec = {
        "project": "default",
        "source": {"repoURL": repository, "path": "charts/api", "helm": {"releaseName": name}},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": into},
        "syncPolicy": {"automated": {"prune": True}},
    }
    metadata = {"name": name, "namespace": namespace}
    kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}
    return json.dumps({**kind, "metadata": metadata, "spec": spec})


def test_it_installs_into_a_restricted_namespace_without_a_warning_and_upgrades_by_the_same_command(
    plane: Plane, helm: Helm, restricted: str
):
    said = helm(*install("tiphys", restricted, "--wait", "--timeout", "60s"))
    assert "deployment/tiphys" in said
    assert "warning" not in said.lower()
    helm(*install("tiphys", restricted, "--set", "settings.poll=5s", "--wait", "--timeout", "60s"))
    (release,) = json.loads(helm("list", "--namespace", restricted, "--output", "json"))
    assert (release["name"], release["revision"], release["status"]) == ("tiphys", "2", "deployed")
    pods = json.loads(plane.kubectl("get", "pods", "-n", restricted, "-o", "json"))["items"]
    assert {"TIPHYS_POLL": "5s"} in [
        {e["name"]: e["value"]} for p in pods for e in p["spec"]["containers"][0]["env"]
    ]


def test_uninstalling_leaves_applications_their_definitions_and_workloads(
    plane: Plane, helm: Helm, namespace: str
):
    helm(*install("tiphys", namespace))
    plane.kubectl("apply", "-f", "-", stdin=application("web", namespace, "https://git.example.com/x", "web"))
    plane.kubectl("create", "deployment", "web", "--image", "web", "-n", namespace)
    helm("uninstall", "tiphys", "--namespace", namespace, "--wait")
    left = plane.kubectl("get", "deployments,applications", "-n", namespace, "-o", "name").split()
    assert left == ["deployment.apps/web", "application.argoproj.io/web"]


def test_definitions_of_another_release_are_no_obstacle_and_stay_as_they_are(
    plane: Plane, helm: Helm, namespace: str
):
    definition = ("crd", "applications.argoproj.io")
    theirs = ("meta.helm.sh/release-name", "argo-cd")
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CHART / "crds"))
    plane.kubectl("annotate", *definition, "=".join(theirs), "--overwrite")
    try:
        helm(*install("tiphys", namespace))
        helm("uninstall", "tiphys", "--namespace", namespace)
        live = json.loads(plane.kubectl("get", *definition, "-o", "json"))
        assert theirs in live["metadata"]["annotations"].items()
    finally:
        plane.kubectl("annotate", *definition, f"{theirs[0]}-")


def test_every_object_is_what_the_api_server_knows(plane: Plane, namespace: str):
    values = EVERYTHING.replace("{web}", f"{{{namespace}}}")
    for words in ((), ("--set", values)):
        made = yaml.safe_load_all(template("--namespace", namespace, "--set", IMAGE, *words))
        known = [each for each in made if each and each["kind"] not in OPERATORS]
        documents = yaml.safe_dump_all(known)
        plane.kubectl(
            "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=documents
        )


def test_install_yaml_is_applied_by_kubectl_and_again_and_removed_as_the_page_says(plane: Plane):
    for _ in range(2):
        said = plane.kubectl("apply", "-f", str(ROOT / "deploy/install.yaml"))
    assert "deployment.apps/tiphys unchanged" in said
    assert "customresourcedefinition.apiextensions.k8s.io/applications.argoproj.io" in said
    plane.kubectl("rollout", "status", "deployment/tiphys", "-n", "argocd", "--timeout", "60s")
    removed = [line for line in page("how-to/install.md").splitlines() if line.startswith("kubectl delete ")]
    assert len(removed) == 2
    for command in removed:
        plane.kubectl(*command.split()[1:])
    assert "applications.argoproj.io" in plane.kubectl("get", "crd", "-o", "name")


@contextmanager
def engine(plane: Plane, namespace: str, tmp_path: Path) -> Iterator[Path]:
    """The engine, as the account that the chart made, outside of the cluster; answers with its log."""
    config = tmp_path / "kubeconfig"
    told = json.loads(plane.kubectl("config", "view", "--raw", "-o", "json"))
    told["users"] = [{"name": u["name"], "user": {"token": token(plane, namespace)}} for u in told["users"]]
    config.write_text(json.dumps(told))
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TIPHYS_", "ARGOCD_"))}
    command = [sys.executable, "-m", "tiphys.cli.main", "controller", "--kubeconfig", config]
    where = ["--namespace", namespace, "--state", tmp_path / "state", "--poll", "1s"]
    log = tmp_path / "log"
    with log.open("w") as file:
        environment = {**kept, "TIPHYS_LISTEN": "off"}
        process = subprocess.Popen([*command, *where], stderr=file, stdout=file, env=environment)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(20)


def token(plane: Plane, namespace: str) -> str:
    return plane.kubectl("create", "token", "tiphys", "-n", namespace).strip()


def status(plane: Plane, name: str, namespace: str) -> dict[str, Any]:
    found = json.loads(plane.kubectl("get", "application", name, "-n", namespace, "-o", "json"))
    return found.get("status", {})


def synced(plane: Plane, name: str, namespace: str) -> Callable[[], bool]:
    def is_synced() -> bool:
        told = status(plane, name, namespace)
        return (told.get("sync", {}).get("status"), told.get("health", {}).get("status")) == (
            "Synced",
            "Healthy",
        )

    return is_synced


def test_the_rights_of_the_chart_suffice_for_the_engine(
    plane: Plane, helm: Helm, namespace: str, repository: str, tmp_path: Path
):
    helm(*install("tiphys", namespace))
    with engine(plane, namespace, tmp_path) as log:
        into = f"{namespace}-api"
        target = json.loads(application("api", namespace, repository, into))
        target["spec"]["syncPolicy"]["syncOptions"] = ["CreateNamespace=true"]
        plane.kubectl("apply", "-f", "-", stdin=json.dumps(target))
        until(synced(plane, "api", namespace), 40, f"api is synced; see {log}")
        assert "forbidden" not in log.read_text()
    plane.kubectl("delete", "namespace", into, "--wait=false")


def test_an_engine_of_some_namespaces_manages_those_and_is_refused_in_others(
    plane: Plane, helm: Helm, namespace: str, repository: str, tmp_path: Path
):
    into, other = f"{namespace}-in", f"{namespace}-out"
    for each in (into, other):
        plane.kubectl("create", "namespace", each)
    helm(*install("tiphys", namespace, "--set", f"rbac.scope=namespaces,rbac.namespaces={{{into}}}"))
    with engine(plane, namespace, tmp_path) as log:
        for name, where in (("api", into), ("refused", other)):
            plane.kubectl("apply", "-f", "-", stdin=application(name, namespace, repository, where))
        until(synced(plane, "api", namespace), 40, f"api is synced; see {log}")
        refused = lambda: "forbidden" in json.dumps(status(plane, "refused", namespace))  # noqa: E731
        until(refused, 20, f"the other is refused; see {log}")
        # Secrets may not be watched in the whole cluster; where they may be read, they are.
        assert plane.kubectl("get", "secret", "api", "-n", into, "-o", "name") == "secret/api\n"
        assert "secrets is forbidden" in log.read_text()
    plane.kubectl("delete", "namespace", into, other, "--wait=false")
