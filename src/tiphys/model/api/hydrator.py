"""
The source hydrator: manifests rendered from one place and committed to another, and how that went.
"""

from typing import Annotated

from msgspec import Meta

from tiphys.model.api.source import DirectorySource, HelmSource, KustomizeSource, PluginSource
from tiphys.model.api.wire import Time, Wire

HydratePhase = Annotated[str, Meta(extra_json_schema={"enum": ["Hydrating", "Failed", "Hydrated"]})]
# Not the repository's root (., /): the hydrator owns all of this folder.
SyncPath = Annotated[str, Meta(min_length=1, pattern=r"^.{2,}|[^./]$")]


class DrySource(Wire, frozen=True, kw_only=True):
    """Where the manifests are rendered from."""

    repo_url: str
    target_revision: str
    path: str
    helm: HelmSource | None = None
    kustomize: KustomizeSource | None = None
    directory: DirectorySource | None = None
    plugin: PluginSource | None = None


class SyncSource(Wire, frozen=True, kw_only=True):
    """The branch and folder that hold the rendered manifests and are synced from."""

    repo_url: str = ""
    target_branch: str
    path: SyncPath


class HydrateTo(Wire, frozen=True, kw_only=True):
    """A staging branch to commit to, from which somebody promotes to the synced branch."""

    target_branch: str


class SourceHydrator(Wire, frozen=True, kw_only=True):
    """Renders from drySource, commits to Git, and syncs from there."""

    dry_source: DrySource
    sync_source: SyncSource
    hydrate_to: HydrateTo | None = None


class HydrateOperation(Wire, frozen=True, kw_only=True):
    """The latest hydration, done or under way."""

    phase: HydratePhase
    message: str
    started_at: Time = ""
    finished_at: Time = ""
    dry_sha: str = ""
    hydrated_sha: str = ""
    source_hydrator: SourceHydrator | None = None


class SuccessfulHydrateOperation(Wire, frozen=True, kw_only=True):
    """The latest hydration that succeeded."""

    dry_sha: str = ""
    hydrated_sha: str = ""
    source_hydrator: SourceHydrator | None = None


class SourceHydratorStatus(Wire, frozen=True, kw_only=True):
    """What the hydrator did for this application."""

    current_operation: HydrateOperation | None = None
    last_successful_operation: SuccessfulHydrateOperation | None = None
    last_compared_dry_revision: str = ""
