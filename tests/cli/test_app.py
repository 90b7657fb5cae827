"""``tiphys app`` against a real API server; what the engine would write is written by hand."""

import orjson
import pytest
import yaml

from tiphys.cli.app import progress

SYNCED = {"sync": {"status": "Synced", "revision": "0123456789"}, "health": {"status": "Healthy"}}
DEPLOYMENT = {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "web", "name": "homepage"}
UNREFRESHED = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": None}}}


def state(phase, *resources, **fields):
    """A patch of the operation's state."""
    result = {"syncResult": {"revision": "0123456789", "resources": list(resources)}} if resources else {}
    ended = {"finishedAt": "2026-09-21T08:00:05Z"} if phase != "Running" else {"finishedAt": None}
    started = {"operation": {"sync": {}}, "phase": phase, "startedAt": "2026-09-21T08:00:00Z"}
    return {"status": {"operationState": {**started, **ended, **result, **fields}}}


def ended(phase, *resources, **fields):
    """A patch that ends the operation."""
    return {"operation": None, **state(phase, *resources, **fields)}


def asked(app):
    return app.get("operation")


def refresh_after_sync_asked(app):
    return refresh_asked(app) and not asked(app)


def refresh_asked(app):
    return "argocd.argoproj.io/refresh" in app["metadata"].get("annotations", {})


def test_a_cluster_without_our_crds_is_told_what_to_do(tiphys, own_plane):
    outcome = tiphys("app", "list", "--kubeconfig", str(own_plane.kubeconfig))
    assert outcome.code == 1
    assert "knows no Applications" in outcome.err
    assert "install Tiphys or its CRDs" in outcome.err


def test_applications_are_listed_by_labels_project_repository_and_cluster(tiphys, plane_of_mine):
    plane_of_mine.has("homepage", SYNCED)
    plane_of_mine.has("api")
    here = plane_of_mine.namespace
    assert tiphys("app", "list", "-o", "name").out.split() == [f"{here}/api", f"{here}/homepage"]
    assert tiphys("app", "list", "-o", "name", "-l", "app in (api)").out.split() == [f"{here}/api"]
    assert tiphys("app", "list", "-o", "name", "-p", "default", "-p", "x").out.count("\n") == 2
    assert tiphys("app", "list", "-o", "name", "-p", "x").out == ""
    assert tiphys("app", "list", "-o", "name", "-r", "https://git.example.com/charts").out.count("\n") == 2
    assert tiphys("app", "list", "-o", "name", "-c", "in-cluster").out == ""
    assert f"no Application that is selected in namespace {here}" in tiphys("app", "list", "-p", "x").err
    assert "Synced  Healthy" in tiphys("app", "list").out


def test_applications_elsewhere_are_named_with_their_namespace(tiphys, plane_of_mine, monkeypatch):
    plane_of_mine.has("homepage", SYNCED)
    monkeypatch.setenv("TIPHYS_NAMESPACE", "default")
    here = plane_of_mine.namespace
    for words in ([f"{here}/homepage"], ["homepage", "-N", here], ["homepage", "-n", here]):
        assert f"{here}/homepage" in tiphys("app", "get", *words).out
    assert f"{here}/homepage" in tiphys("app", "list", "-A", "-o", "name").out


def test_json_and_yaml_are_the_object_with_every_field(tiphys, plane_of_mine):
    plane_of_mine.has("homepage", SYNCED)
    as_json = orjson.loads(tiphys("app", "get", "homepage", "-o", "json").out)
    assert as_json == yaml.safe_load(tiphys("app", "get", "homepage", "-o", "yaml").out)
    assert as_json["metadata"]["uid"]
    assert as_json["spec"]["source"]["repoURL"] == "https://git.example.com/charts.git"
    (listed,) = orjson.loads(tiphys("app", "list", "-o", "json").out)
    assert listed == as_json


def test_an_unknown_application_is_told_with_near_names(tiphys, plane_of_mine):
    plane_of_mine.has("homepage")
    outcome = tiphys("app", "get", "hompage")
    assert outcome.code == 1
    here = plane_of_mine.namespace
    assert f"no Application hompage in namespace {here}: did you mean homepage?" in outcome.err


@pytest.mark.usefixtures("plane_of_mine")
def test_a_malformed_selector_is_the_users_mistake(tiphys):
    outcome = tiphys("app", "list", "-l", "team in ((")
    assert outcome.code == 1
    assert "unable to parse requirement" in outcome.err


def test_a_refresh_is_asked_for_and_waited_for(tiphys, plane_of_mine):
    plane_of_mine.has("homepage", {"sync": {"status": "OutOfSync"}})
    plane_of_mine.when("homepage", refresh_asked, {**UNREFRESHED, "status": SYNCED})
    outcome = tiphys("app", "refresh", "homepage")
    assert outcome.code == 0
    assert "refreshed: Synced, Healthy" in outcome.out


def test_a_hard_refresh_says_so(tiphys, plane_of_mine):
    plane_of_mine.has("homepage", SYNCED)
    outcome = tiphys("app", "get", "homepage", "--hard-refresh", "--timeout", "1")
    assert outcome.code == 1
    assert "is the controller running?" in outcome.err
    assert plane_of_mine.get("homepage")["metadata"]["annotations"] == {"argocd.argoproj.io/refresh": "hard"}


def test_a_sync_writes_an_operation_and_follows_it_to_its_end(tiphys, plane_of_mine):
    plane_of_mine.has("homepage", {**SYNCED, "resources": [{**DEPLOYMENT, "status": "OutOfSync"}]})
    done = {**DEPLOYMENT, "status": "Synced", "message": "deployment.apps/homepage configured"}
    plane_of_mine.when(
        "homepage", asked, {**UNREFRESHED, **state("Running")}, ended("Succeeded", done, message="all done")
    )
    plane_of_mine.when("homepage", refresh_after_sync_asked, UNREFRESHED)
    outcome = tiphys("app", "sync", "homepage")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("TIMESTAMP")
    assert "Phase:              Succeeded" in outcome.out
    assert "Message:            all done" in outcome.out
    assert "deployment.apps/homepage configured" in outcome.out


def test_a_failed_sync_exits_with_1_and_its_message(tiphys, plane_of_mine):
    plane_of_mine.has("homepage", SYNCED)
    plane_of_mine.when(
        "homepage", asked, {**UNREFRESHED, **ended("Failed", message="one object failed to apply")}
    )
    plane_of_mine.when("homepage", refresh_after_sync_asked, UNREFRESHED)
    outcome = tiphys("app", "sync", "homepage")
    assert outcome.code == 1
    assert "completed with phase: Failed: one object failed to apply" in outcome.err


def test_objects_left_to_prune_exit_with_1(tiphys, plane_of_mine):
    plane_of_mine.has("homepage", {"sync": {"status": "OutOfSync"}})
    left = {**DEPLOYMENT, "status": "PruneSkipped", "message": "ignored (requires pruning)"}
    plane_of_mine.when("homepage", asked, {**UNREFRESHED, **ended("Succeeded", left)})
    plane_of_mine.when("homepage", refresh_after_sync_asked, UNREFRESHED)
    outcome = tiphys("app", "sync", "homepage")
    assert outcome.code == 1
    assert "1 resources require pruning: sync with --prune" in outcome.err


def test_flags_of_a_sync_become_its_operation(tiphys, plane_of_mine):
    resources = [
        {**DEPLOYMENT, "status": "Synced"},
        {"version": "v1", "kind": "Secret", "name": "s", "status": "Synced"},
    ]
    plane_of_mine.has("homepage", {**SYNCED, "resources": resources})
    plane_of_mine.patch(
        "homepage", {"spec": {"syncPolicy": {"syncOptions": ["CreateNamespace=true", "Replace=false"]}}}
    )
    words = (
        "--async --prune --dry-run --revision v2 --resource !*:Secret:* --strategy apply --force --replace "
        "--apply-out-of-sync-only --info why=because --retry-limit 3 --retry-backoff-duration 1s"
    )
    outcome = tiphys("app", "sync", "homepage", *words.split())
    assert outcome.code == 0, outcome.err
    assert refresh_asked(plane_of_mine.get("homepage"))
    assert plane_of_mine.get("homepage")["operation"] == {
        "initiatedBy": {},
        "info": [{"name": "why", "value": "because"}],
        "retry": {"limit": 3, "backoff": {"duration": "1s", "factor": 2, "maxDuration": "3m0s"}},
        "sync": {
            "revision": "v2",
            "prune": True,
            "dryRun": True,
            "syncStrategy": {"apply": {"force": True}},
            "syncOptions": ["CreateNamespace=true", "Replace=true", "ApplyOutOfSyncOnly=true"],
            "resources": [{k: DEPLOYMENT[k] for k in ("group", "kind", "name", "namespace")}],
        },
    }


def test_switches_are_taken_as_scripts_for_argocd_write_them(tiphys, plane_of_mine):
    plane_of_mine.has("homepage")
    assert tiphys("app", "sync", "homepage", "--async=true", "--prune=true", "--dry-run=false").code == 0
    assert plane_of_mine.get("homepage")["operation"]["sync"]["prune"] is True
    assert "dryRun" not in plane_of_mine.get("homepage")["operation"]["sync"]
    assert tiphys("app", "delete", "homepage", "--cascade=false", "--yes=true", "--wait").code == 0
    assert tiphys("app", "sync", "homepage", "--revision=true").code == 1


def test_a_backoff_that_is_no_duration_is_told(tiphys):
    outcome = tiphys("app", "sync", "homepage", "--retry-limit", "1", "--retry-backoff-duration", "soon")
    assert outcome.code == 1
    assert "soon" in outcome.err


def test_a_second_operation_is_refused(tiphys, plane_of_mine):
    plane_of_mine.has("homepage", SYNCED)
    assert tiphys("app", "sync", "homepage", "--async").code == 0
    before = plane_of_mine.get("homepage")
    outcome = tiphys("app", "sync", "homepage")
    assert outcome.code == 1
    assert "another operation is already in progress" in outcome.err
    assert plane_of_mine.get("homepage") == before


def test_a_retry_that_waits_is_still_an_operation(tiphys, plane_of_mine):
    plane_of_mine.has("homepage", SYNCED)
    plane_of_mine.patch("homepage", state("Running", finishedAt="2026-09-21T08:00:05Z", retryCount=1))
    assert "already in progress" in tiphys("app", "sync", "homepage").err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--revision", "v2"], "cannot sync to v2: auto-sync currently set to main"),
        (["--resource", "apps:Deployment:nobody"], "has no object that the filter matches"),
    ],
)
def test_what_cannot_be_synced_is_refused(tiphys, plane_of_mine, words, message):
    plane_of_mine.has("homepage", SYNCED)
    plane_of_mine.patch("homepage", {"spec": {"syncPolicy": {"automated": {}}}})
    outcome = tiphys("app", "sync", "homepage", *words)
    assert outcome.code == 1
    assert message in outcome.err
    assert "operation" not in plane_of_mine.get("homepage")


def test_names_and_selectors_are_one_or_the_other(tiphys, plane_of_mine):
    assert tiphys("app", "sync").code == 2
    assert tiphys("app", "sync", "homepage", "-l", "a=b").code == 2
    outcome = tiphys("app", "sync", "-l", "app=nobody", "--project", "x")
    assert outcome.code == 1
    assert f"no Application in {plane_of_mine.namespace} matches app=nobody and project x" in outcome.err


def test_wait_ends_when_the_application_is_so(tiphys, plane_of_mine):
    plane_of_mine.has("homepage", {"sync": {"status": "OutOfSync"}, "health": {"status": "Progressing"}})
    plane_of_mine.when("homepage", lambda _: True, {"status": SYNCED})
    outcome = tiphys("app", "wait", "homepage", "--timeout", "20")
    assert outcome.code == 0, outcome.err
    assert "Sync Status:        Synced to main (0123456)" in outcome.out


def test_wait_for_one_object_looks_at_no_other(tiphys, plane_of_mine):
    healthy = {**DEPLOYMENT, "status": "Synced", "health": {"status": "Healthy"}}
    plane_of_mine.has("homepage", {"sync": {"status": "OutOfSync"}, "resources": [healthy]})
    words = ("app", "wait", "homepage", "--timeout", "1")
    assert tiphys(*words, "--resource", "apps:Deployment:homepage").code == 0
    assert tiphys(*words).code == 1


def test_wait_that_takes_too_long_says_what_is_lacking(tiphys, plane_of_mine):
    plane_of_mine.has("homepage", {"sync": {"status": "OutOfSync"}, "health": {"status": "Missing"}})
    outcome = tiphys("app", "wait", "homepage", "--timeout", "1")
    assert outcome.code == 1
    assert "This is the state of the app after `wait` timed out:" in outcome.out
    assert "timed out (1s) waiting for app" in outcome.err
    assert "it is OutOfSync and Missing" in outcome.err


def test_wait_ends_when_something_degrades(tiphys, plane_of_mine):
    def deployment(health):
        return {"status": {"resources": [{**DEPLOYMENT, "status": "Synced", "health": {"status": health}}]}}

    plane_of_mine.has(
        "homepage", {"health": {"status": "Progressing"}, **deployment("Progressing")["status"]}
    )
    plane_of_mine.when("homepage", lambda _: True, {}, deployment("Degraded"))
    outcome = tiphys("app", "wait", "homepage", "--health", "--timeout", "20")
    assert outcome.code == 1
    assert "transitioned from Progressing to Degraded: apps/Deployment web/homepage" in outcome.err


def test_wait_for_deletion(tiphys, plane_of_mine):
    plane_of_mine.has("homepage")
    plane_of_mine.when("homepage", lambda _: True, lambda: plane_of_mine.delete("homepage"))
    outcome = tiphys("app", "wait", "homepage", "--delete", "--timeout", "20")
    assert outcome.code == 0, outcome.err
    assert f"Application '{plane_of_mine.namespace}/homepage' deleted" in outcome.out
    again = tiphys("app", "wait", "homepage", "--delete", "--timeout", "20")
    assert again.code == 0
    assert f"There is no Application {plane_of_mine.namespace}/homepage" in again.err


def test_deletion_cascades_by_argo_cds_finalizer(tiphys, plane_of_mine):
    plane_of_mine.has("homepage")
    outcome = tiphys("app", "delete", "homepage")
    assert outcome.code == 0, outcome.err
    metadata = plane_of_mine.get("homepage")["metadata"]
    assert metadata["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]
    assert metadata["deletionTimestamp"]
    held = tiphys("app", "delete", "homepage", "--wait", "--timeout", "1")
    assert held.code == 1
    assert "held by resources-finalizer.argocd.argoproj.io" in held.err
    assert tiphys("app", "delete", "homepage", "--no-cascade", "--wait").code == 0
    assert tiphys("app", "list", "-o", "name").out == ""


def test_background_deletion_replaces_the_finalizer_and_keeps_others(tiphys, plane_of_mine):
    plane_of_mine.has("homepage")
    before = ["example.com/mine", "resources-finalizer.argocd.argoproj.io"]
    plane_of_mine.patch("homepage", {"metadata": {"finalizers": before}})
    assert tiphys("app", "delete", "homepage", "-p", "background", "-y").code == 0
    finalizers = plane_of_mine.get("homepage")["metadata"]["finalizers"]
    assert finalizers == ["example.com/mine", "resources-finalizer.argocd.argoproj.io/background"]
    plane_of_mine.patch("homepage", {"metadata": {"finalizers": None}})


def test_resources_and_history(tiphys, plane_of_mine):
    status = {
        **SYNCED,
        "resources": [{**DEPLOYMENT, "status": "Synced", "health": {"status": "Healthy"}}],
        "history": [{"id": 4, "revision": "0123456789", "deployedAt": "2026-09-21T08:00:00Z"}],
    }
    plane_of_mine.has("homepage", status)
    header, row = tiphys("app", "resources", "homepage").out.splitlines()
    assert header.split() == ["GROUP", "KIND", "NAMESPACE", "NAME", "ORPHANED", "STATUS", "HEALTH"]
    assert row.split() == ["apps", "Deployment", "web", "homepage", "No", "Synced", "Healthy"]
    assert orjson.loads(tiphys("app", "resources", "homepage", "-o", "json").out) == status["resources"]
    assert tiphys("app", "history", "homepage", "-o", "id").out == "4\n"
    assert "(0123456)" in tiphys("app", "history", "homepage").out


def test_a_tree_goes_down_to_the_pods(tiphys, plane_of_mine):
    kubectl, here = plane_of_mine.kubectl, plane_of_mine.namespace
    kubectl("create", "deployment", "homepage", "--image=example.com/x", "-n", here)
    kubectl("rollout", "status", "deployment/homepage", "-n", here, "--timeout=60s")
    plane_of_mine.has("homepage", {"resources": [{**DEPLOYMENT, "namespace": here, "status": "Synced"}]})
    lines = tiphys("app", "get", "homepage", "-o", "tree").out.split("KIND/NAME")[1].splitlines()
    assert lines[1].startswith("Deployment/homepage")
    assert lines[2].startswith("└─ReplicaSet/homepage-")
    assert lines[3].startswith("  └─Pod/homepage-")
    assert lines[3].endswith("Healthy")


def test_an_api_server_that_is_away_is_told(tiphys, tmp_path):
    away = {
        "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:9"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {}}],
        "current-context": "a",
    }
    file = tmp_path / "kubeconfig"
    file.write_bytes(orjson.dumps(away))
    outcome = tiphys("app", "list", "--kubeconfig", str(file))
    assert outcome.code == 1
    assert outcome.out == ""
    assert "http://127.0.0.1:9: cannot connect: Connection refused; choose another cluster" in outcome.err


def test_a_sync_that_nobody_takes_up_is_told(tiphys, plane_of_mine, monkeypatch):
    monkeypatch.setattr(progress, "_UNTAKEN", 0.2)
    plane_of_mine.has("homepage", SYNCED)
    outcome = tiphys("app", "sync", "homepage", "--timeout", "2")
    assert outcome.code == 1
    assert "No controller has taken up the operation" in outcome.err


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("tiphys app get ho", ["homepage"]),
        ("tiphys app sync ", ["api", "homepage"]),
        ("tiphys app wait api ", ["homepage"]),
        ("tiphys app get --context nowhere ", []),
    ],
)
def test_a_shell_completes_names(tiphys, plane_of_mine, monkeypatch, line, names):
    plane_of_mine.has("homepage")
    plane_of_mine.has("api")
    monkeypatch.setenv("_TIPHYS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - (not line.endswith(" "))))
    outcome = tiphys()
    assert (outcome.out.split(), outcome.err) == ([f"plain,{name}" for name in names], "")
