"""Which commits changed what an application reads."""

import pygit2
import pytest

from adapters.git.origin import Origin
from tiphys.adapters.git import GitRepositories

FILES = {"charts/web/values.yaml": "tag: 1", "charts/api/values.yaml": "tag: 1", "README.md": "1"}
WEB = ["charts/web"]


def change(origin: Origin, message: str, **files: str) -> str:
    """Commit the files of charts, or of the root, over those that are there."""
    for name, text in files.items():
        FILES_NOW[f"charts/{name}/values.yaml" if name != "readme" else "README.md"] = text
    return origin.commit(dict(FILES_NOW), message=message)


FILES_NOW: dict[str, object] = {}


@pytest.fixture(autouse=True)
def beginning(origin: Origin) -> str:
    FILES_NOW.clear()
    FILES_NOW.update(FILES)
    return origin.commit(dict(FILES_NOW), message="begin")


async def told(git: GitRepositories, origin: Origin, older: str, newer: str, paths: list[str]) -> list[str]:
    return [commit.message for commit in await git.between(origin.url, older, newer, paths)]


async def test_of_many_commits_those_that_changed_a_path_are_told(
    git: GitRepositories, origin: Origin, beginning: str
):
    change(origin, "web 2", web="tag: 2")
    change(origin, "api 2", api="tag: 2")
    change(origin, "web 3", web="tag: 3")
    newest = change(origin, "words", readme="2")
    assert await told(git, origin, beginning, newest, WEB) == ["web 3", "web 2"]
    assert await told(git, origin, beginning, newest, ["charts/api/values.yaml", "none"]) == ["api 2"]
    assert len(await told(git, origin, beginning, newest, [""])) == 4
    assert await told(git, origin, newest, beginning, WEB) == []


@pytest.mark.parametrize("older", ["", "e" * 40])
async def test_without_a_beginning_it_is_the_newest_change_alone(
    git: GitRepositories, origin: Origin, older: str
):
    change(origin, "web 2", web="tag: 2")
    change(origin, "web 3", web="tag: 3")
    assert await told(git, origin, older, change(origin, "words", readme="2"), WEB) == ["web 3"]


async def test_a_merge_is_told_by_what_it_merged(git: GitRepositories, origin: Origin, beginning: str):
    side = change(origin, "web 2", web="tag: 2")
    origin.point("refs/heads/main", beginning)
    main = origin.commit({**FILES, "README.md": "2"}, message="words")
    who = pygit2.Signature("Ada", "ada@example.org", 1_700_000_000, 60)
    tree = origin.git[side].peel(pygit2.Tree).id
    merge = str(origin.git.create_commit("refs/heads/main", who, who, "merge", tree, [main, side]))
    assert await told(git, origin, beginning, merge, WEB) == ["web 2"]


async def test_a_commit_that_is_known_by_no_history_at_hand_is_no_beginning(
    git: GitRepositories, origin: Origin, beginning: str
):
    lost = change(origin, "lost", web="tag: lost")
    await git.commit(origin.url, lost)
    origin.point("refs/heads/main", beginning)
    newest = change(origin, "web 2", web="tag: 2")
    assert await told(git, origin, lost, newest, WEB) == ["web 2"]
