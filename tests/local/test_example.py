"""The example platform, made into repositories and rendered by the real helm."""

import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tiphys.local import demo, githost, tools
from tiphys.local.place import Place, Served

# Of a port that nobody listens on; the charts are read from the disk here.
NOWHERE = Served("http://127.0.0.1:9")


@pytest.fixture
def charts(place: Place) -> Path:
    demo.lay(place, NOWHERE)
    return place.work / "charts" / "charts"


def render(localkube: Path, place: Place, chart: Path, *flags: str) -> list[Any]:
    text = tools.run(localkube, "helm", ["template", chart.name, chart, *flags], place)
    return [document for document in yaml.safe_load_all(text) if document]


def with_dependencies(localkube: Path, place: Place, chart: Path) -> Path:
    tools.run(localkube, "helm", ["dependency", "build", chart], place)
    return chart


def test_homepage_is_all_that_its_values_ask_for(localkube: Path, place: Place, charts: Path) -> None:
    made = render(localkube, place, with_dependencies(localkube, place, charts / "homepage"))
    kinds = {document["kind"]: document for document in made}
    assert kinds.keys() == {"ConfigMap", "Service", "Deployment", "Ingress", "ScaledObject"}
    (container,) = kinds["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "ghcr.io/example/homepage:1.0.0"


def test_the_api_has_its_own_service_account_and_no_autoscaler(
    localkube: Path, place: Place, charts: Path
) -> None:
    made = render(localkube, place, with_dependencies(localkube, place, charts / "api"))
    kinds = {document["kind"]: document for document in made}
    assert kinds.keys() == {"ConfigMap", "Service", "Deployment", "ServiceAccount"}
    assert kinds["Deployment"]["spec"]["template"]["spec"]["serviceAccountName"] == "api"
    assert kinds["ConfigMap"]["data"]["PAGE_SIZE"] == "50"


def test_the_third_partys_chart_comes_from_the_chart_repository(localkube: Path, place: Place) -> None:
    served = githost.start(place)
    demo.lay(place, served)
    chart = with_dependencies(localkube, place, place.work / "charts" / "charts" / "metrics")
    made = Counter(document["kind"] for document in render(localkube, place, chart))
    assert made == Counter(["Deployment", "Service", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"])


def test_the_scaled_object_chart_brings_a_type(localkube: Path, place: Place, charts: Path) -> None:
    made = render(localkube, place, charts / "keda", "--include-crds")
    assert [d["metadata"]["name"] for d in made if d["kind"] == "CustomResourceDefinition"] == [
        "scaledobjects.keda.sh"
    ]


def test_the_root_makes_an_application_of_each_entry(localkube: Path, place: Place, charts: Path) -> None:
    documents = render(localkube, place, charts / "tiphys")
    made = {document["metadata"]["name"]: document for document in documents}
    assert made.keys() == {"keda", "homepage", "api", "metrics"}
    homepage = made["homepage"]
    assert homepage["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]
    assert homepage["spec"] == {
        "project": "default",
        "source": {
            "repoURL": NOWHERE.repository("charts"),
            "targetRevision": "HEAD",
            "path": "charts/homepage",
            "helm": {"releaseName": "homepage", "valueFiles": ["values.yaml"]},
        },
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "homepage"},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": ["CreateNamespace=true"],
        },
        "ignoreDifferences": [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}],
    }
    options = made["keda"]["spec"]["syncPolicy"]["syncOptions"]
    assert options == ["CreateNamespace=true", "ServerSideApply=true"]


def test_an_entry_without_a_path_is_named(localkube: Path, place: Place, charts: Path) -> None:
    with pytest.raises(Exception, match="application shop has no path"):
        render(localkube, place, charts / "tiphys", "--set", "applications[0].name=shop")


def test_the_taskfile_installs_the_root_as_the_demo_does() -> None:
    taskfile = yaml.safe_load((demo.EXAMPLE / "taskfile.yaml").read_text())
    (command,) = taskfile["tasks"]["up"]["cmds"]
    assert command.split()[1:-1] == demo.root_command("{{.ROOT}}")
    assert (demo.EXAMPLE / "charts-repository" / "charts" / "tiphys").is_dir()
    assert "charts-repository/charts/tiphys" in taskfile["vars"]["ROOT"]


def test_what_was_pushed_and_edited_survives_the_next_start(place: Place) -> None:
    served = githost.start(place)
    demo.lay(place, served)
    values = place.work / "charts" / "charts" / "homepage" / "values.yaml"
    values.write_text(values.read_text().replace("1.0.0", "1.0.1"))
    git(place, "commit", "--quiet", "-am", "homepage 1.0.1")
    git(place, "push", "--quiet")
    values.write_text("half edited\n")
    githost.stop(place)
    assert githost.start(place) == served
    demo.lay(place, served)
    assert values.read_text() == "half edited\n"
    assert "homepage 1.0.1" in git(place, "ls-remote", "origin") + git(place, "log", "-1", "origin/main")
    shutil.rmtree(place.work)
    demo.lay(place, served)
    assert "1.0.1" in values.read_text()


def git(place: Place, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=place.work / "charts", capture_output=True, text=True, check=True
    ).stdout
