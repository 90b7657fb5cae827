"""Helm charts: a ``ChartRender`` told to the toolbox, its dependencies laid where Helm looks for them."""

import asyncio
import os
import shutil
from pathlib import Path

from tiphys.adapters.render.toolbox import Toolbox
from tiphys.model.errors import SpecError
from tiphys.model.rendering import ChartRender, Rendered, RenderedObject


async def render_chart(toolbox: Toolbox, chart: ChartRender, deadline_seconds: float) -> Rendered:
    """
    The objects that ``helm template --include-crds`` prints, in Helm's order, hooks among them.

    Raises ``SpecError`` with Helm's words, file and line for what is wrong with the chart or its values.
    """
    await asyncio.to_thread(_bring, chart)
    answer = await toolbox.call(
        "helm.render", _arguments(chart), deadline_seconds, doing=f"render chart {_shown(chart)}"
    )
    return Rendered(
        tuple(RenderedObject(o["file"], o["object"]) for o in answer["objects"]),
        answer["usesCapabilities"],
        tuple(answer["nondeterministic"]),
    )


def _arguments(chart: ChartRender) -> dict[str, object]:
    return {
        "root": chart.root,
        "dir": chart.chart,
        "releaseName": chart.release_name,
        "namespace": chart.namespace,
        "valueFiles": chart.value_files,
        "values": chart.values,
        "valuesObject": chart.values_object,
        "set": chart.set_values,
        "setString": chart.set_strings,
        "setFile": chart.set_files,
        "kubeVersion": chart.kube_version,
        "apiVersions": tuple(chart.api_versions),
        "skipCrds": chart.skip_crds,
        "skipTests": chart.skip_tests,
        "skipSchemaValidation": chart.skip_schema_validation,
    }


def _shown(chart: ChartRender) -> str:
    relative = os.path.relpath(chart.chart, chart.root)
    return Path(chart.chart).name if relative == "." else relative


def _bring(chart: ChartRender) -> None:
    for source, target in chart.brought:
        _check_inside(chart, target)
        if Path(source).is_dir():
            # A link stays a link: the toolbox follows none that leads out, and a copy would have followed it.
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        else:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _check_inside(chart: ChartRender, target: str) -> None:
    """A dependency's name is the user's: it must not choose a place outside of the render's folder."""
    root = Path(chart.root).resolve()
    place = Path(target)
    if place.name in ("", "..") or not place.resolve().is_relative_to(root):
        raise SpecError(
            f"render chart {_shown(chart)}: the dependency {place.name!r} would lie outside of the chart's "
            f"folder; correct its name in Chart.yaml"
        )
