"""The history of successful syncs, which rollbacks name by id."""

from collections.abc import Sequence

from tiphys.model.api import OperationState, RevisionHistory
from tiphys.model.flow import Phase

LIMIT = 10
"""Argo CD's default of ``revisionHistoryLimit``."""


def with_success(
    history: Sequence[RevisionHistory], state: OperationState, limit: int | None
) -> tuple[RevisionHistory, ...]:
    """
    The history after an operation ended.

    Dry, selective and failed syncs leave no trace (selective sync page), nor do those that heal drift.
    """
    sync, result = state.operation.sync, state.sync_result
    no_trace = sync and (sync.dry_run or sync.resources or sync.auto_heal_attempts_count > 0)
    if state.phase != Phase.SUCCEEDED or not result or no_trace:
        return tuple(history)
    entry = RevisionHistory(
        id=history[-1].id + 1 if history else 0,
        revision=result.revision,
        source=result.source,
        deploy_started_at=state.started_at,
        deployed_at=state.finished_at,
        initiated_by=state.operation.initiated_by,
    )
    kept = LIMIT if limit is None else max(limit, 0)
    return (*history, entry)[-kept:] if kept else ()
