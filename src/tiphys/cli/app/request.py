"""
From the flags of ``app sync`` to the ``operation`` that asks the engine for a sync.

Values in, values out. Refuses what Argo CD refuses before it starts: an operation beside another one, a
foreign revision under automated sync, an application that is being deleted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tiphys.cli.app.progress import under_way
from tiphys.cli.app.refresh import REFRESH
from tiphys.cli.app.states import Choice, chosen
from tiphys.cli.kube import Found
from tiphys.core.languages.durations import parse_duration
from tiphys.model.api import (
    Application,
    Backoff,
    Info,
    Operation,
    OperationInitiator,
    RetryStrategy,
    SyncOperation,
    SyncOperationResource,
    SyncStrategy,
    SyncStrategyApply,
    SyncStrategyHook,
    to_json,
)
from tiphys.model.errors import Refused, SpecError
from tiphys.model.objects import Body, Key


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user asks of a sync, the same for each application."""

    revision: str = ""
    prune: bool = False
    dry_run: bool = False
    strategy: str = ""
    force: bool = False
    options: Sequence[str] = ()
    choices: Sequence[Choice] = ()
    infos: Mapping[str, str] = field(default_factory=dict)
    retry: RetryStrategy | None = None


def retry_of(limit: int, duration: str, longest: str, factor: int) -> RetryStrategy | None:
    """
    The retry strategy that the flags ask for; ``None`` leaves the application its own.

    Raises ``SpecError`` for a duration that is none.
    """
    if limit == 0:
        return None
    parse_duration(duration)
    parse_duration(longest)
    return RetryStrategy(limit=limit, backoff=Backoff(duration=duration, factor=factor, max_duration=longest))


def patch_for(found: Found, asked: Asked, labelled: Sequence[Key] | None = None) -> Body:
    """
    The merge patch that starts the sync, only for exactly this reading of the Application.

    ``labelled`` are the objects that ``--label`` selects, if it does. Raises ``Refused`` or ``SpecError``.
    """
    app = found.app
    _expect_ready(found, asked)
    picked = _resources(app, asked, labelled)
    operation = Operation(
        sync=SyncOperation(
            revision=asked.revision,
            prune=asked.prune,
            dry_run=asked.dry_run,
            sync_strategy=_strategy(asked),
            sync_options=_options(app, asked.options),
            resources=picked,
        ),
        initiated_by=OperationInitiator(),
        info=tuple(Info(name=name, value=value) for name, value in asked.infos.items()),
        retry=asked.retry or (app.spec.sync_policy.retry if app.spec.sync_policy else None),
    )
    # With a refresh, so that a commit pushed a moment ago is what is synced, as argocd has it.
    return {"operation": to_json(operation), "metadata": {"annotations": {REFRESH: "normal"}}}


def _expect_ready(found: Found, asked: Asked) -> None:
    app, name = found.app, found.name
    if under_way(app):
        raise Refused(
            f"Application {name}: another operation is already in progress: wait for it with "
            f"`tiphys app wait {name} --operation`"
        )
    if app.metadata.deletion_timestamp:
        raise Refused(f"Application {name} is being deleted and cannot be synced")
    automated = app.spec.sync_policy and app.spec.sync_policy.automated
    target = (app.spec.source.target_revision if app.spec.source else "") or "HEAD"
    if asked.revision and app.spec.sources:
        raise SpecError(f"Application {name} has several sources: --revision can name a revision of one only")
    if (
        asked.revision not in ("", target)
        and automated
        and automated.enabled is not False
        and not asked.dry_run
    ):
        raise Refused(
            f"Application {name}: cannot sync to {asked.revision}: auto-sync currently set to {target}; "
            "change spec.source.targetRevision, or switch automated sync off first"
        )


def _strategy(asked: Asked) -> SyncStrategy:
    if asked.strategy == "apply":
        return SyncStrategy(apply=SyncStrategyApply(force=asked.force))
    return SyncStrategy(hook=SyncStrategyHook(force=asked.force))


def _options(app: Application, asked: Sequence[str]) -> tuple[str, ...]:
    """The application's own options, with those asked for put in or in place of their namesakes."""
    own = app.spec.sync_policy.sync_options if app.spec.sync_policy else ()
    names = {option.partition("=")[0] for option in asked}
    return (*(option for option in own if option.partition("=")[0] not in names), *asked)


def _resources(
    app: Application, asked: Asked, labelled: Sequence[Key] | None
) -> tuple[SyncOperationResource, ...]:
    """What a selective sync is limited to; nothing means all. Raises ``SpecError`` where nothing matches."""
    if not asked.choices and labelled is None:
        return ()
    known = [Key(r.group, r.kind, r.namespace, r.name) for r in app.status.resources]
    picked = [key for key in known if asked.choices and chosen(key, asked.choices)]
    keys = list(dict.fromkeys([*picked, *(labelled or ())]))
    if not keys:
        raise SpecError(
            f"Application {app.metadata.name} has no object that the filter matches: "
            f"see `tiphys app resources {app.metadata.name}`"
        )
    return tuple(
        SyncOperationResource(group=k.group, kind=k.kind, namespace=k.namespace, name=k.name) for k in keys
    )
