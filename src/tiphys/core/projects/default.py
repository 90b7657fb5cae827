"""The project ``default``, which exists wherever the engine runs."""

from tiphys.model.api import AppProject
from tiphys.model.api.meta import ObjectMeta
from tiphys.model.api.project import ClusterResource, ProjectSpec
from tiphys.model.api.spec import Destination


def default_project(namespace: str) -> AppProject:
    """
    The project of applications that name none, as Argo CD creates it in the control plane's namespace.

    It permits every source, destination and kind of object, until somebody edits it.
    """
    spec = ProjectSpec(
        source_repos=("*",),
        destinations=(Destination(server="*", namespace="*"),),
        cluster_resource_whitelist=(ClusterResource(group="*", kind="*"),),
    )
    return AppProject(metadata=ObjectMeta(name="default", namespace=namespace), spec=spec)
