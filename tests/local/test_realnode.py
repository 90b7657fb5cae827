"""Real containers under a real kubelet: they answer, they come back, and nothing of them is left behind."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from local.realnode import RealNode, fetched, real_node, started, traces  # noqa: F401 - a fixture
from tiphys.local import build, parts, realnode
from tiphys.local.place import Place
from tiphys.model.errors import SpecError, Unavailable

pytestmark = pytest.mark.xdist_group("realnode")

WEB = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
        - name: web
          image: {realnode.PAUSE}
          command: [/localnode, answer, ":8080", first]
          lifecycle: {{preStop: {{sleep: {{seconds: 2}}}}}} # until nobody sends requests here any more
          readinessProbe: {{httpGet: {{path: /, port: 8080}}, periodSeconds: 1}}
          volumeMounts: [{{name: kept, mountPath: /kept}}]
      volumes: [{{name: kept, persistentVolumeClaim: {{claimName: kept}}}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: kept}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{type: LoadBalancer, selector: {{app: web}}, ports: [{{name: http, port: 8123, targetPort: 8080}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: web}}
spec:
  rules:
    - host: web.example.com
      http:
        paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 8123}}}}}}}}]
"""


@pytest.fixture(scope="module")
def web(real_node: RealNode, tmp_path_factory: pytest.TempPathFactory) -> RealNode:  # noqa: F811
    file = tmp_path_factory.mktemp("web") / "web.yaml"
    file.write_text(WEB)
    real_node.kubectl("apply", "-f", str(file))
    until(lambda: len(real_node.addresses("web", "default")) == 2)
    return real_node


def test_a_pod_answers_over_http_and_its_log_and_its_inside_can_be_had(web: RealNode) -> None:
    addresses = web.addresses("web", "default")
    assert all('["first"]' in fetched(f"{address}/hello") for address in addresses)
    assert web.kubectl("logs", "deployment/web") == "listening on :8080\n"
    with pytest.raises(Unavailable, match="needs an address to listen on"):
        web.kubectl("exec", "deployment/web", "--", "/localnode", "answer")


def test_a_load_balancer_and_an_ingress_answer_at_the_nodes_address(web: RealNode) -> None:
    for kind in ("service", "ingress"):
        given = web.get(kind, "web")["status"]["loadBalancer"]["ingress"]
        assert [each["ip"] for each in given] == [web.address]
    assert "GET /a, answered by web-" in fetched(f"http://{web.address}:8123/a")
    assert "GET /b, answered by web-" in fetched(f"http://{web.address}/b", "web.example.com")
    assert fetched(f"http://{web.address}/b", "elsewhere.example.com") == "404"


def test_a_rolling_update_fails_no_request(web: RealNode) -> None:
    patch = '[{"op": "replace", "path": "/spec/template/spec/containers/0/command/3", "value": "second"}]'
    web.kubectl("patch", "deployment", "web", "--type=json", "-p", patch)
    answers = []
    end = time.monotonic() + 60
    while not answers or not all('"second"' in answer for answer in answers[-8:]):
        assert time.monotonic() < end
        answers += [
            fetched(f"http://{web.address}:8123/"),
            fetched(f"http://{web.address}/", "web.example.com"),
        ]
    assert all("answered by web-" in answer for answer in answers)


def test_pods_come_back_when_the_node_was_killed_and_stopping_it_leaves_nothing(web: RealNode) -> None:
    place = web.place
    assert traces(place)
    pid = realnode.program(place).pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    while realnode.program(place).pid():
        time.sleep(0.02)
    parts.stop(place)
    assert traces(place) == []
    again = started(place)
    until(lambda: answering(again))
    parts.stop(place)
    assert traces(place) == []
    started(place)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def answering(node: RealNode) -> bool:
    try:
        addresses = node.addresses("web", "default")
        return len(addresses) == 2 and all('"second"' in fetched(address) for address in addresses)
    except OSError:
        return False


def test_what_runs_already_is_not_made_real_in_passing(web: RealNode) -> None:
    with pytest.raises(SpecError, match="runs already, with a real node"):
        realnode.wanted(web.place, "simulated", print)
    assert realnode.wanted(web.place, "", print)


def test_root_without_a_capability_is_told_which_and_nothing_that_follows_from_it(place: Place) -> None:
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root can be without something, and by setpriv")
    without = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
    command = [*without, build.of_a_node("localnode"), "check", "--dir", place.node]
    checks = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert [check["why"] for check in checks if check["name"] == "capabilities"] == [
        "root is without CAP_NET_ADMIN here"
    ]
    assert not {"bridge", "veth"} & {check["name"] for check in checks}


def test_every_check_that_fails_is_told_with_its_remedy(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = place.folder / "localnode"
    place.folder.mkdir()
    program.write_text(
        dedent("""\
        #!/bin/sh
        echo '[{"name": "root", "why": "this is user 7", "remedy": "use sudo"},
               {"name": "veth", "why": "none", "remedy": "load it"}]'
        """)
    )
    program.chmod(0o755)

    def checking(_name: str) -> Path:
        return program

    monkeypatch.setattr(build, "of_a_node", checking)
    with pytest.raises(
        Unavailable, match=r"root: this is user 7; use sudo\n  veth: none; load it\n.*--node=real"
    ):
        realnode.prepare(place, print)
