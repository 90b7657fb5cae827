"""Fields that others write, on real objects: named by jq in ``argocd-cm``, at once and as long as they are named."""

from typing import Any

import yaml

from journeys.conftest import POLL, Platform, until
from tiphys.local.place import NAMESPACE

HOOK = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "MutatingWebhookConfiguration",
    "metadata": {"name": "journey"},
    "webhooks": [
        {
            "name": f"{name}.example.com",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Ignore",
            "clientConfig": {"url": f"https://{name}.example.com/", "caBundle": "Cg=="},
            "rules": [
                {
                    "apiGroups": ["example.com"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["none"],
                }
            ],
        }
        for name in ("one", "two")
    ],
}
WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.journey.example.com"},
    "spec": {
        "group": "journey.example.com",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "description": "Of Git"}},
            }
        ],
    },
}
IDLE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "idle"},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "idle"}},
        "template": {
            "metadata": {"labels": {"app": "idle"}},
            "spec": {"containers": [{"name": n, "image": f"example.org/{n}:1"} for n in ("proxy", "web")]},
        },
    },
}
IGNORED = "resource.customizations.ignoreDifferences."
SETTINGS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "argocd-cm", "namespace": NAMESPACE},
    "data": {
        IGNORED + "admissionregistration.k8s.io_MutatingWebhookConfiguration": (
            "jqPathExpressions: ['.webhooks[]?.clientConfig.caBundle']"
        ),
        IGNORED + "apiextensions.k8s.io_CustomResourceDefinition": (
            "jqPathExpressions: ['.spec.versions[].schema.openAPIV3Schema.description']"
        ),
        IGNORED + "apps_Deployment": (
            """jqPathExpressions: ['.spec.template.spec.containers[] | select(.name == "proxy") | .image']"""
        ),
    },
}
BY_HAND = ("Cgo=", "By hand", "example.org/proxy:2")
OF_GIT = ("Cg==", "Of Git", "example.org/proxy:1")


def test_fields_that_jq_names_are_left_to_others_until_nobody_names_them(platform: Platform):
    file = platform.charts / "charts/metrics/templates/journey.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump_all([HOOK, WIDGETS, IDLE]))
    settings = platform.place.work / "argocd-cm.yaml"
    settings.write_text(yaml.safe_dump(SETTINGS))
    platform.kubectl("apply", "-f", str(settings))
    try:
        commit = platform.push("three objects that others write to")
        until(lambda: platform.live_at("metrics", commit), POLL + 20, "the objects are there")
        _write(platform)
        # A field that nobody ignores is healed after what came before it was looked at.
        platform.kubectl("scale", "deployment", "idle", "-n", "monitoring", "--replicas", "1")
        until(lambda: _replicas(platform) == 0, 5, "the replicas are what Git says")
        until(lambda: platform.apps()["metrics"][0] == "Synced", 5, "what others wrote does not count")
        # Without RespectIgnoreDifferences the sync that healed wrote the proxy of its object too.
        assert _written(platform)[:2] == BY_HAND[:2]

        platform.kubectl("delete", "configmap", "argocd-cm", "-n", NAMESPACE)
        until(lambda: _written(platform) == OF_GIT, 10, "everything is what Git says")
        # A definition that goes while its storage is made anew stays for minutes, whoever deletes it.
        until(lambda: _served(platform), 20, "the definition that was changed is served")
    finally:
        platform.kubectl("delete", "configmap", "argocd-cm", "-n", NAMESPACE, "--ignore-not-found")
        file.unlink()
        platform.push("three objects less")
    until(
        lambda: not platform.kubectl("get", "deploy", "idle", "-n", "monitoring", "--ignore-not-found"),
        20,
        "pruned",
    )
    until(platform.all_well, 20, "all is well")


def _served(platform: Platform) -> bool:
    try:
        platform.kubectl("get", "widgets.journey.example.com", "-A")
    except AssertionError:
        return False
    return True


def _write(platform: Platform) -> None:
    """Others write what is theirs."""
    for number in (0, 1):
        patch = (
            f'[{{"op":"replace","path":"/webhooks/{number}/clientConfig/caBundle","value":"{BY_HAND[0]}"}}]'
        )
        platform.kubectl("patch", "mutatingwebhookconfiguration", "journey", "--type=json", "-p", patch)
    place = "/spec/versions/0/schema/openAPIV3Schema/description"
    patch = f'[{{"op":"replace","path":"{place}","value":"{BY_HAND[1]}"}}]'
    platform.kubectl("patch", "crd", "widgets.journey.example.com", "--type=json", "-p", patch)
    platform.kubectl("set", "image", "deployment/idle", "-n", "monitoring", f"proxy={BY_HAND[2]}")


def _written(platform: Platform) -> tuple[Any, ...]:
    """What is live where others wrote."""
    hook = platform.get("mutatingwebhookconfiguration", "journey")
    definition = platform.get("crd", "widgets.journey.example.com")
    idle = platform.get("deployment", "idle", "-n", "monitoring")
    [bundle] = {each["clientConfig"]["caBundle"] for each in hook["webhooks"]}
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return bundle, schema["description"], idle["spec"]["template"]["spec"]["containers"][0]["image"]


def _replicas(platform: Platform) -> int:
    found: int = platform.get("deployment", "idle", "-n", "monitoring")["spec"]["replicas"]
    return found
