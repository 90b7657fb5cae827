"""What a project asks for in vain is said."""

from tiphys.core.projects import default_project
from tiphys.core.projects.unsupported import unsupported
from tiphys.model.api import AppProject
from tiphys.model.api.meta import ObjectMeta
from tiphys.model.api.project import OrphanedResources, ProjectSpec, SyncWindow


def test_a_project_that_asks_for_nothing_of_the_kind_is_fine():
    assert unsupported(default_project("argocd")) == ()


def test_what_is_not_acted_on_is_named():
    spec = ProjectSpec(
        sync_windows=(SyncWindow(kind="deny"),), orphaned_resources=OrphanedResources(warn=True)
    )
    told = unsupported(AppProject(metadata=ObjectMeta(name="team"), spec=spec))
    assert told == (
        "project team: spec.syncWindows is not supported yet: syncs are held back by none of them",
        "project team: spec.orphanedResources is not supported yet: objects of no application are not looked for",
    )
