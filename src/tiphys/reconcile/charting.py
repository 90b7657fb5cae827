"""
A chart made into a release for a cluster: its definitions, its objects, and what is recorded of it.

Templates that look into the cluster get their answers from it, round by round, until they ask nothing new.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tiphys.core.sources.recipe import Recipe
from tiphys.core.targets.claim import placed
from tiphys.model.errors import SpecError
from tiphys.model.objects import Body, Key, Kind, Manifest, group_of
from tiphys.model.releases import Found, Lookup, MadeRelease
from tiphys.model.rendering import ChartRender, RenderedObject
from tiphys.reconcile.ports import Workshop
from tiphys.reconcile.recipes import Commit
from tiphys.reconcile.rendering import laid_out
from tiphys.reconcile.site import Site

ROUNDS = 12
"""Of rendering, in each of which a template may look for what an earlier answer led it to."""


class Maker(Protocol):
    """Helm's own library."""

    async def definitions(self, chart: ChartRender) -> Sequence[RenderedObject]:
        """The objects of a chart's ``crds/`` folders."""

    async def make_release(
        self, chart: ChartRender, revision: int, found: Found, *, upgrade: bool
    ) -> MadeRelease | tuple[Lookup, ...]:
        """The release that a chart makes, or what its templates look up that ``found`` does not tell yet."""

    async def decode_text(self, text: str, name: str) -> Sequence[Body]:
        """The documents of one YAML text; errors call it ``name``."""


@dataclass(frozen=True)
class Charted:
    """A chart, and what it takes to make something of it."""

    recipe: Recipe
    commit: Commit
    workshop: Workshop
    maker: Maker

    def given(self, config: Body) -> "Charted":
        """The same with these values, if it was given none."""
        helm = self.recipe.helm
        assert helm  # noqa: S101 - the recipe of a chart has one
        if helm.value_files or helm.set_values or helm.set_strings or helm.values_object or not config:
            return self
        return replace(self, recipe=replace(self.recipe, helm=replace(helm, values_object=dict(config))))

    async def definitions(self, namespace: str, site: Site) -> tuple[Manifest, ...]:
        """What its ``crds/`` folders hold."""
        async with laid_out(self.recipe, self.commit, self.workshop) as chart:
            objects = await self.maker.definitions(chart)
        return placed(objects, namespace, await site.catalog())

    async def release(self, revision: int, site: Site, *, upgrade: bool) -> MadeRelease:
        """The release that it makes on a cluster. Raises ``SpecError`` with Helm's words."""
        catalog = await site.catalog()
        found: dict[Lookup, Body] = {}
        async with laid_out(self.recipe, self.commit, self.workshop) as chart:
            asked = replace(chart, kube_version=catalog.version, api_versions=catalog.api_versions)
            for _ in range(ROUNDS):
                made = await self.maker.make_release(asked, revision, found, upgrade=upgrade)
                if isinstance(made, MadeRelease):
                    return made
                for lookup in made:
                    found[lookup] = await _looked_up(lookup, site)
        raise SpecError(f"the chart looks up something else of the cluster each time, {ROUNDS} times on end")

    async def objects_of(self, manifest: str, namespace: str, site: Site) -> tuple[Manifest, ...]:
        """The objects of a recorded manifest."""
        return await recorded(manifest, namespace, self.maker, site)


async def recorded(manifest: str, namespace: str, maker: Maker, site: Site) -> tuple[Manifest, ...]:
    """The objects of a recorded manifest, in its order."""
    documents = await maker.decode_text(manifest, "the recorded release")
    objects = [RenderedObject("the recorded release", body) for body in documents if body]
    return placed(objects, namespace, await site.catalog())


async def _looked_up(lookup: Lookup, site: Site) -> Body:
    kind = Kind(group_of(lookup.api_version), lookup.kind)
    if lookup.name:
        key = Key(*kind, lookup.namespace, lookup.name)
        found = (await site.read([key])).get(key)
        return found.body if found else {}
    items = [live.body for live in await site.search(kind, lookup.namespace)]
    return {"apiVersion": lookup.api_version, "kind": f"{lookup.kind}List", "metadata": {}, "items": items}
