"""What is found in an Application and its objects before anything is applied."""

from typing import Any

import orjson
import pytest

from tiphys.core.lint.applications import WAVE, AppFacts, Seen, application_findings, duplicates
from tiphys.core.lint.finding import Finding, Place, sorted_findings
from tiphys.model.api import Application, decode_application
from tiphys.model.objects import Body, key_of

REPLICAS = ("spec", "replicas")


def app(name: str = "homepage", *, options: list[str] | None = None, **metadata: Any) -> Application:
    return decode_application(
        orjson.dumps(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
                "metadata": {"name": name, "namespace": "argocd", **metadata},
                "spec": {
                    "project": "default",
                    "source": {"repoURL": "https://git.example.com/charts.git", "path": f"charts/{name}"},
                    "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
                    "syncPolicy": {"syncOptions": options or []},
                },
            }
        )
    )


def deployment(name: str = "web", image: str = "ghcr.io/x/web:v1", **annotations: str) -> Body:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "homepage", "annotations": annotations},
        "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "x", "image": image}]}}},
    }


def seen(body: Body, *ignored: tuple[str, ...]) -> Seen:
    return Seen(key_of(body), body, "charts/homepage/templates/x.yaml", ignored)


def found(application: Application, *objects: Seen, **facts: Any) -> list[Finding]:
    return list(application_findings(AppFacts(application, Place("root.yaml"), objects, **facts)))


def test_a_sound_application_has_nothing():
    assert found(app(), seen(deployment())) == []


def test_an_ignored_field_that_git_names_is_written_by_each_sync():
    [told] = found(app(), seen(deployment(), REPLICAS))
    assert told.rule == "ignored-not-respected"
    assert "/spec/replicas" in told.said
    assert told.place.file.endswith("x.yaml")


def test_nor_is_it_told_where_it_is_respected_or_left_to_an_autoscaler():
    respecting = app(options=["RespectIgnoreDifferences=true"])
    assert found(respecting, seen(deployment(), REPLICAS)) == []
    scaled = found(app(), seen(deployment(), REPLICAS), scaled={key_of(deployment())})
    assert [each.rule for each in scaled] == ["autoscaled-replicas"]


@pytest.mark.parametrize("image", ["ghcr.io/x/web", "ghcr.io:5000/x/web:latest"])
def test_an_image_that_moves_is_told(image: str):
    assert [each.rule for each in found(app(), seen(deployment(image=image)))] == ["image-unpinned"]


@pytest.mark.parametrize("image", ["ghcr.io:5000/x/web:v1", "web@sha256:" + "0" * 64])
def test_an_image_that_does_not_move_is_left_alone(image: str):
    assert found(app(), seen(deployment(image=image))) == []


def test_waves_that_order_nothing_are_told():
    alone = found(app(), seen(deployment(**{WAVE: "3"})))
    assert [each.rule for each in alone] == ["wave-without-effect"]
    assert found(app(), seen(deployment(**{WAVE: "3"})), seen(deployment("other"))) == []


def test_a_wave_on_a_pod_template_is_told():
    body = deployment()
    body["spec"]["template"]["metadata"] = {"annotations": {WAVE: "1"}}
    [told] = found(app(), seen(body))
    assert told.remedy == "move it to metadata.annotations"


def test_words_are_told_once_at_their_place():
    application = app(options=["CreateNamespaces=true"], finalizers=["resource-finalizer.argocd.argoproj.io"])
    told = found(application, seen(deployment(**{WAVE: "x"})), seen(deployment("b")))
    rules = [(each.rule, each.place.file) for each in told]
    assert rules == [
        ("misspelt-word", "root.yaml"),
        ("misspelt-word", "root.yaml"),
        ("misspelt-word", "charts/homepage/templates/x.yaml"),
    ]


def test_one_hook_of_argo_cds_kind_hides_helms():
    argo = seen(deployment("a", **{"argocd.argoproj.io/hook": "PreSync"}))
    helm = seen(deployment("h", **{"helm.sh/hook": "pre-install"}))
    assert [each.rule for each in found(app(), argo, helm)] == ["helm-hooks-ignored"]
    assert found(app(), helm) == []


def test_two_applications_that_want_one_object_are_told_and_so_are_two_of_one_name():
    first, second = (AppFacts(app(name), Place(f"{name}.yaml"), [seen(deployment())]) for name in ("a", "b"))
    assert [each.rule for each in duplicates([first, second])] == ["duplicate-object"]
    assert [each.rule for each in duplicates([first, first])] == ["duplicate-application"]


def test_the_worst_comes_first_and_nothing_twice():
    bad, odd = (Finding(rule, Place("x"), "said", "do") for rule in ("render-fails", "lock-missing"))
    assert sorted_findings([odd, bad, odd]) == [bad, odd]
