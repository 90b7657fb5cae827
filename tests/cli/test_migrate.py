"""``tiphys migrate argocd`` as its users read it; what it does to a whole platform is told by ``tests/deploy``."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cli.conftest import Outcome, Plane
from core.migration.test_controllers import workload

Run = Callable[..., Outcome]
ARGO = "argocd-application-controller"


@pytest.fixture
def argo(plane_of_mine: Plane) -> Plane:
    """A namespace with Argo CD's controller, as far as its labels go, and an application that we cannot have."""
    body = workload(ARGO, "application-controller")
    labels = {"app.kubernetes.io/name": ARGO}
    pod = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "argo", "image": "argocd:v3.1.0"}]},
    }
    spec = {**body["spec"], "serviceName": ARGO, "template": pod}
    metadata = {**body["metadata"], "namespace": plane_of_mine.namespace}
    made = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec}
    plane_of_mine.kubectl("create", "-f", "-", stdin=json.dumps(made))
    source = {
        "repoURL": "https://git.example.com/charts.git",
        "path": "web",
        "kustomize": {"namePrefix": "x-"},
    }
    status = {"sync": {"status": "Synced", "comparedTo": {"source": source, "destination": {}}}, "health": {}}
    destination = {"server": "https://kubernetes.default.svc", "namespace": "web"}
    app = {"project": "default", "source": source, "destination": destination}
    plane_of_mine.has("web", status, spec=app)
    return plane_of_mine


def replicas(plane: Plane) -> int:
    found: dict[str, Any] = json.loads(
        plane.kubectl("get", "statefulset", ARGO, "-n", plane.namespace, "-o", "json")
    )
    return int(found["spec"]["replicas"])


def test_where_there_is_no_argo_cd_that_is_said(tiphys: Run, plane_of_mine: Plane):
    done = tiphys("migrate", "argocd")
    assert done.code == 1
    assert f"no application controller of Argo CD in namespace {plane_of_mine.namespace}" in done.err


def test_what_cannot_be_taken_over_is_told_and_keeps_all_as_it_is(tiphys: Run, argo: Plane):
    done = tiphys("migrate", "argocd", "--yes")
    assert (done.code, replicas(argo)) == (1, 1)
    assert "spec.source.kustomize is not built yet" in done.out
    assert done.err.startswith("Error: nothing was changed: see above for web. --anyway goes on")
    dry = tiphys("migrate", "argocd", "--dry-run", "-o", "json")
    assert dry.code == 1, "a CI learns of it too"
    (app,) = json.loads(dry.out)["applications"]
    assert (app["verdict"], app["blocks"]) == ("cannot be taken over", True)


def test_it_is_done_anyway_if_that_is_insisted_on_and_back_again(tiphys: Run, argo: Plane):
    done = tiphys("migrate", "argocd", "--anyway", "--yes", "-o", "json")
    assert (done.code, replicas(argo)) == (0, 0)
    assert json.loads(done.out)["workloads"][0]["then"] == 0
    assert f"StatefulSet {argo.namespace}/{ARGO} steps back: 1 replica to 0" in done.err
    again = tiphys("migrate", "argocd", "--anyway")
    assert again.code == 0, "nothing is left to be asked"
    back = tiphys("migrate", "argocd", "--back", "--yes")
    assert (back.code, replicas(argo)) == (0, 1)
    assert "Argo CD has the Applications." in back.err
    asked = argo.get("web")["metadata"]["annotations"]
    assert asked == {"argocd.argoproj.io/refresh": "normal"}, "what it knew of a branch may be old"


def test_it_asks_first(tiphys: Run, argo: Plane, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("click.confirm", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    assert tiphys("migrate", "argocd", "--anyway").code == 130
    assert replicas(argo) == 1
