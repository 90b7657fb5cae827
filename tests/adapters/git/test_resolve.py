"""Where a revision points to, asked of a real Git host."""

import pytest

from adapters.git.origin import EMPTY_TREE, Origin
from tiphys.adapters.git import GitRepositories
from tiphys.model.errors import SpecError
from tiphys.model.rendering import Tip


@pytest.fixture(params=["http", "file"])
def url(request: pytest.FixtureRequest, origin: Origin) -> str:
    return origin.url if request.param == "http" else origin.file_url


async def test_a_branch_a_tag_head_and_a_full_ref_name_are_found(
    git: GitRepositories, origin: Origin, url: str
):
    sha = origin.commit({"a": "1"})
    origin.tag("v1", sha)
    assert await git.resolve(url, "main") == Tip(sha, "refs/heads/main")
    assert await git.resolve(url, "v1") == Tip(sha, "refs/tags/v1")
    assert await git.resolve(url, "HEAD") == Tip(sha, "refs/heads/main")
    assert await git.resolve(url, "") == Tip(sha, "refs/heads/main")
    assert await git.resolve(url, "refs/heads/main") == Tip(sha, "refs/heads/main")


async def test_an_annotated_tag_stands_for_its_commit(git: GitRepositories, origin: Origin, url: str):
    sha = origin.commit({"a": "1"})
    origin.tag("v1", sha, annotated=True)
    assert await git.resolve(url, "v1") == Tip(sha, "refs/tags/v1")


async def test_a_branch_comes_before_a_tag_of_the_same_name(git: GitRepositories, origin: Origin, url: str):
    old, new = origin.commit({"a": "1"}), origin.commit({"a": "2"})
    origin.tag("main", old)
    assert (await git.resolve(url, "main")).sha == new
    assert (await git.resolve(url, "refs/tags/main")).sha == old


async def test_a_branch_whose_name_begins_with_the_revision_is_not_meant(
    git: GitRepositories, origin: Origin, url: str
):
    origin.commit({"a": "1"}, branch="main-2")
    sha = origin.commit({"a": "2"}, branch="feature/main")
    with pytest.raises(SpecError):
        await git.resolve(url, "main")
    assert (await git.resolve(url, "feature/main")).sha == sha


async def test_a_full_sha_is_answered_without_asking(git: GitRepositories, origin: Origin):
    assert await git.resolve(origin.url, "AB" * 20) == Tip("ab" * 20)
    assert origin.requests == []


async def test_a_short_sha_is_looked_for_in_the_clone(git: GitRepositories, origin: Origin, url: str):
    old = origin.commit({"a": "1"})
    origin.commit({"a": "2"})
    assert await git.resolve(url, old[:8]) == Tip(old)
    newer = origin.commit({"a": "3"})
    assert await git.resolve(url, newer[:7].upper()) == Tip(newer)


async def test_a_moved_branch_and_a_moved_tag_are_seen_at_once(
    git: GitRepositories, origin: Origin, url: str
):
    first = origin.commit({"a": "1"})
    origin.tag("stable", first)
    assert (await git.resolve(url, "stable")).sha == first
    second = origin.commit({"a": "2"})
    origin.tag("stable", second)
    assert (await git.resolve(url, "stable")).sha == second
    origin.point("refs/heads/main", first)
    assert (await git.resolve(url, "main")).sha == first


async def test_head_follows_when_main_becomes_trunk(git: GitRepositories, origin: Origin, url: str):
    origin.commit({"a": "1"})
    await git.resolve(url, "HEAD")
    sha = origin.commit({"a": "2"}, branch="trunk")
    origin.git.set_head("refs/heads/trunk")
    origin.git.references.delete("refs/heads/main")
    assert await git.resolve(url, "HEAD") == Tip(sha, "refs/heads/trunk")


async def test_a_missing_revision_names_what_is_there(git: GitRepositories, origin: Origin, url: str):
    origin.commit({"a": "1"}, branch="master")
    with pytest.raises(
        SpecError, match=r"charts.git has no branch, tag or commit 'mastre'; there are: master"
    ):
        await git.resolve(url, "mastre")


async def test_an_empty_repository_says_that_nothing_was_pushed(git: GitRepositories, url: str):
    with pytest.raises(SpecError, match="nothing was pushed"):
        await git.resolve(url, "HEAD")


@pytest.mark.parametrize(
    "revision",
    [
        "--upload-pack=touch /tmp/x",
        "-h",
        "a b",
        "a..b",
        "a\0b",
        "main^{}",
        "a\nb",
        "x.lock",
        "@{-1}",
        "a:b",
        "/a",
    ],
)
async def test_what_git_allows_as_no_name_is_refused_before_anyone_is_asked(
    git: GitRepositories, origin: Origin, revision: str
):
    with pytest.raises(SpecError, match="targetRevision"):
        await git.resolve(origin.url, revision)
    assert origin.requests == []


@pytest.mark.parametrize("revision", ["1.*", "^1.2", "~2.0.0", ">=1.0.0 <2.0.0"])
async def test_a_range_of_versions_says_that_it_is_not_built_yet(
    git: GitRepositories, origin: Origin, revision: str
):
    origin.commit({"a": "1"})
    with pytest.raises(SpecError, match="ranges over tags are not built yet"):
        await git.resolve(origin.url, revision)


async def test_a_branch_named_like_a_range_is_a_branch(git: GitRepositories, origin: Origin):
    sha = origin.commit({"a": "1"}, branch="1.x")
    assert (await git.resolve(origin.url, "1.x")).sha == sha


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ext::sh -c touch% /tmp/x", "blanks"),
        ("ext::x", "is not a URL"),
        ("git://git.example.org/a.git", "git:// is not allowed"),
        ("ssh://-oProxyCommand=x/a", "names no host"),
        ("git@github.com:a/b.git", "SSH needs a key"),
        ("--upload-pack=x", "is not a URL"),
        ("/srv/a.git", "is not a URL"),
        ("file://host/a.git", "a file:// URL looks like"),
        ("file:///", "is not a URL"),
        ("http://-x/a.git", "names no host"),
        ("http:///a.git", "names no host"),
        ("http://169.254.169.254/latest", "metadata"),
        ("http://[::ffff:169.254.169.254]/latest", "metadata"),
        ("http://[fe80::1%25eth0]/a", "metadata"),
        ("http://a:b:c/x", "is not a URL"),
        ("", "is empty"),
    ],
)
async def test_a_url_that_we_do_not_talk_to_is_refused(git: GitRepositories, url: str, why: str):
    with pytest.raises(SpecError, match=why):
        await git.resolve(url, "HEAD")


async def test_asking_again_costs_one_small_request_and_no_process(git: GitRepositories, origin: Origin):
    sha = origin.commit({"a": "1"})
    for number in range(300):
        origin.point(f"refs/pull/{number}/head", sha)
    await git.resolve(origin.url, "main")
    del origin.requests[:]
    await git.resolve(origin.url, "main")
    assert origin.requests == ["POST git-upload-pack"]


async def test_a_hundred_thousand_refs_do_not_slow_a_look(git: GitRepositories, origin: Origin):
    sha = origin.commit(EMPTY_TREE)
    packed = [f"{sha} refs/pull/{number:06}/head\n" for number in range(100_000)]
    (origin.folder / "packed-refs").write_text(
        "# pack-refs with: peeled fully-peeled sorted\n" + "".join(packed)
    )
    assert (await git.resolve(origin.url, "main")).sha == sha
    assert (await git.resolve(origin.file_url, "main")).sha == sha
