"""
Applications of an application.

Argo CD has not judged them since 1.8, so that the waves of an app-of-apps wait for nothing; here they do.
"""

import orjson

from tiphys.core.health.reading import MalformedError
from tiphys.model.api import Application, storable
from tiphys.model.api.codec import decode_application
from tiphys.model.errors import SpecError
from tiphys.model.flow import Health, HealthCode, SyncCode
from tiphys.model.objects import Body


def application(body: Body) -> Health:
    """
    As it reports itself, unless that is yet to follow from what it was last asked.

    A spec that was not compared yet, and a sync that is due or running, make it progress, so that a later wave does
    not start on the health of what was there before.
    """
    try:
        found = decode_application(orjson.dumps(body))
    except SpecError as error:
        raise MalformedError(str(error)) from error
    return _underway(found) or _unsynced(found) or _reported(found)


def _underway(found: Application) -> Health | None:
    """What will still change how it does."""
    state = found.status.operation_state
    if found.operation:
        return Health(HealthCode.PROGRESSING, "A sync is about to start")
    if state and state.phase in ("Running", "Terminating"):
        return Health(HealthCode.PROGRESSING, f"A sync is running: {state.message}".removesuffix(": "))
    if _changed_since(found):
        return Health(HealthCode.PROGRESSING, "The spec was changed and has not been compared yet")
    return None


def _unsynced(found: Application) -> Health | None:
    """
    It syncs by itself, and the newest revision is not what its last sync brought.

    Out of sync after that very sync it may stay, with pruning off, so then it is as it reports.
    """
    policy, state = found.spec.sync_policy, found.status.operation_state
    automated = policy.automated if policy else None
    if automated is None or automated.enabled is False or found.status.sync.status != SyncCode.OUT_OF_SYNC:
        return None
    done = state.sync_result if state else None
    newest = (found.status.sync.revision, found.status.sync.revisions)
    if state is None or done is None or (done.revision, done.revisions) != newest:
        return Health(HealthCode.PROGRESSING, "OutOfSync, and a sync is due")
    if state.phase in ("Failed", "Error"):
        return Health(HealthCode.DEGRADED, f"The last sync failed: {state.message}")
    return None


def _reported(found: Application) -> Health:
    told = found.status.health
    if not told.status:
        return Health(HealthCode.PROGRESSING, "Waiting for the first look at the application")
    try:
        return Health(HealthCode(told.status), told.message)
    except ValueError:
        return Health(HealthCode.UNKNOWN, f"It reports the health {told.status!r}, which is none")


def _changed_since(found: Application) -> bool:
    """Whether the last comparison was about another source or destination than the spec has now."""
    compared, spec = found.status.sync.compared_to, found.spec
    return compared is not None and (storable(compared.source), compared.sources, compared.destination) != (
        storable(spec.source),
        spec.sources,
        spec.destination,
    )
