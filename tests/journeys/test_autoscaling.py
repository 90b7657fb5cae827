"""Replicas belong to the autoscaler, and never pass through another number, as a watch proves."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import tiphys_localkube
from journeys.conftest import Platform, until


@pytest.fixture
def watched(platform: Platform) -> Iterator[list[int]]:
    """Every number of replicas that homepage's Deployment is seen with."""
    with _watching(platform) as seen:
        until(lambda: seen, 10, "the watch began")
        yield seen


@contextmanager
def _watching(platform: Platform) -> Iterator[list[int]]:
    words = [
        "get",
        "deployment",
        "homepage",
        "-n",
        "homepage",
        "--watch",
        "-o",
        "jsonpath={.spec.replicas}{'\\n'}",
    ]
    command = [tiphys_localkube.binary(), "kubectl", "--kubeconfig", platform.place.kubeconfig, *words]
    seen: list[int] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = process.stdout or ()
        reader = threading.Thread(target=lambda: seen.extend(int(line) for line in lines if line.strip()))
        reader.start()
        try:
            yield seen
        finally:
            process.terminate()
            reader.join()


def scale(platform: Platform, replicas: int) -> None:
    """Scale as an autoscaler does: by the scale subresource."""
    platform.kubectl("scale", "deployment", "homepage", "-n", "homepage", f"--replicas={replicas}")


def test_what_a_scaledobject_scaled_stays_through_the_next_release(platform: Platform, watched: list[int]):
    scale(platform, 3)
    until(lambda: watched[-1] == 3, 10, "scaled to 3")
    until(platform.all_well, 20, "homepage is still synced, and healthy")
    del watched[:-1]
    commit = platform.bump("homepage", "4.0.0")
    until(lambda: platform.live_at("homepage", commit), 40, "the release is live")
    assert platform.image("homepage").endswith(":4.0.0")
    assert set(watched) == {3}


def test_what_an_hpa_scaled_stays_too_without_any_ignore_differences(platform: Platform, watched: list[int]):
    application = platform.app("homepage")
    remove = [{"op": "remove", "path": "/spec/ignoreDifferences"}]
    _patch(platform, remove if application["spec"].get("ignoreDifferences") else [])
    hpa: dict[str, Any] = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "keda-hpa-homepage", "namespace": "homepage"},
        "spec": {
            "minReplicas": 2,
            "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "homepage"},
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                }
            ],
        },
    }
    try:
        _apply(platform, hpa)
        scale(platform, 4)
        until(lambda: watched[-1] == 4, 10, "scaled to 4")
        del watched[:-1]
        commit = platform.bump("homepage", "4.1.0")
        until(lambda: platform.live_at("homepage", commit), 40, "the release is live")
        assert set(watched) == {4}
    finally:
        platform.kubectl("delete", "hpa", "keda-hpa-homepage", "-n", "homepage")
        platform.upgrade_root()


def _patch(platform: Platform, patch: list[dict[str, Any]]) -> None:
    words = ["patch", "application", "homepage", "-n", "argocd", "--type=json", "-p", json.dumps(patch)]
    platform.kubectl(*words)


def _apply(platform: Platform, body: dict[str, Any]) -> None:
    file = platform.place.folder / "hpa.json"
    file.write_text(json.dumps(body))
    platform.kubectl("apply", "-f", str(file))
