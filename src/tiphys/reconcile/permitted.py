"""
Whether an application may do what it asks for: its project is found, and refuses by a rule that it names.
"""

from tiphys.core.projects import default_project, permits
from tiphys.core.sources.tools import source_of
from tiphys.core.targets.claim import Claim
from tiphys.model.api import Application, AppProject
from tiphys.model.errors import InvalidSpec, Refused
from tiphys.model.objects import Catalog
from tiphys.reconcile.application import project_name
from tiphys.reconcile.world import World

HERE = ("https://kubernetes.default.svc", "in-cluster")
"""The cluster that the engine runs in, by both its names."""


def project_of(application: Application, world: World) -> AppProject:
    """The project of an application, whose cluster is known. Raises ``InvalidSpec`` where there is none."""
    destination = application.spec.destination
    if destination.server and destination.name:
        raise InvalidSpec("spec.destination has both server and name: keep one of the two")
    if (destination.server or destination.name) not in HERE:
        raise InvalidSpec(
            f"spec.destination: the cluster {destination.server or destination.name!r} is not known: use "
            f"server: {HERE[0]} or name: {HERE[1]}; further clusters are not built yet"
        )
    name = project_name(application)
    project = world.applications.project(name)
    if project is None and name == "default":
        return default_project(world.namespace)
    if project is None:
        raise InvalidSpec(
            f"spec.project: there is no AppProject {name!r} in namespace {world.namespace}: create it or use default"
        )
    return project


def expect_permitted_source(application: Application, project: AppProject) -> None:
    """Raises ``Refused`` if the project does not permit the source, or an application in this namespace."""
    refusal = permits.source(project, source_of(application)) or permits.application(
        project, application.metadata.namespace
    )
    if refusal:
        raise Refused(refusal)


def expect_permitted_targets(
    application: Application, project: AppProject, claimed: Claim, catalog: Catalog
) -> None:
    """Raises ``Refused`` for the first object that the project does not permit, or not there."""
    destination = application.spec.destination
    for target in claimed.targets:
        resource = catalog.resources.get(target.key.of)
        namespaced = resource.namespaced if resource else bool(target.key.namespace)
        refusal = permits.target(project, destination, target.key, namespaced=namespaced)
        if refusal:
            raise Refused(f"{target.key} ({target.file}): {refusal}")
