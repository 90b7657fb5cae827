"""What applications are made of: charts on charts of their own repository, and folders at odd places."""

import pytest

from reconcile.charts import CHART, manifest
from reconcile.stage import Stage
from tiphys.model.errors import SpecError

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def chart(name: str, *needs: str, condition: str = "") -> dict[str, str]:
    """A chart with a ConfigMap of its name, on charts beside it."""
    head = CHART.format(name=name) + ("dependencies:\n" if needs else "")
    lines = [
        f"- {{name: {need}, version: 0.1.0, repository: file://../{need}{condition}}}\n" for need in needs
    ]
    return {
        f"charts/{name}/Chart.yaml": head + "".join(lines),
        f"charts/{name}/values.yaml": "{}\n",
        f"charts/{name}/templates/map.yaml": MAP.format(name=name),
    }


def maps(stage: Stage) -> set[str]:
    return {k.name for k in stage.server.records if (k.kind, k.namespace) == ("ConfigMap", "shop")}


async def test_a_dependency_brings_its_own_dependencies(stage: Stage) -> None:
    stage.push(chart("web", "base") | chart("base", "ground") | chart("ground"))
    stage.wants("shop", "charts/web")
    assert await stage.plays("shop") is None
    assert maps(stage) == {"web", "base", "ground"}


async def test_two_dependencies_may_need_the_same_chart(stage: Stage) -> None:
    stage.push(
        chart("web", "left", "right")
        | chart("left", "base")
        | chart("right", "base")
        | chart("base", "ground")
        | chart("ground")
    )
    stage.wants("shop", "charts/web")
    assert await stage.plays("shop") is None
    assert maps(stage) == {"web", "left", "right", "base", "ground"}


async def test_a_change_deep_below_is_a_change(stage: Stage) -> None:
    stage.push(chart("web", "base") | chart("base", "ground") | chart("ground"))
    stage.wants("shop", "charts/web")
    await stage.plays("shop")
    stage.push({"charts/ground/templates/map.yaml": MAP.format(name="deeper")})
    await stage.poll()
    await stage.plays("shop")
    assert maps(stage) == {"web", "base", "deeper"}


async def test_charts_that_need_each_other_are_told(stage: Stage) -> None:
    stage.push(chart("web", "base") | chart("base", "web"))
    stage.wants("shop", "charts/web")
    assert isinstance(await stage.plays("shop"), SpecError)
    assert "circle" in stage.conditions("shop")["ComparisonError"]


async def test_a_dependency_that_is_switched_off_is_left_out(stage: Stage) -> None:
    stage.push(chart("web", "base", condition=", condition: base.enabled") | chart("base"))
    stage.push({"charts/web/values.yaml": "base: {enabled: false}\n"})
    stage.wants("shop", "charts/web")
    assert await stage.plays("shop") is None
    assert maps(stage) == {"web"}


@pytest.mark.parametrize("repository", ["@bitnami", "alias:bitnami"])
async def test_an_alias_of_a_repository_is_told(stage: Stage, repository: str) -> None:
    line = f'dependencies:\n- {{name: redis, version: 1.0.0, repository: "{repository}"}}\n'
    stage.push(chart("web") | {"charts/web/Chart.yaml": CHART.format(name="web") + line})
    stage.wants("shop", "charts/web")
    assert isinstance(await stage.plays("shop"), SpecError)
    assert repository in stage.conditions("shop")["ComparisonError"]


@pytest.mark.parametrize("path", [".", ""])
async def test_the_root_of_a_repository_is_a_folder(stage: Stage, path: str) -> None:
    stage.push({"a.yaml": manifest("ConfigMap", "a"), "deep/b.yaml": manifest("ConfigMap", "b")})
    source = {"repoURL": stage.repo, "path": path, "targetRevision": "main"}
    stage.wants("shop", source=source)
    assert await stage.plays("shop") is None
    assert maps(stage) == {"a"}


async def test_a_lock_that_does_not_fit_the_chart_any_more_is_told(stage: Stage) -> None:
    line = "dependencies:\n- {name: redis, version: 2.x, repository: http://127.0.0.1:9/charts}\n"
    lock = "dependencies:\n- {name: redis, version: 1.0.0, repository: http://127.0.0.1:9/charts}\n"
    stage.push(
        chart("web")
        | {"charts/web/Chart.yaml": CHART.format(name="web") + line, "charts/web/Chart.lock": lock}
    )
    stage.wants("shop", "charts/web")
    assert isinstance(await stage.plays("shop"), SpecError)
    assert "Chart.lock" in stage.conditions("shop")["ComparisonError"]
