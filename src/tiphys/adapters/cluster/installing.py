"""
Brings our own definitions into a cluster, and what has to be there from the start.
"""

from collections.abc import Iterable

from tiphys.adapters.cluster.api import Rejected
from tiphys.adapters.cluster.backoff import holds
from tiphys.adapters.cluster.cluster import WatchedCluster, together
from tiphys.model.api.schema import EDITION
from tiphys.model.errors import Refused, Unavailable
from tiphys.model.flow import Apply, Phase, Result
from tiphys.model.objects import Live, Manifest, annotations_of, part

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


async def renew(cluster: WatchedCluster, definitions: Iterable[Manifest]) -> list[Result]:
    """
    Bring definitions up to date that we brought in another edition; answers with those that the API server refused.

    A definition that is not there, or that is somebody else's (Argo CD's, say), is left alone. Raises ``Unavailable``.
    """
    applied = await together(_renewed(cluster, definition) for definition in definitions)
    return [result for result in applied if result and result.phase is Phase.FAILED]


async def _renewed(cluster: WatchedCluster, definition: Manifest) -> Result | None:
    try:
        live = await cluster.read(definition.key)
    except Rejected as rejected:
        return Result(definition.key, Phase.FAILED, rejected.answer.message)
    theirs = annotations_of(live.body).get(EDITION) if live else None
    if not theirs or theirs == annotations_of(definition.body)[EDITION]:
        return None
    return await cluster.perform(Apply(definition.key, definition))


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
