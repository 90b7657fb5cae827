"""
An operation as somebody worded it: whether it can be done at all, and what it is about.

What cannot be done is refused with a reason, since a part of an operation that is silently left out is worse than none.
"""

from collections.abc import Collection

from msgspec.structs import replace

from tiphys.core.languages.durations import parse_duration
from tiphys.core.sync.plan import selects
from tiphys.core.sync.state import is_automatic
from tiphys.model.api import Application, Operation, storable
from tiphys.model.errors import SpecError
from tiphys.model.objects import Key


def refusal(operation: Operation, known: Collection[Key]) -> str:
    """Why an operation on these objects cannot be done; empty if it can."""
    sync = operation.sync
    if not sync:
        return "the operation asks for nothing: write operation.sync"
    for field in ("revisions", "sources", "manifests"):
        if getattr(sync, field):
            return f"operation.sync.{field} is not built yet in this version of Tiphys"
    if sync.resources and not any(selects(sync, key) for key in known):
        first = sync.resources[0]
        return f"operation.sync.resources: the application has no {first.kind} {first.name}"
    return _unreadable_pause(operation)


def as_asked(application: Application, operation: Operation | None) -> Application:
    """The application with the source that somebody's operation names in place of its own, as a rollback does."""
    source = operation.sync.source if operation and operation.sync and not is_automatic(operation) else None
    if source is None or source == storable(application.spec.source):
        return application
    return replace(application, spec=replace(application.spec, source=source))


def _unreadable_pause(operation: Operation) -> str:
    backoff = operation.retry.backoff if operation.retry else None
    for field in ("duration", "max_duration") if backoff else ():
        try:
            parse_duration(getattr(backoff, field) or "1s")
        except SpecError as error:
            return f"retry.backoff.{'maxDuration' if field == 'max_duration' else field}: {error}"
    return ""
