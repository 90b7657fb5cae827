"""
The AppProject: what the applications of a group may use and where they may go, and who may touch them.

Whether something is permitted is decided in ``core.projects``.
"""

from typing import Annotated

from msgspec import Meta, field

from tiphys.model.api.meta import ObjectMeta
from tiphys.model.api.spec import Destination
from tiphys.model.api.wire import API_VERSION, Wire


class GroupKind(Wire, frozen=True, kw_only=True):
    """A kind of object, by API group and kind; both may be globs."""

    group: str
    kind: str


class ClusterResource(Wire, frozen=True, kw_only=True):
    """A kind of cluster-wide object, and optionally the names of it; all may be globs."""

    group: str
    kind: str
    name: str = ""


class DestinationServiceAccount(Wire, frozen=True, kw_only=True):
    """The service account that syncs to a destination act as."""

    server: str
    namespace: str = ""
    default_service_account: str


class JWTToken(Wire, frozen=True, kw_only=True):
    """A token that was issued for a role; times are Unix seconds."""

    iat: int
    exp: int = 0
    id: str = ""


class JWTTokens(Wire, frozen=True, kw_only=True):
    """The tokens that were issued for a role."""

    items: tuple[JWTToken, ...] = ()


class ProjectRole(Wire, frozen=True, kw_only=True):
    """A role within the project: policies, and the groups of users that have it."""

    name: str
    description: str = ""
    policies: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    jwt_tokens: tuple[JWTToken, ...] = ()


class SyncWindow(Wire, frozen=True, kw_only=True):
    """A time in which syncs are allowed or denied: from each start of the cron schedule for the duration."""

    kind: str = ""
    schedule: str = ""
    duration: str = ""
    time_zone: str = ""
    applications: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    and_operator: bool = False
    manual_sync: bool = False
    sync_overrun: bool = False
    description: str = ""


class OrphanedResource(Wire, frozen=True, kw_only=True):
    """Objects that may be without an application; globs."""

    group: str = ""
    kind: str = ""
    name: str = ""


class OrphanedResources(Wire, frozen=True, kw_only=True):
    """Looks for objects in the project's namespaces that belong to no application."""

    warn: bool | None = None
    ignore: tuple[OrphanedResource, ...] = ()


class SignatureKey(Wire, frozen=True, kw_only=True):
    """A GnuPG key that commits may be signed with."""

    key_id: str


class GitPolicyRepo(Wire, frozen=True, kw_only=True):
    """The repositories that a policy is for, as a glob of the URL."""

    url: str


class GPGPolicy(Wire, frozen=True, kw_only=True):
    """Which commits must be signed, and with which keys."""

    mode: str
    keys: tuple[str, ...]


class GitPolicy(Wire, frozen=True, kw_only=True):
    """What commits of some repositories must fulfil."""

    repos: tuple[GitPolicyRepo, ...]
    gpg: GPGPolicy


class GitIntegrity(Wire, frozen=True, kw_only=True):
    """What commits must fulfil to be synced."""

    policies: tuple[GitPolicy, ...]


class SourceIntegrity(Wire, frozen=True, kw_only=True):
    """What sources must fulfil to be synced."""

    git: GitIntegrity


class ProjectSpec(Wire, frozen=True, kw_only=True):
    """What the project's applications may use, where they may go, and who may touch them."""

    description: Annotated[str, Meta(max_length=255)] = ""
    source_repos: tuple[str, ...] = ()
    source_namespaces: tuple[str, ...] = ()
    destinations: tuple[Destination, ...] = ()
    destination_service_accounts: tuple[DestinationServiceAccount, ...] = ()
    permit_only_project_scoped_clusters: bool = False
    cluster_resource_whitelist: tuple[ClusterResource, ...] = ()
    cluster_resource_blacklist: tuple[ClusterResource, ...] = ()
    namespace_resource_whitelist: tuple[GroupKind, ...] | None = None
    """Absent, it permits every kind; empty, none."""
    namespace_resource_blacklist: tuple[GroupKind, ...] = ()
    roles: tuple[ProjectRole, ...] = ()
    sync_windows: tuple[SyncWindow, ...] = ()
    orphaned_resources: OrphanedResources | None = None
    signature_keys: tuple[SignatureKey, ...] = ()
    source_integrity: SourceIntegrity | None = None


class ProjectStatus(Wire, frozen=True, kw_only=True):
    """The tokens that were issued for the project's roles."""

    jwt_tokens_by_role: dict[str, JWTTokens] = field(default_factory=dict)


class AppProject(Wire, frozen=True, kw_only=True):
    """A group of applications, and what they are permitted."""

    # Factories, since a plain default would be left out when written.
    api_version: str = field(default_factory=lambda: API_VERSION)
    kind: str = field(default_factory=lambda: "AppProject")
    metadata: ObjectMeta
    spec: ProjectSpec
    status: ProjectStatus = ProjectStatus()
