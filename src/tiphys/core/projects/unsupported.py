"""What a project asks for and is not acted on yet, so that it is said and not silently left out."""

from tiphys.model.api import AppProject

_FIELDS = {
    "sync_windows": ("syncWindows", "syncs are held back by none of them"),
    "destination_service_accounts": ("destinationServiceAccounts", "syncs act as the engine's own account"),
    "orphaned_resources": ("orphanedResources", "objects of no application are not looked for"),
}


def unsupported(project: AppProject) -> tuple[str, ...]:
    """
    Sentences for a condition of the project's applications.

    What would let through more than the project permits is not here: ``permits`` refuses it.
    """
    return tuple(
        f"project {project.metadata.name}: spec.{name} is not supported yet: {effect}"
        for field, (name, effect) in _FIELDS.items()
        if getattr(project.spec, field)
    )
