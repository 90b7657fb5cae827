"""
Pairs made ready and compared.

What belongs to others leaves the targets; only what nobody here can tell is asked of the API server.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import orjson

from tiphys.core.diff.autoscaling import AUTOSCALERS, SCALED_FIELDS, scaled_workloads
from tiphys.core.diff.compare import compare, fingerprint
from tiphys.core.diff.handover import handed_over
from tiphys.core.diff.hidden import Hidden
from tiphys.core.sync.options import effective
from tiphys.model.flow import Comparison, NeedDryRun, Pair, SyncCode
from tiphys.model.objects import Key, Live, Manifest
from tiphys.reconcile.ignoring import Ignoring
from tiphys.reconcile.world import World


async def made_ready(pairs: Sequence[Pair], ignoring: Ignoring) -> tuple[tuple[Pair, ...], dict[Key, str]]:
    """The pairs with targets that leave alone what belongs to an autoscaler or was asked to be respected."""
    scaled = _scaled(pairs, ignoring.world)
    ready, pins = [], {}
    for each in pairs:
        left = await _left_alone(each, ignoring, scaled)
        if not each.target or not left:
            ready.append(each)
            continue
        handover = handed_over(each.target, each.live, left.live, left.target)
        ready.append(Pair(each.key, handover.target, each.live))
        if handover.resource_version:
            pins[each.key] = handover.resource_version
    return tuple(ready), pins


async def _left_alone(each: Pair, ignoring: Ignoring, scaled: frozenset[Key]) -> Hidden:
    """The fields that an apply must leave as they are: an autoscaler's, and those asked to be respected."""
    policy = ignoring.application.spec.sync_policy
    words = effective(policy.sync_options if policy else (), annotations_of_pair(each))
    fields = SCALED_FIELDS if each.key in scaled else ()
    if "RespectIgnoreDifferences=true" not in words:
        return Hidden(live=fields)
    ignored = await ignoring.hidden(each)
    return Hidden(ignored.target, tuple(dict.fromkeys((*fields, *ignored.live))))


def _scaled(pairs: Iterable[Pair], world: World) -> frozenset[Key]:
    """The workloads whose replicas belong to an autoscaler, be it live or about to be."""
    coming = [p.target.body for p in pairs if p.target and p.key.of in AUTOSCALERS]
    return scaled_workloads([*coming, *(live.body for live in world.cluster.of_kinds(AUTOSCALERS))])


async def compared(each: Pair, ignoring: Ignoring) -> Comparison:
    """The comparison of a pair: decided here where that is sound, else by a dry run, whose answer is remembered."""
    world = ignoring.world
    # What no watch tells of may be gone or wanted by now: it is not known, and so is never pruned.
    why = world.cluster.unreadable.get(each.key) or (
        not each.target and world.cluster.unwatched.get(each.key.of)
    )
    if why:
        return Comparison(each.key, SyncCode.UNKNOWN, message=why)
    hidden = await ignoring.hidden(each)
    answer = compare(each, hidden)
    if isinstance(answer, Comparison):
        world.memory.comparisons.pop(each.key, None)
        return answer
    digest = _digest(each, answer, hidden)
    known = world.memory.comparisons.get(each.key)
    if known and known[0] == digest:
        return known[1]
    predicted = await world.cluster.predict(answer.target)
    hidden = await ignoring.hidden(each, predicted.live, predicted.body)
    answer = compare(each, hidden, predicted)
    if isinstance(answer, NeedDryRun):
        return Comparison(each.key, SyncCode.UNKNOWN, message="the API server's dry run did not settle it")
    world.memory.comparisons[each.key] = (digest, answer)
    return answer


def _digest(each: Pair, need: NeedDryRun, hidden: Hidden) -> str:
    live = fingerprint(each.live.body) if each.live else ""
    status = each.live.body.get("status") if each.live and not hidden.status else None
    asked = [need.target.body, hidden.target, hidden.live, live, status]
    return blake2b(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def forget(pairs: Iterable[Pair], world: World) -> None:
    """Drop what earlier comparisons are remembered of these objects."""
    for each in pairs:
        world.memory.comparisons.pop(each.key, None)
        world.memory.places.pop(each.key, None)


def annotations_of_pair(each: Pair) -> Mapping[str, str]:
    """The annotations that count: the target's, or those of what is live where nothing is wanted."""
    known: Manifest | Live | None = each.target or each.live
    return known.annotations if known else {}
