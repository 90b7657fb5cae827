"""Releases: a chart rendered for an install, told to the toolbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tiphys.adapters.render.charts import arguments, shown
from tiphys.adapters.render.toolbox import Toolbox
from tiphys.model.objects import Body
from tiphys.model.releases import Found, Hook, Lookup, MadeRelease
from tiphys.model.rendering import ChartRender, RenderedObject


@dataclass(frozen=True, slots=True)
class Terms:
    """What an install knows that ``helm template`` does not."""

    revision: int
    upgrade: bool
    found: Found


async def definitions(
    toolbox: Toolbox, chart: ChartRender, deadline_seconds: float
) -> tuple[RenderedObject, ...]:
    """The objects of the ``crds/`` folders of a chart and of those subcharts that its values let in."""
    doing = f"read the definitions of {shown(chart)}"
    answer = await toolbox.call("helm.crds", arguments(chart), deadline_seconds, doing=doing)
    return tuple(RenderedObject(o["file"], o["object"]) for o in answer["objects"])


async def make_release(
    toolbox: Toolbox, chart: ChartRender, terms: Terms, deadline_seconds: float
) -> MadeRelease | tuple[Lookup, ...]:
    """
    The release that a chart makes, or what its templates look up that the terms do not tell yet.

    The chart sees the APIs that it is told and no others. Raises ``SpecError`` with Helm's words.
    """
    asked = {
        **arguments(chart),
        "onlyTheseApis": True,
        "revision": terms.revision,
        "isUpgrade": terms.upgrade,
        "lookups": [_told(lookup, body) for lookup, body in terms.found.items()],
    }
    answer = await toolbox.call("helm.release", asked, deadline_seconds, doing=f"render chart {shown(chart)}")
    if answer["lookups"]:
        return tuple(
            Lookup(each["apiVersion"], each["kind"], each["namespace"], each["name"])
            for each in answer["lookups"]
        )
    return MadeRelease(
        tuple(RenderedObject(o["file"], o["object"]) for o in answer["objects"]),
        tuple(_hook(hook, place) for place, hook in enumerate(answer["hooks"])),
        answer["release"],
        tuple(answer["warnings"]),
    )


def _told(lookup: Lookup, body: Body) -> dict[str, object]:
    return {
        "apiVersion": lookup.api_version,
        "kind": lookup.kind,
        "namespace": lookup.namespace,
        "name": lookup.name,
        "object": body,
    }


def _hook(told: Mapping[str, Any], place: int) -> Hook:
    return Hook(
        file=told["file"],
        body=told["object"],
        events=tuple(told["events"] or ()),
        weight=told["weight"],
        policies=tuple(told["deletePolicies"] or ()),
        place=place,
    )
