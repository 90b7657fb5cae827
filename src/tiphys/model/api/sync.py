"""
What a user may ask of a sync: the standing policy, and one operation.

How it went is in ``status``.
"""

from msgspec import field

from tiphys.model.api.source import ApplicationSource
from tiphys.model.api.wire import Wire


class Info(Wire, frozen=True, kw_only=True):
    """A note for people: a name and a text."""

    name: str
    value: str


class Backoff(Wire, frozen=True, kw_only=True):
    """How long to wait between attempts: duration, times factor each time, up to maxDuration (5s, 2, 3m)."""

    duration: str = ""
    factor: int | None = None
    max_duration: str = ""


class RetryStrategy(Wire, frozen=True, kw_only=True):
    """How often a failed sync is tried again; a limit below 0 means forever. refresh takes newer commits."""

    limit: int = 0
    refresh: bool = False
    backoff: Backoff | None = None


class AutomatedSync(Wire, frozen=True, kw_only=True):
    """Syncs without being asked. enabled: false switches it off and keeps the rest."""

    enabled: bool | None = None
    prune: bool = False
    self_heal: bool = False
    allow_empty: bool = False


class ManagedNamespaceMetadata(Wire, frozen=True, kw_only=True):
    """Labels and annotations of the namespace that CreateNamespace=true makes."""

    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


class SyncPolicy(Wire, frozen=True, kw_only=True):
    """When and how the application is synced."""

    automated: AutomatedSync | None = None
    sync_options: tuple[str, ...] = ()
    retry: RetryStrategy | None = None
    managed_namespace_metadata: ManagedNamespaceMetadata | None = None


class SyncStrategyApply(Wire, frozen=True, kw_only=True):
    """Applies without running hooks."""

    force: bool = False


class SyncStrategyHook(Wire, frozen=True, kw_only=True):
    """Applies and runs hooks."""

    force: bool = False


class SyncStrategy(Wire, frozen=True, kw_only=True):
    """Whether hooks run; they do by default."""

    apply: SyncStrategyApply | None = None
    hook: SyncStrategyHook | None = None


class SyncOperationResource(Wire, frozen=True, kw_only=True):
    """An object that a selective sync is limited to."""

    group: str = ""
    kind: str
    name: str
    namespace: str = ""


class SyncOperation(Wire, frozen=True, kw_only=True):
    """One sync: what to, how, and of what."""

    revision: str = ""
    revisions: tuple[str, ...] = ()
    prune: bool = False
    dry_run: bool = False
    sync_strategy: SyncStrategy | None = None
    sync_options: tuple[str, ...] = ()
    resources: tuple[SyncOperationResource, ...] = ()
    source: ApplicationSource | None = None
    sources: tuple[ApplicationSource, ...] = ()
    manifests: tuple[str, ...] = ()
    auto_heal_attempts_count: int = 0


class OperationInitiator(Wire, frozen=True, kw_only=True):
    """Who asked: a user, or the policy itself if automated."""

    username: str = ""
    automated: bool = False


class Operation(Wire, frozen=True, kw_only=True):
    """A piece of work asked of the engine; written by a user, taken away by the engine when it starts."""

    sync: SyncOperation | None = None
    initiated_by: OperationInitiator | None = None
    info: tuple[Info, ...] = ()
    retry: RetryStrategy | None = None
