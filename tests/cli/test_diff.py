"""``app diff`` and ``app manifests``: from a real repository, against a real API server, without an engine."""

import subprocess

import pytest
import yaml

import tiphys_toolbox

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: config, labels: {part: config}}
data: {colour: green}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {password: hunter2}
"""


class Repository:
    """A Git repository with the folder ``homepage``."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "homepage").mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        done = subprocess.run(
            ["git", *identity, *words], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, **files):
        for name, text in files.items():
            (self.folder / "homepage" / f"{name}.yaml").write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def name(plane_of_mine):
    """An Application that nobody else has, since tracking ids hold for the whole cluster."""
    return f"home-{plane_of_mine.namespace}"


@pytest.fixture
def repository(tmp_path, plane_of_mine, name, monkeypatch):
    """The repository of an Application whose objects go to the test's own namespace."""
    if not tiphys_toolbox.binary().exists():
        pytest.skip("the toolbox is not built (make build)")
    monkeypatch.setenv("TIPHYS_STATE", str(tmp_path / "state"))
    made = Repository(tmp_path / "charts")
    made.commit(config=CONFIG, secret=SECRET)
    plane_of_mine.has(name)
    source = {"repoURL": made.folder.as_uri(), "path": "homepage", "targetRevision": "main"}
    plane_of_mine.patch(
        name, {"spec": {"source": source, "destination": {"namespace": plane_of_mine.namespace}}}
    )
    return made


def apply_as_the_engine(plane, *texts):
    """Apply objects as a sync would: by our field manager, with our tracking id."""
    for text in texts:
        body = yaml.safe_load(text)
        tracking = f"home-{plane.namespace}:/{body['kind']}:{plane.namespace}/{body['metadata']['name']}"
        body["metadata"] |= {
            "namespace": plane.namespace,
            "annotations": {"argocd.argoproj.io/tracking-id": tracking},
        }
        words = ("apply", "--server-side", "--field-manager=argocd-controller", "-f", "-")
        plane.kubectl(*words, stdin=yaml.safe_dump(body))


@pytest.mark.usefixtures("repository")
def test_what_is_not_there_yet_is_all_added(tiphys, name, plane_of_mine):
    outcome = tiphys("app", "diff", name)
    assert outcome.code == 1, outcome.err
    here = plane_of_mine.namespace
    assert f"===== /ConfigMap {here}/config ======" in outcome.out
    assert "+  colour: green" in outcome.out
    assert f"===== /Secret {here}/password ======" in outcome.out
    assert "hunter2" not in outcome.out + outcome.err


@pytest.mark.usefixtures("repository")
def test_what_is_as_git_says_has_no_difference(tiphys, name, plane_of_mine):
    apply_as_the_engine(plane_of_mine, CONFIG, SECRET)
    outcome = tiphys("app", "diff", name)
    assert (outcome.code, outcome.out) == (0, ""), outcome.err


def test_a_change_is_shown_against_what_the_api_server_predicts(
    tiphys, repository, name, plane_of_mine, monkeypatch
):
    apply_as_the_engine(plane_of_mine, CONFIG, SECRET)
    repository.commit(config=CONFIG.replace("green", "blue"), secret=SECRET.replace("hunter2", "hunter3"))
    outcome = tiphys("app", "diff", name)
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    changed = [line for line in lines if line.startswith(("-", "+")) and line[:3] not in ("---", "+++")]
    assert changed[:2] == ["-  colour: green", "+  colour: blue"]
    assert "===== /Secret" in outcome.out
    assert "hunter" not in outcome.out + outcome.err
    assert tiphys("app", "diff", name, "--no-exit-code").code == 0
    assert tiphys("app", "diff", name, "--exit-code=false").code == 0
    monkeypatch.setenv("KUBECTL_EXTERNAL_DIFF", "diff -q")
    assert "config-live.yaml" in tiphys("app", "diff", name).out


def test_what_git_no_longer_has_is_taken_away(tiphys, repository, name, plane_of_mine):
    apply_as_the_engine(plane_of_mine, CONFIG, SECRET)
    here = {"version": "v1", "namespace": plane_of_mine.namespace, "kind": "ConfigMap", "name": "config"}
    plane_of_mine.patch(
        name, {"status": {"sync": {"status": "Synced"}, "resources": [{**here, "status": "Synced"}]}}
    )
    (repository.folder / "homepage/config.yaml").unlink()
    repository.commit()
    outcome = tiphys("app", "diff", name)
    assert outcome.code == 1
    assert "-  colour: green" in outcome.out


def test_an_earlier_revision_can_be_compared_with(tiphys, repository, name, plane_of_mine):
    apply_as_the_engine(plane_of_mine, CONFIG, SECRET)
    before = repository.git("rev-parse", "HEAD")
    repository.commit(config=CONFIG.replace("green", "blue"))
    assert tiphys("app", "diff", name, "--revision", before).code == 0
    assert "colour: green" in tiphys("app", "manifests", name, "--revision", before).out
    assert "colour: blue" in tiphys("app", "manifests", name).out


def test_trouble_is_not_a_difference(tiphys, repository, name):
    repository.commit(config="a: [\n")
    outcome = tiphys("app", "diff", name)
    assert outcome.code == 2
    assert "homepage/config.yaml" in outcome.err
    assert tiphys("app", "diff", "nobody").code == 2
    assert tiphys("app", "diff", name, "--revision", "nowhere").code == 2


@pytest.mark.usefixtures("repository")
def test_an_external_program_that_is_not_there_is_told(tiphys, name, monkeypatch):
    monkeypatch.setenv("KUBECTL_EXTERNAL_DIFF", "no-such-program --yes")
    outcome = tiphys("app", "diff", name)
    assert outcome.code == 2
    assert "KUBECTL_EXTERNAL_DIFF: cannot run 'no-such-program'" in outcome.err


@pytest.mark.usefixtures("repository")
def test_manifests_are_printed_with_their_marks_and_without_secrets(tiphys, name, plane_of_mine):
    documents = list(yaml.safe_load_all(tiphys("app", "manifests", name).out))
    config = next(d for d in documents if d["kind"] == "ConfigMap")
    assert config["metadata"]["namespace"] == plane_of_mine.namespace
    assert "argocd.argoproj.io/tracking-id" in config["metadata"]["annotations"]
    assert "hunter2" not in str(documents)


@pytest.mark.usefixtures("repository")
def test_live_manifests_are_those_of_the_status(tiphys, name, plane_of_mine):
    apply_as_the_engine(plane_of_mine, CONFIG, SECRET)
    here = plane_of_mine.namespace
    resources = [{"version": "v1", "kind": k, "namespace": here, "name": n, "status": "Synced"}
                 for k, n in (("ConfigMap", "config"), ("Secret", "password"))]  # fmt: skip
    plane_of_mine.patch(name, {"status": {"sync": {"status": "Synced"}, "resources": resources}})
    outcome = tiphys("app", "manifests", name, "--source", "live")
    config, secret = yaml.safe_load_all(outcome.out)
    assert config["metadata"]["uid"]
    assert "managedFields" not in config["metadata"]
    assert secret["data"]["password"].startswith("+++")


@pytest.mark.usefixtures("repository")
def test_a_sync_of_a_label_asks_for_those_objects(tiphys, name, plane_of_mine):
    assert tiphys("app", "sync", name, "--label", "part=config", "--async").code == 0
    (picked,) = plane_of_mine.get(name)["operation"]["sync"]["resources"]
    assert (picked["kind"], picked["name"]) == ("ConfigMap", "config")


@pytest.mark.usefixtures("repository")
def test_what_jq_names_is_not_shown(tiphys, name, plane_of_mine):
    apply_as_the_engine(plane_of_mine, CONFIG.replace("green", "blue"), SECRET)
    assert "+  colour: green" in tiphys("app", "diff", name).out
    rule = {"kind": "ConfigMap", "jqPathExpressions": ['.data | select(.colour != "") | .colour']}
    plane_of_mine.patch(name, {"spec": {"ignoreDifferences": [rule]}})
    outcome = tiphys("app", "diff", name)
    assert (outcome.code, outcome.out) == (0, ""), outcome.err
