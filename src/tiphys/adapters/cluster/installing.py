"""
Brings our own definitions into a cluster, and what has to be there from the start.
"""

from collections.abc import Iterable

from tiphys.adapters.cluster.backoff import holds
from tiphys.adapters.cluster.cluster import WatchedCluster, together
from tiphys.model.errors import Refused, Unavailable
from tiphys.model.flow import Apply, Phase, Result
from tiphys.model.objects import Live, Manifest, part

_ESTABLISHED_WITHIN = 30.0


async def install(
    cluster: WatchedCluster, definitions: Iterable[Manifest], seeds: Iterable[Manifest]
) -> None:
    """
    Apply custom resource definitions, wait until they are served, then create the seeds that are missing.

    Seeds that exist are left as they are: they are the users'. Raises ``Refused``, ``Unavailable``.
    """
    await together(_defined(cluster, definition) for definition in definitions)
    for seed in seeds:
        await cluster.await_kind(seed.key.of)
        _sure(await cluster.create(seed))


async def _defined(cluster: WatchedCluster, definition: Manifest) -> None:
    _sure(await cluster.perform(Apply(definition.key, definition)))
    await _established(cluster, definition)


def _sure(result: Result) -> None:
    if result.phase is Phase.FAILED:
        raise Refused(f"install {result.key}: {result.message}; may the engine's account do this?")
    if result.conflict:
        raise Unavailable(f"install {result.key}: {result.message}")


async def _established(cluster: WatchedCluster, definition: Manifest) -> None:
    async def established() -> bool:
        return _is_established(await cluster.read(definition.key))

    if not await holds(established, _ESTABLISHED_WITHIN):
        raise Unavailable(
            f"install {definition.key}: not established after {_ESTABLISHED_WITHIN:g} s; see its conditions"
        )


def _is_established(live: Live | None) -> bool:
    conditions = part(live.body, "status").get("conditions") or () if live else ()
    return any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions)
