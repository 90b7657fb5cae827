"""
The ApplicationSet: one template and the generators that fill it.
"""

from typing import Annotated

from msgspec import Meta, field

from tiphys.model.api.generators import Generator
from tiphys.model.api.meta import ObjectMeta
from tiphys.model.api.spec import ApplicationSpec
from tiphys.model.api.status import HealthStatus, ResourceStatus
from tiphys.model.api.wire import API_VERSION, Time, Wire

ApplicationsSync = Annotated[
    str, Meta(extra_json_schema={"enum": ["create-only", "create-update", "create-delete", "sync"]})
]


class TemplateMeta(Wire, frozen=True, kw_only=True):
    """Name and marks of the applications that are made."""

    name: str = ""
    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()


class ApplicationSetTemplate(Wire, frozen=True, kw_only=True):
    """The application to make, with places for the parameters."""

    metadata: TemplateMeta
    spec: ApplicationSpec


class ApplicationSetSyncPolicy(Wire, frozen=True, kw_only=True):
    """What may be done to the applications that were made."""

    applications_sync: ApplicationsSync | None = None
    preserve_resources_on_deletion: bool = False


class ApplicationMatch(Wire, frozen=True, kw_only=True):
    """A condition on an application's labels: In or NotIn."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class RolloutStep(Wire, frozen=True, kw_only=True):
    """The applications of one step, and how many of them, or what part, are updated at a time."""

    match_expressions: tuple[ApplicationMatch, ...] = ()
    max_update: int | str | None = None


class RollingSync(Wire, frozen=True, kw_only=True):
    """Updates step by step; a step begins when all of the one before are healthy."""

    steps: tuple[RolloutStep, ...] = ()


class ApplicationSetStrategy(Wire, frozen=True, kw_only=True):
    """The order in which applications are updated and deleted."""

    type: str = ""
    rolling_sync: RollingSync | None = None
    deletion_order: str = ""


class PreservedFields(Wire, frozen=True, kw_only=True):
    """Annotations and labels of the applications that are left as they are."""

    annotations: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


class IgnoreApplicationDifference(Wire, frozen=True, kw_only=True):
    """Fields of the applications that are left as they are."""

    name: str = ""
    json_pointers: tuple[str, ...] = ()
    jq_path_expressions: tuple[str, ...] = ()


class ApplicationSetSpec(Wire, frozen=True, kw_only=True):
    """Which applications to make."""

    generators: tuple[Generator, ...]
    template: ApplicationSetTemplate
    template_patch: str | None = None
    go_template: bool = False
    go_template_options: tuple[str, ...] = ()
    sync_policy: ApplicationSetSyncPolicy | None = None
    strategy: ApplicationSetStrategy | None = None
    preserved_fields: PreservedFields | None = None
    ignore_application_differences: tuple[IgnoreApplicationDifference, ...] = ()
    apply_nested_selectors: bool = False


class ApplicationSetCondition(Wire, frozen=True, kw_only=True):
    """Something that a person should know: whether it holds (True, False, Unknown) and why."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: Time = ""


class RolloutStatus(Wire, frozen=True, kw_only=True):
    """How far one application is in a rollout."""

    application: str
    status: str
    message: str
    step: str
    target_revisions: tuple[str, ...]
    last_transition_time: Time = ""


class ApplicationSetStatus(Wire, frozen=True, kw_only=True):
    """How the set is, as the engine saw it last."""

    conditions: tuple[ApplicationSetCondition, ...] = ()
    application_status: tuple[RolloutStatus, ...] = ()
    resources: tuple[ResourceStatus, ...] = ()
    resources_count: int = 0
    health: HealthStatus = HealthStatus()


class ApplicationSet(Wire, frozen=True, kw_only=True):
    """Applications that are made from one template."""

    # Factories, since a plain default would be left out when written.
    api_version: str = field(default_factory=lambda: API_VERSION)
    kind: str = field(default_factory=lambda: "ApplicationSet")
    metadata: ObjectMeta
    spec: ApplicationSetSpec
    status: ApplicationSetStatus = ApplicationSetStatus()
