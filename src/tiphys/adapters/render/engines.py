"""The engines as the stories ask for them: one toolbox, and the deadlines that go with each question."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiphys.adapters.render.charts import render_chart
from tiphys.adapters.render.queries import jq, jq_paths
from tiphys.adapters.render.releases import Terms, definitions, make_release
from tiphys.adapters.render.toolbox import Toolbox
from tiphys.adapters.render.versions import best_version
from tiphys.adapters.render.yaml import decode_files, decode_yaml
from tiphys.model.objects import Body
from tiphys.model.releases import Found, Lookup, MadeRelease
from tiphys.model.rendering import ChartRender, Rendered, RenderedObject


class Engines:
    """Everything that the toolbox can do, within its limits."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox
        self._limits = toolbox.limits

    async def render_chart(self, chart: ChartRender) -> Rendered:
        """A Helm chart's objects."""
        return await render_chart(self._toolbox, chart, self._limits.render_seconds)

    async def definitions(self, chart: ChartRender) -> Sequence[RenderedObject]:
        """The objects of a chart's ``crds/`` folders."""
        return await definitions(self._toolbox, chart, self._limits.render_seconds)

    async def make_release(
        self, chart: ChartRender, revision: int, found: Found, *, upgrade: bool
    ) -> MadeRelease | tuple[Lookup, ...]:
        """The release that a chart makes, or what its templates look up that ``found`` does not tell yet."""
        terms = Terms(revision, upgrade, found)
        return await make_release(self._toolbox, chart, terms, self._limits.render_seconds)

    async def decode_files(self, files: Sequence[Path], root: Path) -> Sequence[RenderedObject]:
        """The objects of YAML and JSON files under ``root``, which are named relative to it."""
        return await decode_files(self._toolbox, root, files, self._limits.render_seconds)

    async def decode_text(self, text: str, name: str) -> Sequence[Body]:
        """The documents of one YAML text; errors call it ``name``."""
        documents = await decode_yaml(self._toolbox, text, name, self._limits.answer_seconds)
        return tuple(document.value for document in documents)

    async def best_version(self, constraint: str, versions: Sequence[str]) -> str | None:
        """The highest version that Helm would choose for a constraint."""
        return await best_version(self._toolbox, constraint, versions, self._limits.answer_seconds)

    async def jq(self, program: str, value: object) -> list[Any]:
        """Everything that a jq program emits for one input."""
        return await jq(self._toolbox, program, value, self._limits.query_seconds)

    async def paths(self, expression: str, value: object, most: int) -> Sequence[Sequence[Any]]:
        """Where a jq path expression leads to in a value, as jq writes paths."""
        return await jq_paths(self._toolbox, expression, value, self._limits.query_seconds, most)
