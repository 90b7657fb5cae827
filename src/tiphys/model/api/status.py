"""
What the engine tells about an application, as Argo CD writes it.

Nothing here decides: ``core`` makes these values, ``kubectl``, the CLI and other tools read them. Codes stay
plain text, because older and newer engines write words that we don't know.
"""

from tiphys.model.api.hydrator import SourceHydratorStatus
from tiphys.model.api.source import ApplicationSource
from tiphys.model.api.spec import Destination, IgnoreDifference
from tiphys.model.api.sync import ManagedNamespaceMetadata, Operation, OperationInitiator
from tiphys.model.api.wire import Time, Wire


class HealthStatus(Wire, frozen=True, kw_only=True):
    """How well it runs: Healthy, Suspended, Progressing, Missing, Degraded or Unknown."""

    status: str = ""
    message: str = ""
    last_transition_time: Time = ""


class ComparedTo(Wire, frozen=True, kw_only=True):
    """The part of the spec that the comparison was made with."""

    destination: Destination
    source: ApplicationSource | None = None
    sources: tuple[ApplicationSource, ...] = ()
    ignore_differences: tuple[IgnoreDifference, ...] = ()


class SyncStatus(Wire, frozen=True, kw_only=True):
    """Whether the cluster is what Git says: Synced, OutOfSync or Unknown; and of which revision."""

    status: str
    compared_to: ComparedTo | None = None
    revision: str = ""
    revisions: tuple[str, ...] = ()


class ResourceStatus(Wire, frozen=True, kw_only=True):
    """One object of the application."""

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    health: HealthStatus | None = None
    hook: bool = False
    requires_pruning: bool = False
    requires_deletion_confirmation: bool = False
    sync_wave: int = 0


class Condition(Wire, frozen=True, kw_only=True):
    """Something that a person should know; a type that ends in Error stops the application from syncing."""

    type: str
    message: str
    last_transition_time: Time = ""


class RevisionHistory(Wire, frozen=True, kw_only=True):
    """One sync that succeeded; rollbacks name it by id."""

    id: int
    revision: str = ""
    revisions: tuple[str, ...] = ()
    source: ApplicationSource | None = None
    sources: tuple[ApplicationSource, ...] = ()
    deploy_started_at: Time = ""
    deployed_at: Time
    initiated_by: OperationInitiator | None = None


class ResourceResult(Wire, frozen=True, kw_only=True):
    """What the sync did with one object, or how far one hook is."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str
    status: str = ""
    message: str = ""
    hook_type: str = ""
    hook_phase: str = ""
    sync_phase: str = ""
    images: tuple[str, ...] = ()


class SyncResult(Wire, frozen=True, kw_only=True):
    """What the sync did, object by object."""

    revision: str
    revisions: tuple[str, ...] = ()
    source: ApplicationSource | None = None
    sources: tuple[ApplicationSource, ...] = ()
    resources: tuple[ResourceResult, ...] = ()
    managed_namespace_metadata: ManagedNamespaceMetadata | None = None


class OperationState(Wire, frozen=True, kw_only=True):
    """The latest operation: Running, Terminating, Succeeded, Failed or Error, and all it did so far."""

    operation: Operation
    phase: str
    message: str = ""
    started_at: Time
    finished_at: Time = ""
    retry_count: int = 0
    sync_result: SyncResult | None = None


class Summary(Wire, frozen=True, kw_only=True):
    """What all objects together show: addresses and images."""

    external_urls: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    is_app_of_apps: bool = False


class ApplicationStatus(Wire, frozen=True, kw_only=True):
    """How the application is, as the engine saw it last."""

    sync: SyncStatus = SyncStatus(status="")
    health: HealthStatus = HealthStatus()
    operation_state: OperationState | None = None
    conditions: tuple[Condition, ...] = ()
    resources: tuple[ResourceStatus, ...] = ()
    resource_health_source: str = ""
    history: tuple[RevisionHistory, ...] = ()
    summary: Summary = Summary()
    source_type: str = ""
    source_types: tuple[str, ...] = ()
    source_hydrator: SourceHydratorStatus | None = None
    reconciled_at: Time = ""
    observed_at: Time = ""
    controller_namespace: str = ""
