"""``tiphys bootstrap`` and ``tiphys uninstall`` on a real control plane, held against the real Helm."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Outcome, application

Run = Callable[..., Outcome]
LOCALKUBE = Path(__file__).parents[2] / "localkube/src/tiphys_localkube/bin/localkube"
FINALIZER = "resources-finalizer.argocd.argoproj.io"


class Shop:
    """A chart that tests write and install, as ``shop`` in a namespace of their own."""

    def __init__(self, folder: Path, kube: Path, namespace: str, tiphys: Run) -> None:
        self.folder = folder
        self.kube = kube
        self.namespace = namespace
        self.run = tiphys
        self.write("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n")
        self.write("values.yaml", "colour: red\n")

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def has(self, name: str, annotations: str = "{}", **data: str) -> None:
        """A ConfigMap of the chart."""
        body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"colour": "{{ .Values.colour }}", **data}}
        metadata = f"metadata: {{name: {name}, annotations: {annotations}}}\n"
        text = json.dumps(body)[1:-1].replace('"{{', "{{").replace('}}"', "}}")
        self.write(f"templates/{name}.yaml", "{" + text + ", " + metadata.strip() + "}\n")

    def runs(self, name: str, command: str, hook: str, weight: int = 0, policy: str = "") -> None:
        """A hook of the chart: a Job of this command."""
        annotations = {"helm.sh/hook": hook, "helm.sh/hook-weight": str(weight)}
        if policy:
            annotations["helm.sh/hook-delete-policy"] = policy
        container = {"name": "main", "image": "busybox:1", "command": ["sh", "-c", command]}
        template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
        body = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"backoffLimit": 0, "template": template},
        }
        self.write(f"templates/{name}.yaml", json.dumps(body))

    def lacks(self, name: str) -> None:
        (self.folder / f"templates/{name}.yaml").unlink()

    def bootstrap(self, *flags: str) -> Outcome:
        return self.run("bootstrap", str(self.folder), "-n", self.namespace, *self.reach, *flags)

    def bootstrapped(self, *flags: str) -> dict[str, Any]:
        """A bootstrap that goes well, and what it answers; the objects by name."""
        done = self.bootstrap("-o", "json", *flags)
        assert done.code == 0, done.err
        answer: dict[str, Any] = json.loads(done.out)
        return {**answer, "objects": {each["name"]: each["result"] for each in answer["objects"]}}

    @property
    def reach(self) -> list[str]:
        return ["--kubeconfig", str(self.kube)]

    def begun(self) -> subprocess.Popen[bytes]:
        """A bootstrap in a process of its own, that has come as far as its hook."""
        tiphys = Path(sys.executable).parent / "tiphys"
        command = [tiphys, "bootstrap", self.folder, "-n", self.namespace, *self.reach]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while not self.items("jobs") and time.monotonic() < until:
            time.sleep(0.1)
        return process

    def helm(self, *words: str, code: int = 0) -> str:
        command = [LOCALKUBE, "helm", *words, "-n", self.namespace, *self.reach]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, f"helm {' '.join(words)}: {done.stderr}"
        return done.stdout + done.stderr

    def history(self) -> list[tuple[int, str]]:
        found = json.loads(self.helm("history", "shop", "-o", "json"))
        return [(each["revision"], each["status"]) for each in found]

    def hooks(self) -> dict[str, str]:
        """The hooks of the last revision, and how they ended."""
        found = json.loads(self.helm("status", "shop", "-o", "json"))["hooks"]
        return {hook["name"]: hook["last_run"]["phase"] for hook in found}

    def kubectl(self, *words: str, stdin: str = "") -> str:
        command = [LOCALKUBE, "kubectl", "-n", self.namespace, *self.reach, *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.kubectl("get", kind, name, "-o", "json", "--show-managed-fields")
        )
        return found

    def items(self, kinds: str) -> dict[str, dict[str, Any]]:
        found = json.loads(self.kubectl("get", kinds, "-o", "json"))["items"]
        return {each["metadata"]["name"]: each for each in found}

    def configured(self) -> dict[str, dict[str, str]]:
        """The ConfigMaps, and what is in them."""
        found = self.items("configmaps")
        return {name: each["data"] for name, each in found.items() if name != "kube-root-ca.crt"}


@pytest.fixture
def shop(tmp_path: Path, kube: Path, namespace: str, tiphys: Run) -> Shop:
    if not LOCALKUBE.exists():
        pytest.skip("localkube is not built (make build)")
    made = Shop(tmp_path / "shop", kube, namespace, tiphys)
    made.has("settings")
    return made


def test_helm_goes_on_from_a_bootstrap_and_a_bootstrap_from_helm(shop: Shop) -> None:
    assert shop.bootstrapped("--set", "colour=blue")["revision"] == 1
    (listed,) = json.loads(shop.helm("ls", "-o", "json"))
    assert (listed["name"], listed["status"], listed["chart"]) == ("shop", "deployed", "shop-1.0.0")
    assert json.loads(shop.helm("get", "values", "shop", "-o", "json")) == {"colour": "blue"}
    assert "# Source: shop/templates/settings.yaml" in shop.helm("get", "manifest", "shop")
    shop.helm("upgrade", "shop", str(shop.folder), "--set", "colour=green")
    assert shop.configured() == {"settings": {"colour": "green"}}
    shop.helm("rollback", "shop", "1")
    assert shop.configured() == {"settings": {"colour": "blue"}}
    answer = shop.bootstrapped("--set", "colour=black")
    assert (answer["revision"], answer["objects"]) == (4, {"settings": "configured"})
    assert shop.history() == [(1, "superseded"), (2, "superseded"), (3, "superseded"), (4, "deployed")]


@pytest.mark.parametrize("how", ["--server-side=true", "--server-side=false"])
def test_what_helm_installed_is_upgraded_whichever_way_helm_wrote_it(shop: Shop, how: str) -> None:
    shop.has("settings", size="large")
    shop.helm("install", "shop", str(shop.folder), how)
    shop.has("settings")
    assert shop.bootstrapped()["objects"] == {"settings": "configured"}
    assert shop.configured() == {"settings": {"colour": "red"}}, "a field that went from the chart is gone"
    fields = shop.get("configmap", "settings")["metadata"]["managedFields"]
    assert [(each["manager"], each["operation"]) for each in fields] == [("helm", "Apply")]
    shop.helm("upgrade", "shop", str(shop.folder), "--set", "colour=grey")
    assert shop.configured() == {"settings": {"colour": "grey"}}


def test_the_record_is_the_one_that_helm_would_have_made(shop: Shop) -> None:
    shop.runs("migrate", "true", "pre-install")
    shop.write("templates/NOTES.txt", "Have fun with {{ .Release.Name }}.\n")
    shop.bootstrapped("--set", "colour=blue")
    ours = shop.items("secrets")["sh.helm.release.v1.shop.v1"]
    shop.helm("uninstall", "shop", "--wait")
    shop.helm("install", "shop", str(shop.folder), "--set", "colour=blue")
    theirs = shop.items("secrets")["sh.helm.release.v1.shop.v1"]
    assert ours["type"] == theirs["type"] == "helm.sh/release.v1"
    assert ours["metadata"]["labels"].keys() == theirs["metadata"]["labels"].keys()
    assert timeless(released(ours)) == timeless(released(theirs))


def released(secret: dict[str, Any]) -> Any:
    """The JSON in a release's Secret."""
    return json.loads(gzip.decompress(b64decode(b64decode(secret["data"]["release"]))))


def timeless(release: Any) -> Any:
    """A release without its times; those of the chart's files are of a copy with us."""
    if isinstance(release, dict):
        times = ("first_deployed", "last_deployed", "started_at", "completed_at", "modtime")
        return {key: timeless(value) for key, value in release.items() if key not in times}
    return [timeless(each) for each in release] if isinstance(release, list) else release


def test_an_upgrade_that_is_given_no_values_keeps_the_last_ones(shop: Shop) -> None:
    shop.bootstrapped("--set", "colour=blue")
    assert "values given to revision 1 are kept" in shop.bootstrap().err
    assert shop.configured() == {"settings": {"colour": "blue"}}
    shop.bootstrapped("--reset-values")
    assert shop.configured() == {"settings": {"colour": "red"}}


def test_what_the_chart_has_no_more_is_deleted_unless_it_is_to_be_kept(shop: Shop) -> None:
    shop.has("old")
    shop.has("dear", annotations="{helm.sh/resource-policy: keep}")
    shop.bootstrapped()
    shop.lacks("old")
    shop.lacks("dear")
    answer = shop.bootstrapped()["objects"]
    assert answer["old"] == "deleted"
    assert answer["dear"].startswith("kept")
    assert shop.configured().keys() == {"settings", "dear"}


def test_a_second_bootstrap_changes_nothing_but_the_revision(shop: Shop) -> None:
    shop.bootstrapped()
    before = shop.get("configmap", "settings")
    answer = shop.bootstrapped()
    assert (answer["revision"], answer["objects"]) == (2, {"settings": "unchanged"})
    assert shop.get("configmap", "settings") == before


def test_ten_revisions_are_kept(shop: Shop) -> None:
    for _ in range(12):
        shop.bootstrapped()
    assert [revision for revision, _ in shop.history()] == list(range(3, 13))


def test_hooks_run_in_their_order_and_go_when_they_want_to(shop: Shop) -> None:
    shop.runs("second", "true", "pre-install", weight=2, policy="hook-succeeded")
    shop.runs("first", "true", "pre-install,pre-upgrade", weight=-1)
    shop.runs("last", "true", "post-upgrade")
    done = shop.bootstrap()
    told = [line.split()[0] for line in done.err.splitlines() if "(in " in line]
    assert told == ["job.batch/first", "job.batch/second", "configmap/settings"]
    assert shop.items("jobs").keys() == {"first"}
    before = shop.get("job", "first")["metadata"]["uid"]
    shop.bootstrapped()
    assert shop.get("job", "first")["metadata"]["uid"] != before, "it ran anew"
    assert shop.items("jobs").keys() == {"first", "last"}
    assert shop.hooks() == {"first": "Succeeded", "second": "", "last": "Succeeded"}


def test_a_hook_that_fails_fails_the_release_and_the_next_attempt_is_an_install_still(shop: Shop) -> None:
    shop.runs("migrate", "exit 1", "pre-install")
    done = shop.bootstrap()
    assert done.code == 1
    assert "pre-install hook batch/Job" in done.err
    assert shop.history() == [(1, "failed")]
    assert shop.configured() == {}
    shop.runs("migrate", "true", "pre-install")
    assert shop.bootstrapped()["objects"] == {"migrate": "pre-install hook done", "settings": "created"}
    assert shop.history()[-1] == (2, "deployed")


def test_whoever_dies_in_the_middle_stands_in_nobodys_way(shop: Shop) -> None:
    shop.bootstrapped()
    shop.runs("migrate", "sleep 60", "pre-upgrade")
    process = shop.begun()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert shop.history()[-1] == (2, "pending-upgrade")
    assert "another operation" in shop.helm("upgrade", "shop", str(shop.folder), code=1)
    shop.runs("migrate", "true", "pre-upgrade")
    assert shop.bootstrapped()["revision"] == 3
    assert shop.history() == [(1, "superseded"), (2, "failed"), (3, "deployed")]


def test_two_at_once_do_not_get_in_each_others_way(shop: Shop) -> None:
    shop.runs("migrate", "sleep 12", "pre-install")
    process = shop.begun()
    done = shop.bootstrap()
    assert done.code == 1
    assert "another bootstrap is at work on revision 1" in done.err
    process.terminate()
    process.wait()


def test_an_interrupted_bootstrap_says_so_in_its_record(shop: Shop) -> None:
    shop.runs("migrate", "sleep 60", "pre-install")
    process = shop.begun()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert shop.history() == [(1, "failed")]


def test_what_helm_has_just_begun_is_left_to_it_unless_one_knows_better(shop: Shop) -> None:
    shop.runs("migrate", "sleep 60", "pre-install")
    command = [LOCALKUBE, "helm", "install", "shop", shop.folder, "-n", shop.namespace, *shop.reach]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not shop.items("jobs"):
        time.sleep(0.1)
    process.kill()
    process.wait()
    refused = shop.bootstrap()
    assert refused.code == 1
    assert "--take-over" in refused.err
    shop.runs("migrate", "true", "pre-install")
    assert shop.bootstrapped("--take-over")["revision"] == 2


def test_objects_of_others_are_not_taken_unless_it_is_said(shop: Shop) -> None:
    shop.kubectl("create", "configmap", "settings", "--from-literal=mine=yes")
    refused = shop.bootstrap()
    assert refused.code == 1
    assert "it was not installed by Helm" in refused.err
    assert "--take-ownership" in refused.err
    assert shop.configured() == {"settings": {"mine": "yes"}}
    assert not shop.items("secrets")
    assert shop.bootstrapped("--take-ownership")["objects"] == {"settings": "configured"}
    assert shop.configured() == {"settings": {"mine": "yes", "colour": "red"}}


def test_a_field_that_somebody_else_set_is_not_taken_unless_it_is_said(shop: Shop) -> None:
    shop.bootstrapped()
    shop.kubectl("patch", "configmap", "settings", "--type=merge", "-p", '{"data":{"colour":"pink"}}')
    refused = shop.bootstrap()
    assert refused.code == 1
    assert "--force-conflicts" in refused.err
    assert shop.history() == [(1, "deployed"), (2, "failed")]
    shop.bootstrapped("--force-conflicts")
    assert shop.configured() == {"settings": {"colour": "red"}}


def test_a_rehearsal_tells_everything_and_changes_nothing(shop: Shop) -> None:
    shop.has("old")
    shop.bootstrapped()
    shop.lacks("old")
    shop.has("new")
    before = shop.kubectl("get", "configmaps,secrets", "-o", "json")
    answer = shop.bootstrapped("--dry-run", "--set", "colour=blue")
    assert answer["objects"] == {"settings": "configured", "new": "created", "old": "deleted"}
    assert shop.kubectl("get", "configmaps,secrets", "-o", "json") == before


def test_definitions_come_first_and_their_new_versions_with_an_upgrade(shop: Shop) -> None:
    group = f"{shop.namespace}.example.com"
    shop.write("crds/boxes.yaml", definition(group, "boxes", "Box"))
    shop.write("templates/box.yaml", f"{{apiVersion: {group}/v1, kind: Box, metadata: {{name: one}}}}\n")
    assert shop.bootstrapped()["objects"] == {
        f"boxes.{group}": "created",
        "settings": "created",
        "one": "created",
    }
    shop.write("crds/boxes.yaml", definition(group, "boxes", "Box", short="bx"))
    assert shop.bootstrapped()["objects"][f"boxes.{group}"] == "configured"
    assert shop.get("bx", "one")["kind"] == "Box"
    shop.kubectl("delete", "crd", f"boxes.{group}")


def definition(group: str, plural: str, kind: str, short: str = "b") -> str:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": plural, "kind": kind, "shortNames": [short]}
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    return json.dumps(body)


def test_a_kind_that_nobody_knows_is_told_before_anything_is_begun(shop: Shop) -> None:
    shop.write("templates/x.yaml", "{apiVersion: nobody.example.com/v1, kind: Riddle, metadata: {name: x}}\n")
    done = shop.bootstrap()
    assert done.code == 1
    assert "does not know Riddle (nobody.example.com)" in done.err
    assert not shop.items("secrets")


def test_a_template_that_looks_into_the_cluster_sees_it(shop: Shop) -> None:
    shop.kubectl("create", "secret", "generic", "old", "--from-literal=password=sesame")
    lookup = "(lookup `v1` `Secret` .Release.Namespace `old`).data.password | b64dec"
    shop.has("settings", password="{{ " + lookup + " }}")
    shop.bootstrapped()
    assert shop.configured()["settings"]["password"] == "sesame"


def test_it_waits_for_workloads_and_says_which_are_not_ready(shop: Shop) -> None:
    container = {"name": "main", "image": "does-not-exist:1"}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    shop.write("templates/web.yaml", json.dumps(body))
    done = shop.bootstrap("--timeout", "2s")
    assert done.code == 1
    assert f"not ready after 2 s: apps/Deployment {shop.namespace}/web is Progressing" in done.err
    container["image"] = "busybox:1"
    shop.write("templates/web.yaml", json.dumps(body))
    shop.bootstrapped()
    assert shop.get("deployment", "web")["status"]["readyReplicas"] == 1


def test_uninstalling_leaves_nothing_but_what_applications_made(shop: Shop, crds: None) -> None:
    del crds
    child = application("homepage")
    child["metadata"]["finalizers"] = [FINALIZER, "example.com/mine"]
    shop.write("templates/homepage.yaml", json.dumps(child))
    shop.has("dear", annotations="{helm.sh/resource-policy: keep}")
    shop.runs("goodbye", "true", "pre-delete", policy="hook-succeeded")
    shop.bootstrapped()
    process = shop.run("uninstall", "shop", "-n", shop.namespace, *shop.reach, "--timeout", "1s")
    assert "held by example.com/mine" in process.err, "a finalizer of others is respected"
    shop.kubectl("patch", "application", "homepage", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    done = shop.run("uninstall", "shop", "-n", shop.namespace, *shop.reach)
    assert done.code == 0, done.err
    assert shop.configured().keys() == {"dear"}
    assert not shop.items("applications,secrets,jobs")
    assert shop.helm("ls", "-q") == ""


def test_a_release_of_helm_is_uninstalled_too_and_one_that_is_not_there_is_told(shop: Shop) -> None:
    shop.helm("install", "shop", str(shop.folder))
    told = shop.run("uninstall", "shpo", "-n", shop.namespace, *shop.reach)
    assert (told.code, "it has shop" in told.err) == (1, True)
    assert shop.run("uninstall", "shop", "-n", shop.namespace, *shop.reach).code == 0
    assert shop.configured() == {}


def test_the_namespace_is_made_or_asked_for(shop: Shop) -> None:
    shop.namespace = f"{shop.namespace}-new"
    refused = shop.bootstrap("--no-create-namespace")
    assert (refused.code, "there is no namespace" in refused.err) == (1, True)
    shop.bootstrapped()
    assert shop.configured() == {"settings": {"colour": "red"}}
    shop.kubectl("delete", "namespace", shop.namespace, "--wait=false")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--set", "colour"], "colour"),
        (["--timeout", "soon"], "'soon' is not a duration"),
        (["--name", "Not_A_Name"], "Not_A_Name"),
    ],
)
def test_a_slip_is_told_in_a_line(shop: Shop, words: list[str], told: str) -> None:
    done = shop.bootstrap(*words)
    assert (done.code, told in done.err, "Traceback" in done.err) == (1, True, False)


def test_a_chart_that_is_too_large_to_be_recorded_is_told_before_anything_is_applied(shop: Shop) -> None:
    shop.write("manual.txt", b64encode(os.urandom(1_300_000)).decode())
    done = shop.bootstrap()
    assert (done.code, ".helmignore" in done.err) == (1, True)
    assert shop.configured() == {}
    shop.write(".helmignore", "manual.txt\n")
    shop.bootstrapped()


def test_a_folder_without_a_chart_is_told(tiphys: Run, tmp_path: Path, kube: Path) -> None:
    done = tiphys("bootstrap", str(tmp_path), "--kubeconfig", str(kube))
    assert "has no Chart.yaml: name the folder of a chart" in done.err
    assert not list(tmp_path.iterdir())
