"""What Git wants is healed, what nobody wants is pruned, what is nobody's business is left alone."""

import time

from journeys.conftest import POLL, Platform, until


def test_an_edit_by_hand_of_a_managed_field_is_healed_and_one_nobody_asked_for_is_left_alone(
    platform: Platform,
):
    platform.kubectl("annotate", "service", "api", "-n", "api", "example.com/note=mine", "--overwrite")
    patch = '{"spec":{"ports":[{"port":80,"name":"http","targetPort":9999}]}}'
    wanted = platform.get("service", "api", "-n", "api")["spec"]["ports"][0]["targetPort"]
    began = time.monotonic()
    platform.kubectl("patch", "service", "api", "-n", "api", "-p", patch)

    def healed() -> bool:
        return platform.get("service", "api", "-n", "api")["spec"]["ports"][0]["targetPort"] == wanted

    until(healed, 3, "the port is what Git says")
    assert time.monotonic() - began < 3
    annotations = platform.get("service", "api", "-n", "api")["metadata"]["annotations"]
    assert annotations["example.com/note"] == "mine"


def test_a_deleted_object_comes_back(platform: Platform):
    platform.kubectl("delete", "service", "api", "-n", "api")
    until(lambda: platform.kubectl("get", "svc", "-n", "api", "--ignore-not-found"), 5, "the service is back")


def test_a_file_removed_from_git_is_pruned_and_only_told_where_prune_is_off(platform: Platform):
    extra = platform.charts / "charts/metrics/templates/extra.yaml"
    extra.parent.mkdir(exist_ok=True)
    extra.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\ndata:\n  a: b\n")

    def there() -> bool:
        return bool(platform.kubectl("get", "configmap", "extra", "-n", "monitoring", "--ignore-not-found"))

    commit = platform.push("add extra")
    until(lambda: there() and platform.live_at("metrics", commit), POLL + 15, "extra is there")

    _set_prune(platform, "false")
    extra.unlink()
    platform.push("remove extra")
    until(lambda: platform.apps()["metrics"][0] == "OutOfSync", POLL + 15, "metrics is out of sync")
    [told] = [r for r in platform.app("metrics")["status"]["resources"] if r["name"] == "extra"]
    assert told["status"] == "OutOfSync"
    assert told["requiresPruning"] is True
    time.sleep(2)
    assert there()

    _set_prune(platform, "true")
    until(lambda: not there(), 15, "extra is pruned")
    until(platform.all_well, 15, "all is well")


def _set_prune(platform: Platform, value: str) -> None:
    patch = f'{{"spec":{{"syncPolicy":{{"automated":{{"prune":{value}}}}}}}}}'
    platform.kubectl("patch", "application", "metrics", "-n", "argocd", "--type=merge", "-p", patch)
