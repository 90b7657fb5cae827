"""
Targets meet live objects.

A key names group, kind, namespace and name and no version, so a target and a live object of different
versions of one kind are a pair.
"""

from collections.abc import Iterator, Mapping, Sequence

from tiphys.model.flow import Pair
from tiphys.model.objects import Key, Live, Manifest
from tiphys.model.tracking import TRACKING_ID, parse_tracking_id


def pair(targets: Sequence[Manifest], live: Mapping[Key, Live], tracked: Sequence[Live]) -> tuple[Pair, ...]:
    """
    Each target with its live object, in the targets' order; then what is tracked and wanted by no target, by
    key.

    Of targets with one key, the last counts.
    """
    wanted = {target.key: target for target in targets}
    found = {each.key: each for each in tracked} | dict(live)
    pairs = [Pair(key, target, found.get(key)) for key, target in wanted.items()]
    extras = sorted(_roots(tracked), key=lambda each: each.key)
    return (*pairs, *(Pair(each.key, None, each) for each in extras if each.key not in wanted))


def _roots(tracked: Sequence[Live]) -> Iterator[Live]:
    """
    The tracked objects that are the application's own.

    Controllers copy annotations to what they make. As in Argo CD, an object with an owner is its owner's, and
    one whose tracking id names another object is nobody's: neither may ever be pruned.
    """
    for each in tracked:
        tracking = parse_tracking_id(each.annotations.get(TRACKING_ID, ""))
        if tracking and tracking.names(each.key) and not each.metadata.get("ownerReferences"):
            yield each
