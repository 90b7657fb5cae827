"""What a project's own credentials open is open to that project's applications alone."""

from pathlib import Path

from reconcile.stage import USER, Stage
from tiphys.adapters.git import GitRepositories
from tiphys.core.projects import default_project
from tiphys.core.repositories.choosing import Keyring
from tiphys.core.repositories.credentials import Credential
from tiphys.model.api import to_json
from tiphys.reconcile.tips import Followed, Tips

REPO = "https://git.example.org/charts.git"


async def test_a_repository_that_is_read_alike_is_asked_once_for_all_projects(tmp_path: Path):
    keys = Keyring(credentials=[Credential("own", REPO, exact=True, password="x", project="shop")])
    tips = Tips(GitRepositories(tmp_path, ways=keys.git), lambda: None)  # type: ignore[arg-type, return-value]
    shop, web, blog = (tips.shared(Followed(REPO, "main", project)) for project in ("shop", "web", "blog"))
    assert web == blog == Followed(REPO, "main")
    assert shop == Followed(REPO, "main", "shop")


async def test_an_application_reads_by_its_own_projects_credentials(stage: Stage):
    odd = Credential("own", stage.repo, exact=True, project="odd", problem="it is odd")
    keys = Keyring(credentials=[odd])
    stage.ways = keys.git
    await stage.begin()
    project = to_json(default_project("argocd"))
    stage.server.create({**project, "metadata": {"name": "odd", "namespace": "argocd"}}, USER)
    stage.push({"a/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"})
    stage.wants("one", "a")
    stage.wants("two", "a", project="odd")
    await stage.plays("one")
    await stage.plays("two")
    assert stage.says("one")[0] == "Synced"
    (told,) = stage.status("two")["conditions"]
    assert "the Secret argocd/own for it cannot be used: it is odd" in told["message"]
