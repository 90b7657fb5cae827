"""Fields that do not count, and those that a sync leaves as they are."""

from typing import Any

import pytest

from memory.merging import Writer
from reconcile.charts import chart, manifest
from reconcile.stage import AUTOMATED, USER, Stage, key
from tiphys.model.objects import Key

WEB = key("Deployment", "shop")
IMAGE = '.spec.template.spec.containers[] | select(.name == "web") | .image'
RESPECT = {**AUTOMATED, "syncOptions": ["RespectIgnoreDifferences=true"]}


def rule(**rest: Any) -> list[dict[str, Any]]:
    return [{"group": "apps", "kind": "Deployment", **rest}]


def containers(stage: Stage) -> dict[str, str]:
    """The images of the live containers by name."""
    live = stage.live("Deployment", "shop", "apps")
    assert live is not None
    return {each["name"]: each["image"] for each in live["spec"]["template"]["spec"]["containers"]}


def injects(stage: Stage, image: str = "by-hand", *more: dict[str, Any], who: Writer | None = None) -> None:
    """Somebody puts containers before the one of Git, and another image into that one."""
    live = stage.live("Deployment", "shop", "apps")
    assert live is not None
    web = {**live["spec"]["template"]["spec"]["containers"][-1], "image": image}
    patch = {"spec": {"template": {"spec": {"containers": [*more, web]}}}}
    stage.server.patch(WEB, patch, who or Writer("Update", "kubectl-edit"))


async def plays(stage: Stage) -> tuple[str, str]:
    """What the application says when there is nothing left to do."""
    assert await stage.plays("shop") is None
    return stage.says("shop")


@pytest.mark.parametrize("policy", [AUTOMATED, RESPECT])
async def test_what_jq_names_does_not_count(stage: Stage, policy: dict[str, Any]) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", ignoreDifferences=rule(jqPathExpressions=[IMAGE]), syncPolicy=policy)
    await plays(stage)
    injects(stage, "by-hand", {"name": "sidecar", "image": "proxy"})
    assert await plays(stage) == ("Synced", "Healthy")
    assert containers(stage) == {"sidecar": "proxy", "web": "by-hand"}
    assert stage.conditions("shop") == {}


async def test_what_jq_names_is_kept_by_a_sync_that_respects_it(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", ignoreDifferences=rule(jqPathExpressions=[IMAGE]), syncPolicy=RESPECT)
    await plays(stage)
    injects(stage, "by-hand", {"name": "sidecar", "image": "proxy"})
    stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v2\nreplicas: 2\n"})
    await stage.poll()
    await stage.plays("shop")
    live = stage.live("Deployment", "shop", "apps")
    assert live is not None
    assert live["spec"]["replicas"] == 2
    assert containers(stage) == {"sidecar": "proxy", "web": "by-hand"}
    assert stage.says("shop") == ("Synced", "Healthy")


async def test_without_respect_a_sync_for_another_reason_writes_it_as_in_argo_cd(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", ignoreDifferences=rule(jqPathExpressions=[IMAGE]))
    await plays(stage)
    injects(stage)
    stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v2\nreplicas: 2\n"})
    await stage.poll()
    await stage.plays("shop")
    assert containers(stage) == {"web": "example.org/shop:v2"}


async def test_what_jq_does_not_name_counts(stage: Stage) -> None:
    stage.push(chart("shop"))
    other = IMAGE.replace("web", "other")
    stage.wants("shop", ignoreDifferences=rule(jqPathExpressions=[other]), syncPolicy={"automated": {}})
    await plays(stage)
    injects(stage)
    assert (await plays(stage))[0] == "OutOfSync"


async def test_an_unchanged_object_asks_jq_nothing(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", ignoreDifferences=rule(jqPathExpressions=[IMAGE]))
    await plays(stage)
    stage.engines.asked.clear()
    await stage.tells("shop")
    assert stage.engines.asked == []
    injects(stage)
    await stage.plays("shop")
    assert set(stage.engines.asked) == {IMAGE}


@pytest.mark.parametrize(
    ("expression", "why"),
    [(".spec |", "unexpected token"), ("def f: f; f", "did not end"), (".spec | length", "computes a value")],
)
async def test_a_broken_or_endless_expression_ignores_nothing_and_is_told(
    stage: Stage, expression: str, why: str
) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", ignoreDifferences=rule(jqPathExpressions=[expression, IMAGE]))
    assert await plays(stage) == ("Synced", "Healthy")
    assert why in stage.conditions("shop")["IgnoreDifferencesWarning"]
    injects(stage)
    assert await plays(stage) == ("Synced", "Healthy")
    assert containers(stage) == {"web": "by-hand"}
    assert stage.engines.asked.count(expression) == 1


@pytest.mark.parametrize("policy", [AUTOMATED, RESPECT])
async def test_what_a_named_manager_owns_does_not_count(stage: Stage, policy: dict[str, Any]) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", ignoreDifferences=rule(managedFieldsManagers=["injector"]), syncPolicy=policy)
    await plays(stage)
    injects(stage, "injected", {"name": "sidecar", "image": "proxy"}, who=Writer("Update", "injector"))
    assert await plays(stage) == ("Synced", "Healthy")
    assert containers(stage) == {"sidecar": "proxy", "web": "injected"}


async def test_what_a_named_manager_owns_is_kept_by_a_sync_that_respects_it(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", ignoreDifferences=rule(managedFieldsManagers=["injector"]), syncPolicy=RESPECT)
    await plays(stage)
    injects(stage, "injected", who=Writer("Update", "injector"))
    stage.push({"shop/values.yaml": "image: example.org/shop\ntag: v2\nreplicas: 2\n"})
    await stage.poll()
    await stage.plays("shop")
    assert containers(stage) == {"web": "injected"}
    assert stage.says("shop") == ("Synced", "Healthy")


async def test_what_another_manager_owns_counts(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants(
        "shop", ignoreDifferences=rule(managedFieldsManagers=["injector"]), syncPolicy={"automated": {}}
    )
    await plays(stage)
    injects(stage)
    assert (await plays(stage))[0] == "OutOfSync"


SETTINGS = key("ConfigMap", "argocd-cm", "argocd")
DEPLOYMENTS = "resource.customizations.ignoreDifferences.apps_Deployment"


def sets(stage: Stage, **data: str) -> None:
    """The settings of the installation, as somebody writes them."""
    if stage.live("ConfigMap", "argocd-cm", namespace="argocd"):
        stage.by_hand(SETTINGS, {"data": data})
        return
    metadata = {"name": "argocd-cm", "namespace": "argocd"}
    stage.server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}, USER)


async def test_a_rule_of_the_system_holds_at_once_and_ends_at_once(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop", syncPolicy={"automated": {}})
    await plays(stage)
    injects(stage)
    assert (await plays(stage))[0] == "OutOfSync"
    sets(stage, **{DEPLOYMENTS: f"jqPathExpressions:\n- '{IMAGE}'\n"})
    assert (await plays(stage))[0] == "Synced"
    sets(stage, **{DEPLOYMENTS: "jsonPointers: [/spec/replicas]"})
    assert (await plays(stage))[0] == "OutOfSync"
    stage.server.delete(SETTINGS)
    assert (await plays(stage))[0] == "OutOfSync"


async def test_a_rule_of_the_system_in_the_old_form(stage: Stage) -> None:
    stage.push(chart("shop"))
    old = f"apps/*:\n  ignoreDifferences: |\n    jqPathExpressions:\n    - '{IMAGE}'\n"
    sets(stage, **{"resource.customizations": old})
    stage.wants("shop", syncPolicy=RESPECT)
    await plays(stage)
    injects(stage)
    assert await plays(stage) == ("Synced", "Healthy")
    assert containers(stage) == {"web": "by-hand"}


async def test_settings_are_understood_once_and_only_where_there_are_some(stage: Stage) -> None:
    stage.push(chart("shop"))
    stage.wants("shop")
    await plays(stage)
    assert DEPLOYMENTS not in stage.engines.decoded
    sets(stage, **{DEPLOYMENTS: "jsonPointers: [/spec/replicas]"})
    await plays(stage)
    await stage.tells("shop")
    assert stage.engines.decoded.count(DEPLOYMENTS) == 1


async def test_malformed_settings_are_told_and_the_others_hold(stage: Stage) -> None:
    stage.push(chart("shop"))
    sets(
        stage,
        **{
            DEPLOYMENTS: f"jqPathExpressions:\n- '{IMAGE}'\n",
            "resource.compareoptions": "{[",
            "resource.customizations.ignoreDifferences.all": "jsonPointers: no",
        },
    )
    stage.wants("shop")
    await plays(stage)
    injects(stage)
    assert await plays(stage) == ("Synced", "Healthy")
    told = stage.conditions("shop")["IgnoreDifferencesWarning"]
    assert "jsonPointers must be a list of texts" in told or "resource.compareoptions" in told
    assert containers(stage) == {"web": "by-hand"}


async def test_the_rules_of_an_aggregated_role_count_unless_they_are_not_to(stage: Stage) -> None:
    role = manifest(
        "ClusterRole",
        "shop",
        "rbac.authorization.k8s.io/v1",
        aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]},
        rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    )
    stage.push(chart("shop", role=role))
    stage.wants("shop", syncPolicy={"automated": {}})
    await plays(stage)
    gathered = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    stage.by_hand(Key("rbac.authorization.k8s.io", "ClusterRole", "", "shop"), {"rules": gathered})
    assert (await plays(stage))[0] == "OutOfSync"
    sets(stage, **{"resource.compareoptions": "ignoreAggregatedRoles: true"})
    assert (await plays(stage))[0] == "Synced"
