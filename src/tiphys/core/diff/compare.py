"""
A target compared with what is live.

Fast where it is sound: what an apply would leave as it is, is in sync, and no request is needed to know it.
For the rest a ``NeedDryRun`` asks what the API server would make of the target; given its answer, the
differences are exact.
"""

from collections.abc import Mapping
from hashlib import sha256

import orjson

from tiphys.core.diff.differences import Change, changes, shortfalls, told
from tiphys.core.diff.ownership import NOTHING, Fields, Grip, entries_of, grip
from tiphys.core.diff.pointers import ABSENT, Pointers, value_at, without
from tiphys.core.diff.unchanged import unchanged
from tiphys.model.flow import Comparison, Difference, NeedDryRun, Pair, Predicted, SyncCode
from tiphys.model.objects import Body, Live, Manifest, annotations_of, part
from tiphys.model.redaction import LAST_APPLIED, redact, redact_text, redact_together
from tiphys.model.tracking import TIMELINE

COMPARE_OPTIONS = "argocd.argoproj.io/compare-options"

_STATUS = ("status",)
"""Argo CD's default ``ignoreResourceStatusField: all``."""

# Written by the API server, in every write or none of ours; and what we note of an Application besides its status.
_BOOKKEEPING: Pointers = (
    _STATUS,
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


def compare(
    pair: Pair, ignored: Pointers = (), predicted: Predicted | None = None
) -> Comparison | NeedDryRun:
    """
    Compare a pair, without the fields that are ``ignored``.

    Answers with a ``NeedDryRun`` where only the API server knows; given what it predicted, answers with a
    comparison.
    """
    match pair.target, pair.live:
        case Manifest() as target, Live() as live:
            if predicted is not None:
                return _judged(target, live, ignored, predicted)
            same = unchanged(target, live, (*ignored, _STATUS))
            return Comparison(pair.key, SyncCode.SYNCED) if same else NeedDryRun(pair.key, target)
        case None, Live() as live:
            code = (
                SyncCode.SYNCED if "IgnoreExtraneous" in compare_options(live.body) else SyncCode.OUT_OF_SYNC
            )
            return Comparison(pair.key, code, requires_pruning=True)
    return Comparison(pair.key, SyncCode.OUT_OF_SYNC)


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
    weighed = [without(body, _BOOKKEEPING), owners, metadata.get("uid")]
    return sha256(orjson.dumps(weighed, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _judged(target: Manifest, live: Live, ignored: Pointers, predicted: Predicted) -> Comparison:
    hidden = (*_BOOKKEEPING, *ignored)
    before = live.body if predicted.live is None else predicted.live
    if predicted.body is None:
        return _refused(target, before, hidden, predicted.refusal)
    after = predicted.body
    if before.get("apiVersion") != after.get("apiVersion"):
        versions = f"{before.get('apiVersion')} and wanted as {after.get('apiVersion')}"
        return Comparison(target.key, SyncCode.UNKNOWN, message=f"It is read as {versions}: reading it again")
    found = list(changes(without(before, hidden), without(after, hidden)))
    if redact(after) is not after:
        # The marks differ where the values do. What a Secret's stringData brings about is owned as
        # stringData, so ownership can't tell here whose a change is.
        marked, marked_after = redact_together(before, after)
        found = list(changes(without(marked, hidden), without(marked_after, hidden)))
    elif "IncludeMutationWebhook=true" not in compare_options(target.body):
        found = _by_us(found, target, Live(target.key, before), Live(target.key, after))
    code = SyncCode.OUT_OF_SYNC if found else SyncCode.SYNCED
    return Comparison(target.key, code, told(found))


def _by_us(found: list[Change], target: Manifest, before: Live, after: Live) -> list[Change]:
    """
    The changes of fields that the target names, or that we own before the apply or after it.

    The others are made by a webhook or by defaulting each time that anything is written, whoever writes. Argo
    CD leaves them out too, unless an object asks for them by ``IncludeMutationWebhook=true``.
    """
    own, to_own = _own(before), _own(after)
    if to_own is None:
        return found
    return [
        change
        for change in found
        if value_at(target.body, change.place.after) is not ABSENT
        or grip(to_own, after.body, change.place.after) is not Grip.NONE
        or grip(own or NOTHING, before.body, change.place.before) is not Grip.NONE
    ]


def _own(live: Live) -> Fields | None:
    return next((entry.fields for entry in entries_of(live) if entry.ours), None)


def _refused(target: Manifest, live: Body, hidden: Pointers, refusal: str) -> Comparison:
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
        has, wants = (without(each, hidden) for each in redact_together(live, target.body))
        found = told(shortfalls(has, wants))
    code = SyncCode.SYNCED if _NO_DRY_RUN in refusal and not found else SyncCode.OUT_OF_SYNC
    return Comparison(target.key, code, found, message=message)
