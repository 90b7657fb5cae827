"""What is found in a cluster."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from tiphys.core.lint.cluster import DEFINITIONS, ClusterFacts, Engine, cluster_findings
from tiphys.model.api import Application, decode_application

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TIPHYS = Engine("Deployment argocd/tiphys", ours=True, replicas=1, account="argocd:tiphys")
ARGO = Engine("Statefulset argocd/argocd-application-controller", ours=False, replicas=1, account="argocd:x")


def app(looked: datetime | None = NOW, project: str = "default", **status: Any) -> Application:
    body = {
        "metadata": {"name": "homepage", "namespace": "argocd"},
        "spec": {
            "project": project,
            "source": {"repoURL": "https://git.example.com/charts.git", "path": "charts/homepage"},
            "destination": {"server": "https://kubernetes.default.svc"},
        },
        "status": {"reconciledAt": looked.isoformat() if looked else "", **status},
    }
    return decode_application(orjson.dumps(body))


def rules(**facts: Any) -> list[str]:
    usual = {
        "namespace": "argocd",
        "here": NOW,
        "there": NOW,
        "definitions": DEFINITIONS,
        "projects": ["default"],
        "applications": [app()],
        "engines": [TIPHYS],
    }
    return [found.rule for found in cluster_findings(ClusterFacts(**{**usual, **facts}))]


def test_a_sound_cluster_has_nothing():
    assert rules() == []


def test_clocks_that_differ_are_told_either_way():
    assert rules(here=NOW - timedelta(seconds=6)) == rules(here=NOW + timedelta(seconds=6)) == ["clock-skew"]
    assert rules(here=NOW + timedelta(seconds=4)) == rules(there=None) == []


def test_two_engines_are_told_and_one_at_rest_is_not():
    assert rules(engines=[TIPHYS, ARGO]) == ["other-engine"]
    assert rules(engines=[ARGO]) == rules(engines=[TIPHYS, Engine(ARGO.name, False, 0, "")]) == []
    assert rules(engines=[Engine(TIPHYS.name, True, 2, "")]) == [], "they elect who acts"


def test_an_engine_that_has_fallen_silent_is_told():
    assert rules(applications=[app(NOW - timedelta(minutes=11))]) == ["engine-silent"]
    assert rules(applications=[app(None)]) == ["engine-silent"]
    assert rules(applications=[]) == []


def test_conditions_projects_and_definitions_are_told():
    condition = {"type": "ComparisonError", "message": "no such path"}
    assert rules(applications=[app(conditions=[condition])]) == ["condition"]
    assert rules(applications=[app(project="shop")]) == ["application-invalid"]
    assert rules(definitions=[]) == ["definition-missing"] * 2
    assert rules(denied={"apps/Deployment": ["patch"]}) == ["permission-missing"]
    assert rules(unreadable={"odd": "spec.source: expected an object"}) == ["application-invalid"]
