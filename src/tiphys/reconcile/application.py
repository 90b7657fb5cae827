"""What an Application says of itself, in the words of the stories."""

from tiphys.core.sources.tools import source_of
from tiphys.model.api import Application, ResourceResult, ResourceStatus
from tiphys.model.objects import Key, Kind
from tiphys.reconcile.tips import Followed

APPLICATION = Kind("argoproj.io", "Application")
REFRESH = "argocd.argoproj.io/refresh"


def inventory(application: Application) -> tuple[Key, ...]:
    """The objects that are recorded as the application's: by its status, and by what its last sync was about."""
    state = application.status.operation_state
    touched = state.sync_result.resources if state and state.sync_result else ()
    recorded: list[ResourceStatus | ResourceResult] = [*application.status.resources, *touched]
    return tuple(dict.fromkeys(Key(r.group, r.kind, r.namespace, r.name) for r in recorded))


def itself(application: Application) -> Key:
    """The key of the Application's own object."""
    return Key(*APPLICATION, application.metadata.namespace, application.metadata.name)


def own_options(application: Application) -> tuple[str, ...]:
    """The sync options of the application's policy."""
    policy = application.spec.sync_policy
    return policy.sync_options if policy else ()


def followed(application: Application) -> Followed:
    """The revision that an application follows."""
    source = source_of(application)
    return Followed(source.repo_url, source.target_revision or "HEAD", project_name(application))


def project_name(application: Application) -> str:
    """The name of an application's project."""
    return application.spec.project or "default"
