"""
The settings of comparisons that hold for all applications, as the ConfigMap ``argocd-cm`` has them now.

They are read by watch and understood once for each version of the ConfigMap. There need not be one.
"""

from collections.abc import Mapping

import structlog

from tiphys.core.diff.pointers import Json
from tiphys.core.diff.system import UNSET, SystemRules, nested, system_rules, texts
from tiphys.model.errors import SpecError
from tiphys.model.objects import Key, part
from tiphys.reconcile.world import World

log = structlog.get_logger()


def settings_key(world: World) -> Key:
    """The ConfigMap's key."""
    return Key("", "ConfigMap", world.namespace, "argocd-cm")


async def system_settings(world: World) -> SystemRules:
    """The settings. While they cannot be read, those that were read last hold."""
    key = settings_key(world)
    await world.cluster.watch([key.of])
    live = (await world.cluster.observe([key])).get(key)
    known = world.memory.system
    if live is None:
        if key not in world.cluster.unreadable:
            known.clear()
        return next(iter(known.values()), UNSET)
    version = f"{live.metadata.get('uid')} {live.resource_version}"
    if version not in known:
        found = await _read(part(live.body, "data"), world)
        for problem in found.problems:
            log.warning("a setting is not used", why=problem)
        known.clear()
        known[version] = found
    return known[version]


async def _read(data: Mapping[str, Json], world: World) -> SystemRules:
    problems: list[str] = []
    documents = await _decoded(texts(data), world, problems)
    inner = {key: text for key, text in nested(documents).items() if key not in documents}
    documents |= await _decoded(inner, world, problems)
    return system_rules(documents, tuple(problems))


async def _decoded(wanted: Mapping[str, str], world: World, problems: list[str]) -> dict[str, Json]:
    """The documents of texts that can be read."""
    documents: dict[str, Json] = {}
    for key, text in wanted.items():
        try:
            found = await world.renderer.decode_text(text, key)
        except SpecError as error:
            problems.append(f"{error}; it is not used")
            continue
        if found:
            documents[key] = found[0]
    return documents
