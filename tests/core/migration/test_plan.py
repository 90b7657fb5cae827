"""What a plan says of workloads and applications, and what keeps it from being done."""

import json
from typing import Any

import pytest

from core.migration.test_controllers import workload
from tiphys.core.migration.controllers import BEFORE, Controller, controllers
from tiphys.core.migration.plan import Glance, Plan, Situation, Verdict, handback, takeover
from tiphys.model.api import Application, decode_application
from tiphys.model.flow import Comparison, Difference, SyncCode
from tiphys.model.objects import AppName, Key
from tiphys.model.tracking import TIMELINE

WEB = AppName("argocd", "web")
KEY = Key("apps", "Deployment", "web", "web")
AUTOMATED: dict[str, Any] = {"syncPolicy": {"automated": {}}}


def argo(replicas: int = 1, **metadata: Any) -> Controller:
    body = workload("argocd-application-controller", "application-controller", replicas, **metadata)
    return controllers("StatefulSet", [body])[0]


def generator() -> Controller:
    return controllers(
        "Deployment", [workload("argocd-applicationset-controller", "applicationset-controller")]
    )[0]


def engine(replicas: int = 1, **metadata: Any) -> Controller:
    body = workload("tiphys", "engine", replicas, **metadata)
    return controllers("Deployment", [body])[0]


def app(sync: str = "Synced", spec: dict[str, Any] | None = None, **status: Any) -> Application:
    source = {"source": {"repoURL": "https://git.example.com/x"}, "destination": {}, "project": "default"}
    told = {"sync": {"status": sync}, "health": {"status": "Healthy"}, **status}
    metadata = {"name": WEB.name, "namespace": WEB.namespace}
    return decode_application(
        json.dumps({"metadata": metadata, "spec": {**source, **(spec or {})}, "status": told})
    )


def out(*paths: str) -> Comparison:
    return Comparison(KEY, SyncCode.OUT_OF_SYNC, tuple(Difference(path) for path in paths))


def planned(application: Application, glance: Glance) -> Plan:
    return takeover(Situation([argo()], [application], {WEB: glance}))


@pytest.mark.parametrize(
    ("application", "glance", "verdict", "refused"),
    [
        (app(), Glance(), Verdict.SAME, False),
        (app(), Glance([out("/metadata/annotations/x", "/metadata/labels/y")]), Verdict.MARKED, False),
        (app(), Glance([out("/metadata/annotations/x", "/spec/replicas")]), Verdict.CHANGED, False),
        (app(spec=AUTOMATED), Glance([out("/spec/replicas")]), Verdict.CHANGED, True),
        (app(spec=AUTOMATED), Glance([out()]), Verdict.CHANGED, True),
        (app("OutOfSync", AUTOMATED), Glance([out("/spec/replicas")]), Verdict.BEHIND, False),
        (app(""), Glance([out()]), Verdict.BEHIND, False),
        (app(), Glance(wrong="several sources are not built yet"), Verdict.LEFT, True),
        (app("Unknown"), Glance(wrong="several sources are not built yet"), Verdict.LEFT, False),
        (app(), Glance(silent="no answer"), Verdict.UNKNOWN, True),
        (app(), Glance([Comparison(KEY, SyncCode.UNKNOWN, message="?")]), Verdict.UNKNOWN, True),
    ],
)
def test_what_an_application_may_expect(
    application: Application, glance: Glance, verdict: Verdict, refused: bool
):
    plan = planned(application, glance)
    assert ([each.verdict for each in plan.prospects], plan.refused) == ([verdict], refused)


def test_a_sync_under_way_is_waited_for():
    running = app(operationState={"phase": "Running", "operation": {}, "startedAt": "2026-11-01T10:00:00Z"})
    for plan in (
        planned(running, Glance()),
        handback(Situation([argo(0, annotations={BEFORE: "1"})], [running])),
    ):
        assert plan.refused
        assert "is being synced" in plan.blockers[0]


def test_an_application_that_holds_argo_cd_itself_is_in_the_way_unless_it_leaves_the_replicas_alone():
    row = {
        "group": "apps",
        "kind": "StatefulSet",
        "namespace": "argocd",
        "name": argo().key.name,
        "version": "v1",
    }
    leaving = {
        "syncPolicy": {"syncOptions": ["RespectIgnoreDifferences=true"]},
        "ignoreDifferences": [{"group": "apps", "kind": "StatefulSet", "jsonPointers": ["/spec/replicas"]}],
    }
    assert planned(app(resources=[row]), Glance()).refused
    assert not planned(app(resources=[row], spec=leaving), Glance()).refused


@pytest.mark.parametrize(
    ("sets", "replicas"),
    [
        ([], 1),
        ([{"spec": {}}], 0),
        ([{"spec": {"preservedFields": {"annotations": [TIMELINE]}}}], 1),
        (
            [{"spec": {"preservedFields": {"annotations": [TIMELINE]}, "strategy": {"type": "RollingSync"}}}],
            0,
        ),
    ],
)
def test_the_applicationset_controller_steps_back_only_where_it_would_fight(sets: list[Any], replicas: int):
    plan = takeover(Situation([argo(), generator()], sets=sets))
    assert [step.replicas for step in plan.steps] == [0, replicas]
    assert any("ApplicationSets" in said for said in plan.warnings) == (replicas == 0)


def test_who_stepped_back_comes_again_and_the_engine_steps_back():
    plan = handback(Situation([argo(0, annotations={BEFORE: "2"}), generator(), engine()]))
    assert [step.replicas for step in plan.steps] == [2, 1, 0]
    forth = takeover(Situation([argo(2), engine(0, annotations={BEFORE: "1"})]))
    assert [step.replicas for step in forth.steps] == [0, 1]


def test_nobody_hands_back_to_who_would_not_come():
    plan = handback(Situation([argo(0), engine()]))
    assert plan.refused
    assert "kubectl -n argocd scale statefulset argocd-application-controller" in plan.blockers[0]


@pytest.mark.parametrize(
    ("settings", "parameters", "told"),
    [
        ({}, {}, ""),
        ({"url": "https://x", "dex.config": "y", "timeout.reconciliation": "60s"}, {}, ""),
        ({"application.resourceTrackingMethod": "label"}, {}, "tracks by the label"),
        ({"application.resourceTrackingMethod": "annotation+label"}, {}, "which Tiphys does not"),
        (
            {"resource.customizations.health.cert-manager.io_Certificate": "hs"},
            {},
            "cert-manager.io/Certificate",
        ),
        ({"resource.customizations.ignoreDifferences.all": "x"}, {}, ""),
        ({"resource.compareoptions": "ignoreAggregatedRoles: true"}, {}, ""),
        ({"resource.customizations.actions.apps_Deployment": "x"}, {}, ""),
        ({"application.sync.impersonation.enabled": "false"}, {}, ""),
        ({"installationID": "one"}, {}, "installation-id"),
        ({}, {"application.namespaces": "team-*"}, "TIPHYS_APPLICATION_NAMESPACES"),
        ({}, {"controller.sync.timeout.seconds": "0"}, ""),
    ],
)
def test_settings_that_are_not_followed_are_told(
    settings: dict[str, str], parameters: dict[str, str], told: str
):
    warnings = takeover(Situation([argo()], settings=settings, parameters=parameters)).warnings
    assert [told in said for said in warnings] == ([True] if told else [])


def test_before_3_0_the_label_was_the_default():
    body = workload("argocd-application-controller", "application-controller")
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "quay.io/argoproj/argocd:v2.14.1"
    plan = takeover(Situation(controllers("StatefulSet", [body])))
    assert "tracks by the label" in plan.warnings[0]
