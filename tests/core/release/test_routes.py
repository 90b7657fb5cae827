"""Where an application's files are for two environments."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from tiphys.core.release.routes import Route, Ways, files_of, reading, routes, same_repository
from tiphys.model.api import Application, decode_application

REPO = "https://git.example.com/charts.git"


def application(name: str, *sources: dict[str, Any]) -> Application:
    spec = {
        "project": "default",
        "destination": {},
        "sources": [{"repoURL": REPO, **each} for each in sources],
    }
    meta = {"name": name, "namespace": "argocd"}
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": meta, "spec": spec}
    return decode_application(orjson.dumps(body))


def chosen(ways: Ways, there: set[str], applications: Sequence[Application] = ()) -> Route | None:
    found = routes(ways, applications, REPO)
    return next((route for route in found if {route.source, route.target} <= there), None)


HOMEPAGE = Ways("homepage", "dev", "prod")


@pytest.mark.parametrize(
    ("app", "source", "target"),
    [
        ("homepage", "charts/homepage/values-dev.yaml", "charts/homepage/values-prod.yaml"),
        ("charts/homepage", "charts/homepage/values-dev.yaml", "charts/homepage/values-prod.yaml"),
        ("homepage", "homepage/envs/dev.yaml", "homepage/envs/prod.yaml"),
        ("homepage", "charts/homepage-dev/values.yaml", "charts/homepage-prod/values.yaml"),
        ("homepage-dev", "charts/homepage-dev/values.yaml", "charts/homepage-prod/values.yaml"),
        ("homepage", "charts/dev/homepage/values.yaml", "charts/prod/homepage/values.yaml"),
        (
            "homepage",
            "apps/homepage/overlays/dev/kustomization.yaml",
            "apps/homepage/overlays/prod/kustomization.yaml",
        ),
    ],
)
def test_every_usual_layout_is_found(app: str, source: str, target: str):
    assert chosen(Ways(app, "dev", "prod"), {source, target}) == Route(source, target)


def test_files_may_be_named():
    here = {"charts/homepage/values.yaml", "charts/homepage/values-eu.yaml"}
    wanted = Route("charts/homepage/values.yaml", "charts/homepage/values-eu.yaml")
    assert chosen(Ways("homepage", "values.yaml", "values-eu.yaml"), here) == wanted
    assert chosen(Ways("homepage", "values.yaml", "eu"), here) == wanted
    assert chosen(Ways("x", "charts/homepage/values.yaml", "charts/homepage/values-eu.yaml"), here) == wanted


def test_what_an_application_reads_comes_first():
    dev = application(
        "homepage-dev", {"path": "deploy/site", "helm": {"valueFiles": ["values.yaml", "dev/site.yaml"]}}
    )
    there = {"deploy/site/dev/site.yaml", "deploy/site/prod/site.yaml", "charts/homepage/values-dev.yaml"}
    assert chosen(HOMEPAGE, there, [dev]) == Route("deploy/site/dev/site.yaml", "deploy/site/prod/site.yaml")


def test_two_applications_lead_from_one_file_to_the_other():
    dev, prod = application("homepage-dev", {"path": "a"}), application("homepage-prod", {"path": "b"})
    assert chosen(HOMEPAGE, {"a/values.yaml", "b/values.yaml"}, [dev, prod]) == Route(
        "a/values.yaml", "b/values.yaml"
    )


def test_part_of_a_word_is_no_environment():
    app = application("device-dev", {"path": "charts/device"})
    assert (
        chosen(
            Ways("device", "dev", "prod"), {"charts/device/values.yaml", "charts/prodice/values.yaml"}, [app]
        )
        is None
    )


def test_the_file_that_wins_comes_first():
    app = application(
        "web", {"path": "charts/web", "helm": {"valueFiles": ["values.yaml", "/shared/dev.yaml"]}}
    )
    assert files_of(app, REPO) == [
        "shared/dev.yaml",
        "charts/web/values.yaml",
        "charts/web/kustomization.yaml",
    ]


def test_a_file_of_another_source_is_found_by_its_ref():
    app = application(
        "web",
        {
            "repoURL": "https://charts.example.com",
            "chart": "web",
            "helm": {"valueFiles": ["$values/web/dev.yaml"]},
        },
        {"ref": "values"},
    )
    assert "web/dev.yaml" in files_of(app, REPO)
    assert files_of(app, "https://elsewhere.example.com/x.git") == []


def test_an_application_for_which_a_file_is_only_the_base_does_not_speak_for_it():
    dev = application("web-dev", {"path": "w", "helm": {"valueFiles": ["values-dev.yaml"]}})
    base = application("web", {"path": "w"})
    assert [a.metadata.name for a in reading("w/values.yaml", [dev, base], REPO)] == ["web"]
    assert [a.metadata.name for a in reading("w/values-dev.yaml", [dev, base], REPO)] == ["web-dev"]


@pytest.mark.parametrize(
    "other",
    [
        "https://git.example.com/charts",
        "git@git.example.com:charts.git",
        "https://x:y@GIT.example.com/charts.git/",
    ],
)
def test_one_repository_has_many_urls(other: str):
    assert same_repository(REPO, other)
    assert not same_repository(REPO, other.replace("charts", "other"))
