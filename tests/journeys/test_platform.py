"""The root makes the applications; the list makes them come and go."""

from journeys.conftest import Platform, until

ENTRY = """
  - name: second
    namespace: second
    path: charts/second
    releaseName: second
"""


def test_the_root_brings_up_every_application(platform: Platform):
    assert set(platform.apps()) == {"keda", "homepage", "api", "metrics"}
    assert platform.all_well()


def test_kubectl_reads_as_with_argo_cd(platform: Platform):
    table = platform.kubectl("get", "app", "homepage", "-n", "argocd", "-o", "wide")
    assert table.split("\n")[0].split() == [
        "NAME",
        "SYNC",
        "STATUS",
        "HEALTH",
        "STATUS",
        "REVISION",
        "PROJECT",
    ]
    assert table.split("\n")[1].split()[1:3] == ["Synced", "Healthy"]


def test_an_entry_in_the_list_is_an_application_and_its_removal_takes_what_it_made_and_nothing_else(
    platform: Platform,
):
    list_file = "charts/tiphys/values.yaml"
    before = (platform.charts / list_file).read_text()
    chart = platform.charts / "charts" / "second"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: second\nversion: 0.1.0\n")
    (chart / "values.yaml").write_text("word: hello\n")
    (chart / "templates" / "configmap.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: second\ndata:\n  word: {{ .Values.word }}\n"
    )
    (platform.charts / list_file).write_text(before.rstrip("\n") + "\n" + ENTRY)
    platform.push("add second")
    platform.upgrade_root()
    until(lambda: platform.apps().get("second") == ("Synced", "Healthy"), 30, "second is there")
    assert platform.get("configmap", "second", "-n", "second")["data"] == {"word": "hello"}

    platform.kubectl("create", "configmap", "foreign", "-n", "second", "--from-literal=a=b")
    (platform.charts / list_file).write_text(before)
    platform.push("remove second")
    platform.upgrade_root()
    until(lambda: "second" not in platform.apps(), 30, "second is gone")
    left = [c["metadata"]["name"] for c in platform.get("configmap", "-n", "second")["items"]]
    assert "second" not in left
    assert "foreign" in left
    assert platform.all_well()
