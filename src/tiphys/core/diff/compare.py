"""
A target compared with what is live.

Fast where it is sound: what an apply would leave as it is, is in sync, and no request is needed to know it.
For the rest a ``NeedDryRun`` asks what the API server would make of the target; given its answer, the
differences are exact.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

import orjson

from tiphys.core.diff.differences import Change, changes, shortfalls, told
from tiphys.core.diff.hidden import Hidden
from tiphys.core.diff.ownership import NOTHING, Fields, Grip, entries_of, grip
from tiphys.core.diff.pointers import ABSENT, Pointers, value_at, without
from tiphys.core.diff.unchanged import unchanged
from tiphys.model.flow import Comparison, Difference, NeedDryRun, Pair, Predicted, SyncCode
from tiphys.model.objects import Body, Live, Manifest, annotations_of, part
from tiphys.model.redaction import LAST_APPLIED, redact, redact_text, redact_together
from tiphys.model.tracking import TIMELINE

COMPARE_OPTIONS = "argocd.argoproj.io/compare-options"

_STATUS: Pointers = (("status",),)

# Written by the API server, in every write or none of ours; and what we note of an Application besides its status.
_BOOKKEEPING: Pointers = (
    *(
        ("metadata", name)
        for name in (
            "managedFields",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "uid",
            "selfLink",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        )
    ),
    ("metadata", "annotations", LAST_APPLIED),
    ("metadata", "annotations", TIMELINE),
)

# Words by which an API server says that it could not judge, as against that it judged and refused.
_NO_JUDGEMENT = (
    "failed calling webhook",
    "conversion webhook",
    "failed to call webhook",
    "connection refused",
    "context deadline exceeded",
    "etcdserver",
    "internal error",
    "no endpoints available",
    "service unavailable",
    "gateway timeout",
    "i/o timeout",
    "timed out",
    "timeout: request did not complete",
    "too many requests",
    "cannot patch resource",
)

# Of a webhook with side effects, that did not say how it is to be asked without them.
_NO_DRY_RUN = "does not support dry run"


_STATUS_ALONE = Hidden()
"""Argo CD's default ``ignoreResourceStatusField: all``."""


def compare(
    pair: Pair, hidden: Hidden = _STATUS_ALONE, predicted: Predicted | None = None
) -> Comparison | NeedDryRun:
    """
    Compare a pair, without the fields that are ``hidden``; with a prediction, those of the body that it tells of.

    Answers with a ``NeedDryRun`` where only the API server knows; given what it predicted, answers with a
    comparison.
    """
    match pair.target, pair.live:
        case Manifest() as target, Live() as live:
            if predicted is not None:
                return _judged(target, live, hidden, predicted)
            same = unchanged(target, live, _with_status(hidden))
            return Comparison(pair.key, SyncCode.SYNCED) if same else NeedDryRun(pair.key, target)
        case None, Live() as live:
            code = (
                SyncCode.SYNCED if "IgnoreExtraneous" in compare_options(live.body) else SyncCode.OUT_OF_SYNC
            )
            return Comparison(pair.key, code, requires_pruning=True)
    return Comparison(pair.key, SyncCode.OUT_OF_SYNC)


def weighed(body: Body, *, status: bool = False) -> Body:
    """A body without what each write changes by itself, and without ``status`` unless that is to be kept."""
    return without(body, _BOOKKEEPING if status else (*_BOOKKEEPING, *_STATUS))


def compare_options(body: Body) -> frozenset[str]:
    """The words of an object's ``compare-options`` annotation."""
    return frozenset(word.strip() for word in annotations_of(body).get(COMPARE_OPTIONS, "").split(","))


def fingerprint(body: Body) -> str:
    """
    Tells two readings of an object apart as far as a comparison can depend on them.

    The bookkeeping of each write does not count, nor does status, so that the answer to a dry run stays good
    while a controller reports progress.
    """
    metadata = part(body, "metadata")
    managed = [entry for entry in metadata.get("managedFields") or [] if isinstance(entry, Mapping)]
    owners = [{**entry, "time": None} for entry in managed if entry.get("subresource") != "status"]
    told = [weighed(body), owners, metadata.get("uid")]
    return sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _with_status(hidden: Hidden) -> Hidden:
    if not hidden.status:
        return hidden
    return Hidden((*hidden.target, *_STATUS), (*hidden.live, *_STATUS), (*hidden.after, *_STATUS))


def _judged(target: Manifest, live: Live, hidden: Hidden, predicted: Predicted) -> Comparison:
    before = live.body if predicted.live is None else predicted.live
    hidden = _with_status(hidden)
    in_live, in_after = ((*_BOOKKEEPING, *side) for side in (hidden.live, hidden.after))
    if predicted.body is None:
        return _refused(target, before, hidden, predicted.refusal)
    after = predicted.body
    if before.get("apiVersion") != after.get("apiVersion"):
        versions = f"{before.get('apiVersion')} and wanted as {after.get('apiVersion')}"
        return Comparison(target.key, SyncCode.UNKNOWN, message=f"It is read as {versions}: reading it again")
    was, becomes = without(before, in_live), without(after, in_after)
    found = list(changes(was, becomes))
    if redact(after) is not after:
        # The marks differ where the values do. What a Secret's stringData brings about is owned as
        # stringData, so ownership can't tell here whose a change is.
        marked, marked_after = redact_together(before, after)
        found = list(changes(without(marked, in_live), without(marked_after, in_after)))
    elif "IncludeMutationWebhook=true" not in compare_options(target.body):
        sides = _Side(was, _own(Live(target.key, before))), _Side(becomes, _own(Live(target.key, after)))
        found = _by_us(found, without(target.body, hidden.target), *sides)
    code = SyncCode.OUT_OF_SYNC if found else SyncCode.SYNCED
    return Comparison(target.key, code, told(found))


class _Side(NamedTuple):
    """A body without what is hidden, and what we own of it; ``None`` where nothing is known of that."""

    body: Body
    own: Fields | None


def _by_us(found: list[Change], target: Body, before: _Side, after: _Side) -> list[Change]:
    """
    The changes of fields that the target names, or that we own before the apply or after it.

    The others are made by a webhook or by defaulting each time that anything is written, whoever writes. Argo
    CD leaves them out too, unless an object asks for them by ``IncludeMutationWebhook=true``.
    """
    if after.own is None:
        return found
    return [
        change
        for change in found
        if value_at(target, change.place.after) is not ABSENT
        or grip(after.own, after.body, change.place.after) is not Grip.NONE
        or grip(before.own or NOTHING, before.body, change.place.before) is not Grip.NONE
    ]


def _own(live: Live) -> Fields | None:
    return next((entry.fields for entry in entries_of(live) if entry.ours), None)


def _refused(target: Manifest, live: Body, hidden: Hidden, refusal: str) -> Comparison:
    """
    What the API server would not even try.

    A change that it refuses is a change, so the object is out of sync and the message says why a sync would
    fail. Where it could not judge, nothing is known; neither ever concerns another object.
    """
    message = redact_text(refusal, target.body, live)
    if any(word in refusal.lower() for word in _NO_JUDGEMENT):
        return Comparison(target.key, SyncCode.UNKNOWN, message=message)
    found: tuple[Difference, ...] = ()
    if target.api_version == live.get("apiVersion"):
        has, wants = redact_together(live, target.body)
        hidden_live, hidden_target = ((*_BOOKKEEPING, *side) for side in (hidden.live, hidden.target))
        found = told(shortfalls(without(has, hidden_live), without(wants, hidden_target)))
    code = SyncCode.SYNCED if _NO_DRY_RUN in refusal and not found else SyncCode.OUT_OF_SYNC
    return Comparison(target.key, code, found, message=message)
