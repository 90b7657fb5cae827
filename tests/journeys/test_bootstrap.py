"""The root goes and comes back without helm, under a running engine; what its applications made never notices."""

import time
from typing import Any

from journeys.conftest import Platform, until
from tiphys.local import demo

WORKLOADS = "deployments,services,serviceaccounts,ingresses,scaledobjects"


def made(platform: Platform) -> dict[str, tuple[str, int]]:
    """What applications made: its identity, and how often its spec was changed."""
    items: list[dict[str, Any]] = platform.get(WORKLOADS, "-A")["items"]
    return {
        f"{each['kind']} {each['metadata']['namespace']}/{each['metadata']['name']}": (
            each["metadata"]["uid"],
            each["metadata"].get("generation", 0),
        )
        for each in items
    }


def test_the_root_is_uninstalled_and_bootstrapped_and_no_workload_notices(platform: Platform) -> None:
    before = made(platform)
    told = platform.tiphys("uninstall", demo.ROOT)
    assert f'Release "{demo.ROOT}" uninstalled: 4 deleted' in told
    assert not platform.get("applications", "-A")["items"]
    time.sleep(3)  # the engine runs, and would have begun to delete by now
    assert made(platform) == before

    chart = str(demo.root_chart(platform.place))
    assert "installed in namespace argocd: revision 1" in platform.tiphys("bootstrap", chart)
    until(platform.all_well, 60, "the applications are synced and healthy again")
    assert made(platform) == before

    platform.upgrade_root()
    assert "revision 3" in platform.tiphys("bootstrap", chart)
    assert made(platform) == before
