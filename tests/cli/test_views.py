"""Applications as text, in the shapes that argocd's users know."""

import time
from datetime import UTC, datetime

import pytest
from msgspec import convert

from tiphys.cli.app import views
from tiphys.cli.app.family import Child
from tiphys.cli.app.states import State, choice, chosen, states_of
from tiphys.model.api import Application
from tiphys.model.objects import Key

SHA = "0123456789abcdef0123456789abcdef01234567"
WEB = {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "web", "name": "homepage"}
SERVICE = {"version": "v1", "kind": "Service", "namespace": "web", "name": "homepage"}


@pytest.fixture(autouse=True)
def in_utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def app(status=None, **spec) -> Application:
    usual = {
        "project": "default",
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "web"},
        "source": {
            "repoURL": "https://git.example.com/charts.git",
            "path": "homepage",
            "targetRevision": "main",
        },
    }
    body = {
        "metadata": {"name": "homepage", "namespace": "argocd"},
        "spec": {**usual, **spec},
        "status": status or {},
    }
    return convert(body, Application)


def test_the_header_is_argocds():
    shown = views.header(
        app(
            {
                "sync": {"status": "OutOfSync", "revision": SHA},
                "health": {"status": "Degraded", "message": "sick"},
            },
            syncPolicy={"automated": {"prune": True}},
            source={
                "repoURL": "https://git.example.com/charts.git",
                "path": "homepage",
                "targetRevision": "main",
                "helm": {"valueFiles": ["a.yaml", "b.yaml"]},
            },
        )
    )
    assert shown.splitlines() == [
        "Name:               argocd/homepage",
        "Project:            default",
        "Server:             https://kubernetes.default.svc",
        "Namespace:          web",
        "Source:",
        "- Repo:             https://git.example.com/charts.git",
        "  Target:           main",
        "  Path:             homepage",
        "  Helm Values:      a.yaml,b.yaml",
        "SyncWindow:         Sync Allowed",
        "Sync Policy:        Automated (Prune)",
        "Sync Status:        OutOfSync from main (0123456)",
        "Health Status:      Degraded (sick)",
    ]


@pytest.mark.parametrize(
    ("policy", "long", "short"),
    [
        (None, "Manual", "Manual"),
        ({"automated": None}, "Manual", "Manual"),
        ({"automated": {"enabled": False, "prune": True}}, "Manual", "Manual"),
        ({"automated": {}}, "Automated", "Auto"),
        ({"automated": {"prune": True}}, "Automated (Prune)", "Auto-Prune"),
    ],
)
def test_the_sync_policy_in_words(policy, long, short):
    one = app(syncPolicy=policy)
    assert f"Sync Policy:        {long}" in views.header(one).splitlines()
    assert f"  {short}  " in views.listing([one])


def test_a_commit_as_target_is_not_told_twice():
    source = {"repoURL": "https://git.example.com/charts.git", "path": ".", "targetRevision": SHA}
    shown = views.header(app({"sync": {"status": "Synced", "revision": SHA}}, source=source))
    assert f"Sync Status:        Synced to {SHA}" in shown.splitlines()


def test_the_list_is_argocds_and_counts_conditions():
    one = app(
        {
            "sync": {"status": "Synced"},
            "health": {"status": "Healthy"},
            "conditions": [{"type": t, "message": "m"} for t in ("AWarning", "ComparisonError", "AWarning")],
        }
    )
    header, row = views.listing([one]).splitlines()
    assert header.split() == list(views.LISTING)
    assert row.split() == [
        "argocd/homepage", "https://kubernetes.default.svc", "web", "default", "Synced", "Healthy", "Manual",
        "AWarning(2),ComparisonError", "https://git.example.com/charts.git", "homepage", "main",
    ]  # fmt: skip


def test_several_sources_are_all_shown():
    one = app(
        sources=[{"repoURL": "https://a.example.com/x"}, {"repoURL": "https://b.example.com/y", "chart": "z"}]
    )
    shown = views.header(one).splitlines()
    assert "Sources:" in shown
    assert "- Repo:             https://a.example.com/x" in shown
    assert "  Chart:            z" in shown


def test_an_operation_under_way_has_lasted_until_now():
    one = app({"operationState": {"operation": {}, "phase": "Running", "startedAt": "2026-09-21T08:00:00Z"}})
    shown = views.operation(one.status.operation_state, now=datetime(2026, 9, 21, 8, 1, 5, tzinfo=UTC))
    assert shown.splitlines() == [
        "Phase:              Running",
        "Start:              2026-09-21 08:00:00 +0000 UTC",
        "Finished:",
        "Duration:           1m5s",
    ]


def operated(*results):
    return {
        "operationState": {
            "operation": {},
            "phase": "Succeeded",
            "startedAt": "2026-09-21T08:00:00Z",
            "syncResult": {"revision": SHA, "resources": list(results)},
        },
        "resources": [
            {**WEB, "status": "Synced", "health": {"status": "Healthy"}},
            {**SERVICE, "status": "OutOfSync"},
        ],
    }


def test_objects_of_the_latest_operation_come_first_with_its_message():
    status = operated({**SERVICE, "group": "", "status": "Synced", "message": "service/homepage configured"})
    assert states_of(app(status)) == [
        State(Key("", "Service", "web", "homepage"), "OutOfSync", "", "", "service/homepage configured"),
        State(Key("apps", "Deployment", "web", "homepage"), "Synced", "Healthy"),
    ]


def test_what_is_pruned_or_a_hook_has_only_what_the_operation_said():
    gone = {**WEB, "name": "old", "status": "Pruned", "message": "pruned"}
    hook = {
        **WEB,
        "kind": "Job",
        "group": "batch",
        "status": "Synced",
        "hookType": "PreSync",
        "hookPhase": "Running",
    }
    states = states_of(app(operated(gone, hook)))
    assert states[0] == State(Key("apps", "Deployment", "web", "old"), "", "Pruned", "", "pruned")
    assert states[1] == State(Key("batch", "Job", "web", "homepage"), "Running", "Synced", "PreSync")


def test_a_tree_shows_what_objects_made():
    deployment, replicas = (
        Key("apps", "Deployment", "web", "homepage"),
        Key("apps", "ReplicaSet", "web", "homepage-1"),
    )
    family = {
        deployment: [Child(replicas, "Healthy")],
        replicas: [
            Child(Key("", "Pod", "web", "homepage-1-a"), "Healthy"),
            Child(Key("", "Pod", "web", "homepage-1-b"), "Progressing"),
        ],
    }
    assert views.tree(app(operated()), family).splitlines() == [
        "KIND/NAME                STATUS     HEALTH       MESSAGE",
        "Service/homepage         OutOfSync",
        "Deployment/homepage      Synced     Healthy",
        "└─ReplicaSet/homepage-1             Healthy",
        "  ├─Pod/homepage-1-a                Healthy",
        "  └─Pod/homepage-1-b                Progressing",
    ]


def test_history_is_a_table_for_each_repository():
    source = {"repoURL": "https://git.example.com/charts.git", "targetRevision": "main"}
    entries = app(
        {
            "history": [
                {"id": 0, "revision": SHA, "deployedAt": "2026-09-21T08:00:00Z", "source": source},
                {
                    "id": 1,
                    "deployedAt": "2026-09-21T09:00:00Z",
                    "source": {**source, "repoURL": "https://b.example.com"},
                },
            ]
        }
    ).status.history
    assert views.history_table(entries).splitlines() == [
        "SOURCE  https://git.example.com/charts.git",
        "ID  DATE                           REVISION",
        "0   2026-09-21 08:00:00 +0000 UTC  main (0123456)",
        "",
        "SOURCE  https://b.example.com",
        "ID  DATE                           REVISION",
        "1   2026-09-21 09:00:00 +0000 UTC  main",
    ]


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        (["apps:Deployment:web"], {"web"}),
        ([":Service:api"], {"svc"}),
        (["*:*:shop/*"], {"svc"}),
        (["!*:Service:*"], {"web", "db"}),
        (["*:*:*", "!apps:*:db"], {"web", "svc"}),
        (["apps:Deployment:"], {"web", "db"}),
        ([":Deployment:web"], set()),
        ([], {"web", "svc", "db"}),
    ],
)
def test_objects_are_chosen_by_group_kind_and_name(texts, meant):
    objects = {
        "web": Key("apps", "Deployment", "web", "web"),
        "db": Key("apps", "Deployment", "web", "db"),
        "svc": Key("", "Service", "shop", "api"),
    }
    choices = [choice(text) for text in texts]
    assert {name for name, key in objects.items() if chosen(key, choices)} == meant


@pytest.mark.parametrize("text", ["web", "Deployment:web", "apps:Deployment:a/b/c"])
def test_a_malformed_choice_is_told(text, tiphys):
    outcome = tiphys("app", "wait", "homepage", "--resource", text)
    assert outcome.code == 2
    assert "must be GROUP:KIND:NAME" in outcome.err
