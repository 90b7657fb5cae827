"""Helm charts: what a ``ChartRender`` says, told to the toolbox."""

import os
from pathlib import Path

from tiphys.adapters.render.toolbox import Toolbox
from tiphys.model.rendering import ChartRender, Rendered, RenderedObject


async def render_chart(toolbox: Toolbox, chart: ChartRender, deadline_seconds: float) -> Rendered:
    """
    The objects that ``helm template --include-crds`` prints, in Helm's order, hooks among them.

    What is ``brought`` is read as if it lay where it is to be; nothing is written. Raises ``SpecError`` with
    Helm's words, file and line for what is wrong with the chart or its values.
    """
    answer = await toolbox.call(
        "helm.render", arguments(chart), deadline_seconds, doing=f"render chart {shown(chart)}"
    )
    return Rendered(
        tuple(RenderedObject(o["file"], o["object"]) for o in answer["objects"]),
        answer["usesCapabilities"],
        tuple(answer["nondeterministic"]),
    )


def arguments(chart: ChartRender) -> dict[str, object]:
    """What the toolbox is told of a chart to render."""
    return {
        "root": chart.root,
        "dir": chart.chart,
        "brought": [{"from": source, "to": target} for source, target in chart.brought],
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


def shown(chart: ChartRender) -> str:
    """The chart's folder, for messages."""
    relative = os.path.relpath(chart.chart, chart.root)
    return Path(chart.chart).name if relative == "." else relative
