"""What lies in a commit, and how it is laid on disk."""

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from adapters.git.origin import Link, Origin, Submodule
from tiphys.adapters.git import GitRepositories, Settings
from tiphys.model.errors import SpecError
from tiphys.model.rendering import CommitMeta, Entry

CHARTS = {
    "charts/homepage/Chart.yaml": "name: homepage",
    "charts/homepage/values.yaml": "tag: 1",
    "charts/api/Chart.yaml": "name: api",
    "README.md": "hello",
}


def laid(folder: Path) -> dict[str, str]:
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


async def test_entries_tell_trees_and_files_by_their_content(git: GitRepositories, origin: Origin):
    sha = origin.commit(CHARTS)
    found = await git.entries(
        origin.url, sha, ["charts/homepage", "./charts/homepage/", "README.md", "none", ""]
    )
    folder = found["charts/homepage"]
    assert folder
    assert (folder.kind, folder.path) == ("tree", PurePosixPath("charts/homepage"))
    assert found["./charts/homepage/"] == folder
    assert found["README.md"] == Entry(PurePosixPath("README.md"), origin.blob(b"hello"), "blob")
    assert found["none"] is None
    assert found[""]
    assert found[""].oid == str(origin.git[sha].tree_id)


async def test_a_commit_elsewhere_leaves_a_folders_id_alone(git: GitRepositories, origin: Origin):
    first = origin.commit(CHARTS)
    second = origin.commit({**CHARTS, "charts/homepage/values.yaml": "tag: 2"})
    before = await git.entries(origin.url, first, ["charts/homepage", "charts/api"])
    after = await git.entries(origin.url, second, ["charts/homepage", "charts/api"])
    assert before["charts/api"] == after["charts/api"]
    assert before["charts/homepage"] != after["charts/homepage"]


async def test_what_is_remembered_of_a_commit_is_what_was_read(git: GitRepositories, origin: Origin):
    sha = origin.commit({**CHARTS, "charts/api/values.yaml": Link("../homepage/values.yaml")})
    paths = ["charts/api", "charts/api/values.yaml", "charts/homepage", "none", "charts/api/none", ""]
    first = await git.entries(origin.url, sha, paths)
    assert [await git.entries(origin.url, sha, paths) for _ in range(2)] == [first, first]
    assert await git.entries(origin.url, sha, paths[2:3]) == {"charts/homepage": first["charts/homepage"]}
    for _ in range(2):
        with pytest.raises(SpecError, match="leads out of the repository"):
            await git.entries(origin.url, sha, ["charts/../../elsewhere"])


async def test_what_symlinks_of_a_folder_lead_to_is_among_the_answers(git: GitRepositories, origin: Origin):
    files = {
        "charts/web/values/common.yaml": Link("../../../shared/common.yaml"),
        "charts/web/lib": Link("../../shared/lib"),
        "shared/common.yaml": "a: 1",
        "shared/lib/x.tpl": Link("../deep"),
        "shared/deep": "deep",
    }
    sha = origin.commit(files)
    found = await git.entries(origin.url, sha, ["charts/web"])
    assert set(found) == {"charts/web", "shared/common.yaml", "shared/lib", "shared/deep"}
    changed = await git.entries(origin.url, origin.commit({**files, "shared/deep": "deeper"}), ["charts/web"])
    assert changed["charts/web"] == found["charts/web"]
    assert changed["shared/deep"] != found["shared/deep"]


async def test_a_path_over_symlinks_is_what_lies_at_its_end(git: GitRepositories, origin: Origin):
    sha = origin.commit(
        {"a/b": Link("../c"), "c": Link("d/e"), "d/e/values.yaml": "x", "v": Link("a/b/values.yaml")}
    )
    found = await git.entries(origin.url, sha, ["a/b/values.yaml", "v", "a/b/../f"])
    there = Entry(PurePosixPath("d/e/values.yaml"), origin.blob(b"x"), "blob")
    assert found["a/b/values.yaml"] == found["v"] == there
    assert found["a/b/../f"] is None
    assert await git.read(origin.url, sha, "a/b/values.yaml") == b"x"


async def test_a_symlink_that_leads_nowhere_yet_is_answered_with_nothing(
    git: GitRepositories, origin: Origin
):
    sha = origin.commit({"web/a": "1", "web/later": Link("../shared/./x/../later")})
    found = await git.entries(origin.url, sha, ["web"])
    assert found["shared/later"] is None


@pytest.mark.parametrize(
    ("files", "path", "why"),
    [
        (
            {"web/passwd": Link("/etc/passwd")},
            "web",
            r"symlink web/passwd -> /etc/passwd leads out of the repository",
        ),
        ({"web/up": Link("../../other.git")}, "web", r"web/up -> ../../other.git leads out"),
        ({"web/a": Link("../b"), "b": Link("../../x")}, "web", r"b -> ../../x leads out"),
        ({"web/a": Link("../b/../../y"), "b/c": "1"}, "web", r"leads out"),
        ({"web/a": Link("none/../../../x")}, "web", r"leads out"),
        ({"web/a": Link("b"), "web/b": Link("a")}, "web", r"leads in circles"),
        ({"web/a": Link("a/b")}, "web", r"leads in circles"),
        ({"web": Link("web")}, "web", r"leads in circles"),
        ({"web/a": Link("x" * 5000)}, "web", r"more than 4096 bytes"),
        ({"a": "1"}, "../..", r"'../..' leads out of the repository"),
        ({"a": "1"}, "..", r"leads out of the repository"),
        ({"a": "1"}, "a/../../b", r"leads out of the repository"),
        ({"l": Link("a/b"), "a/b/c": "1", "x": "1"}, "l/../../x", r"leads out of the repository"),
        ({"a": "1"}, "/etc", r"'/etc' is absolute"),
        ({"a": "1"}, "a\0b", r"is not a path"),
    ],
)
async def test_nothing_leads_out_of_the_repository_or_in_circles(
    git: GitRepositories, origin: Origin, tmp_path: Path, files: dict[str, Any], path: str, why: str
):
    sha = origin.commit(files)
    with pytest.raises(SpecError, match=why):
        await git.entries(origin.url, sha, [path])
    with pytest.raises(SpecError, match=why):
        await git.lay(origin.url, sha, [path], tmp_path / "laid")
    with pytest.raises(SpecError, match=why):
        await git.files(origin.url, sha, path)
    assert not (tmp_path / "x").exists()


async def test_unusual_names_are_names_like_any_other(git: GitRepositories, origin: Origin, tmp_path: Path):
    files = {
        "web/Ünï ": "1",
        "web/values.yaml": "2",
        "web/VALUES.yaml": "3",
        "web/\u0441harts": "4",
        "web/-x": "5",
    }
    sha = origin.commit(files)
    await git.lay(origin.url, sha, ["web"], tmp_path / "laid")
    assert laid(tmp_path / "laid") == files
    assert (await git.entries(origin.url, sha, ["web/Ünï", "charts"])) == {"web/Ünï": None, "charts": None}


async def test_laying_writes_what_was_asked_for_and_nothing_else(
    git: GitRepositories, origin: Origin, tmp_path: Path
):
    files = {**CHARTS, "charts/homepage/run.sh": b"#!/bin/sh"}
    sha = origin.commit(files)
    await git.lay(
        origin.url, sha, ["charts/homepage", "charts/homepage/values.yaml", "none"], tmp_path / "laid"
    )
    assert laid(tmp_path / "laid") == {
        "charts/homepage/Chart.yaml": "name: homepage",
        "charts/homepage/values.yaml": "tag: 1",
        "charts/homepage/run.sh": "#!/bin/sh",
    }
    assert (tmp_path / "laid/charts/homepage/run.sh").stat().st_mode & 0o111
    assert not (tmp_path / "laid/charts/homepage/values.yaml").stat().st_mode & 0o111


async def test_symlinks_are_laid_as_copies(git: GitRepositories, origin: Origin, tmp_path: Path):
    sha = origin.commit(
        {
            "web/common.yaml": Link("../shared/common.yaml"),
            "web/lib": Link("../shared"),
            "web/gone": Link("nowhere"),
            "shared/common.yaml": "a: 1",
            "alias": Link("web"),
        }
    )
    await git.lay(origin.url, sha, ["web", "alias/lib"], tmp_path / "laid")
    assert laid(tmp_path / "laid") == {
        "web/common.yaml": "a: 1",
        "web/lib/common.yaml": "a: 1",
        "alias/lib/common.yaml": "a: 1",
    }
    assert await git.files(origin.url, sha, "alias") == ["common.yaml", "lib/common.yaml"]


async def test_a_folder_linked_into_itself_is_refused(git: GitRepositories, origin: Origin, tmp_path: Path):
    sha = origin.commit({"web/a": "1", "web/deep/all": Link("../..")})
    with pytest.raises(SpecError, match=r"symlink deep/all/web leads to web, which it lies in"):
        await git.lay(origin.url, sha, ["web"], tmp_path / "laid")
    assert set(await git.entries(origin.url, sha, ["web"])) == {"web", "."}


async def test_a_bomb_of_symlinks_ends_at_the_limit(origin: Origin, tmp_path: Path):
    files: dict[str, object] = {f"f{n}/{x}": Link(f"../f{n + 1}") for n in range(20) for x in "ab"}
    sha = origin.commit({**files, "f20/x": "1"})
    git = GitRepositories(tmp_path / "clones", Settings(laid_files=1000))
    with pytest.raises(SpecError, match="more than 1000 files"):
        await git.lay(origin.file_url, sha, ["f0"], tmp_path / "laid")
    await git.aclose()


async def test_names_that_could_do_harm_are_refused(git: GitRepositories, origin: Origin, tmp_path: Path):
    blob = origin.blob(b"x")
    for name in (b"..", b".git", b".GIT", b"a/../../b", b"."):
        sha = origin.commit(origin.raw_tree([("40000", b"web", origin.raw_tree([("100644", name, blob)]))]))
        with pytest.raises(SpecError, match="holds a file named"):
            await git.lay(origin.file_url, sha, ["web"], tmp_path / "laid")
    assert laid(tmp_path / "laid") == {}


async def test_a_submodule_is_refused_only_where_it_is_used(
    git: GitRepositories, origin: Origin, tmp_path: Path
):
    sha = origin.commit(
        {"web/a": "1", "lib/theirs": Submodule("1" * 40), ".gitmodules": '[submodule "../x"]'}
    )
    await git.lay(origin.url, sha, ["web"], tmp_path / "laid")
    assert laid(tmp_path / "laid") == {"web/a": "1"}
    found = await git.entries(origin.url, sha, ["lib/theirs"])
    assert found["lib/theirs"] == Entry(PurePosixPath("lib/theirs"), "1" * 40, "commit")
    with pytest.raises(SpecError, match="lib/theirs is a Git submodule, which is not supported yet"):
        await git.lay(origin.url, sha, ["lib"], tmp_path / "laid")


async def test_filters_and_lfs_pointers_are_files_like_any_other(
    git: GitRepositories, origin: Origin, tmp_path: Path
):
    files = {"web/.gitattributes": "* filter=lfs text eol=crlf", "web/big": "version https://git-lfs...\n"}
    await git.lay(origin.url, origin.commit(files), ["web"], tmp_path / "laid")
    assert laid(tmp_path / "laid") == files


async def test_sources_past_the_limits_are_refused(origin: Origin, tmp_path: Path):
    git = GitRepositories(tmp_path / "clones", Settings(laid_bytes=3 << 20, file_bytes=2 << 20, laid_files=4))
    megabyte = bytes(1 << 20)
    sha = origin.commit(
        {
            "large/a": bytes(2 << 20),
            "large/b": bytes(2 << 20),
            "larger/a": bytes(3 << 20),
            "many/a": megabyte,
            "many/b": "",
            "many/c": "",
            "many/d": "",
        }
    )
    for path, why in {
        "large": "the source is too large, at large/b; at most 3 MiB",
        "larger": "the file larger/a is too large; at most 2 MiB",
        "many": "many holds more than 4 files and folders",
    }.items():
        with pytest.raises(SpecError, match=why):
            await git.lay(origin.file_url, sha, [path], tmp_path / "laid")
    with pytest.raises(SpecError, match="too large"):
        await git.read(origin.file_url, sha, "larger/a")
    await git.aclose()


async def test_a_tree_nested_without_end_is_refused(git: GitRepositories, origin: Origin, tmp_path: Path):
    tree = origin.raw_tree([("100644", b"x", origin.blob(b"x"))])
    for _ in range(2000):
        tree = origin.raw_tree([("40000", b"d", tree)])
    sha = origin.commit(tree)
    with pytest.raises(SpecError, match="nested more than 100 deep"):
        await git.entries(origin.file_url, sha, ["d"])
    with pytest.raises(SpecError, match="nested more than 100 deep"):
        await git.lay(origin.file_url, sha, ["d"], tmp_path / "laid")


async def test_reading_what_is_no_file_says_so(git: GitRepositories, origin: Origin):
    sha = origin.commit(CHARTS)
    with pytest.raises(SpecError, match="charts is no file"):
        await git.read(origin.url, sha, "charts")
    with pytest.raises(SpecError, match="charts/none is not there"):
        await git.read(origin.url, sha, "charts/none")


async def test_a_commit_tells_who_when_and_what(git: GitRepositories, origin: Origin):
    sha = origin.commit(CHARTS, message="Bump homepage\n\nto 2")
    assert await git.commit(origin.url, sha) == CommitMeta(
        "Ada <ada@example.org>",
        "2023-11-14T22:13:20Z",
        "Bump homepage\n\nto 2",
        sha,
        "2023-11-14T22:13:20Z",
    )


async def test_ancestry_is_told_even_after_history_was_rewritten(git: GitRepositories, origin: Origin):
    first, second = origin.commit({"a": "1"}), origin.commit({"a": "2"})
    assert await git.is_ancestor(origin.url, first, second)
    assert await git.is_ancestor(origin.url, second, second)
    assert not await git.is_ancestor(origin.url, second, first)
    origin.point("refs/heads/main", first)
    rewritten = origin.commit({"a": "3"})
    assert not await git.is_ancestor(origin.url, second, rewritten)
    assert not await git.is_ancestor(origin.url, "e" * 40, rewritten)
