"""Clones: shared, restarted, killed in the middle, damaged, and whole again."""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web

from adapters.git.origin import Answering, Origin, relayed
from tiphys.adapters.git import GitRepositories, Settings
from tiphys.model.errors import SpecError, Unavailable


def clone_of(tmp_path: Path) -> Path:
    (clone,) = (tmp_path / "clones").glob("*/[0-9]*")
    return clone


async def reopened(
    tmp_path: Path, stack: AsyncExitStack, settings: Settings | None = None
) -> GitRepositories:
    """As another process would, a little later."""
    repositories = GitRepositories(tmp_path / "clones", settings)
    stack.push_async_callback(repositories.aclose)
    return repositories


async def test_many_at_once_share_one_fetch(git: GitRepositories, origin: Origin):
    sha = origin.commit({"a": "1"})
    answers = await asyncio.gather(*(git.read(origin.url, sha, "a") for _ in range(20)))
    assert answers == [b"1"] * 20
    assert origin.requests.count("POST git-upload-pack") == 1


async def test_two_at_once_may_ask_for_different_things(git: GitRepositories, origin: Origin):
    first, second = origin.commit({"a": "1"}), origin.commit({"a": "2"})
    tips = await asyncio.gather(git.resolve(origin.url, "main"), git.resolve(origin.url, "HEAD"))
    assert {tip.sha for tip in tips} == {second}
    assert await asyncio.gather(git.read(origin.url, second, "a"), git.read(origin.url, first, "a")) == [
        b"2",
        b"1",
    ]


async def test_history_that_came_along_is_not_fetched_again(git: GitRepositories, origin: Origin):
    first, second = origin.commit({"a": "1"}), origin.commit({"a": "2"})
    await git.read(origin.url, second, "a")
    del origin.requests[:]
    assert await git.read(origin.url, first, "a") == b"1"
    assert origin.requests == []


async def test_after_a_restart_what_was_fetched_is_still_there(
    git: GitRepositories, origin: Origin, tmp_path: Path, stack: AsyncExitStack
):
    first, second = origin.commit({"a": "1"}), origin.commit({"a": "2"})
    await git.read(origin.url, second, "a")
    del origin.requests[:]
    again = await reopened(tmp_path, stack)
    assert await again.read(origin.url, first, "a") == b"1"
    assert origin.requests == []


async def test_a_commit_of_rewritten_history_stays_readable(
    git: GitRepositories, origin: Origin, tmp_path: Path, stack: AsyncExitStack
):
    base, lost = origin.commit({"a": "1"}), origin.commit({"a": "2"})
    await git.read(origin.url, lost, "a")
    origin.point("refs/heads/main", base)
    new = origin.commit({"a": "3"})
    assert await git.read(origin.url, new, "a") == b"3"
    assert await (await reopened(tmp_path, stack)).read(origin.url, lost, "a") == b"2"


async def test_a_commit_that_nobody_has_is_told(git: GitRepositories, origin: Origin):
    origin.commit({"a": "1"})
    for url in (origin.url, origin.file_url):
        with pytest.raises(SpecError, match=r"fetch of eeeeeeeeeeee from .*charts.git: .* no such commit"):
            await git.read(url, "e" * 40, "a")


async def test_a_sha_that_is_no_commit_is_told_and_does_no_harm(git: GitRepositories, origin: Origin):
    first = origin.commit({"a": "1"})
    with pytest.raises(SpecError, match="is not a commit"):
        await git.read(origin.url, origin.blob(b"1"), "a")
    assert await git.read(origin.url, first, "a") == b"1"
    assert await git.read(origin.url, origin.commit({"a": "2"}), "a") == b"2"


async def test_the_sha_of_an_annotated_tag_stands_for_its_commit(git: GitRepositories, origin: Origin):
    sha = origin.commit({"a": "1"})
    origin.tag("v1", sha, annotated=True)
    tag = str(origin.git.references["refs/tags/v1"].target)
    assert await git.read(origin.url, tag, "a") == b"1"
    newer = origin.commit({"a": "2"})
    assert await git.read(origin.url, newer, "a") == b"2"
    assert await git.is_ancestor(origin.url, tag, newer)


async def test_an_older_server_that_gives_no_commit_by_sha_is_served_too(
    git: GitRepositories, origin: Origin, answering: Answering
):
    first, second = origin.commit({"a": "1"}), origin.commit({"a": "2"})

    async def old(request: web.Request) -> web.Response:
        """Git's protocol as it was before version 2: the server is told of no other."""
        return await relayed(request, origin.url, without="Git-Protocol")

    url = await answering(old)
    assert (await git.resolve(url, "main")).sha == second
    assert (await git.resolve(url, "HEAD")).ref == "refs/heads/main"
    assert await git.read(url, first, "a") == b"1"
    with pytest.raises(SpecError, match="no such commit"):
        await git.read(url, "e" * 40, "a")


async def test_a_repository_of_plain_files_is_served_too(
    git: GitRepositories, origin: Origin, answering: Answering
):
    first, second = origin.commit({"a": "1"}), origin.commit({"a": "2"})
    (origin.folder / "info").mkdir(exist_ok=True)
    (origin.folder / "info/refs").write_text(f"{second}\trefs/heads/main\n")

    async def dumb(request: web.Request) -> web.StreamResponse:
        file = origin.folder / request.path.removeprefix("/charts.git/")
        return web.FileResponse(file) if file.is_file() else web.Response(status=404)

    url = await answering(dumb)
    assert (await git.resolve(url, "main")).sha == second
    assert await git.read(url, first, "a") == b"1"


async def test_git_killed_in_the_middle_of_a_fetch_is_tried_again(
    git: GitRepositories, origin: Origin, answering: Answering
):
    sha = origin.commit({"a": "1"})
    stuck = asyncio.Event()
    healthy = False

    async def host(request: web.Request) -> web.StreamResponse:
        if healthy or request.method == "GET":
            return await relayed(request, origin.url)
        stuck.set()
        await asyncio.sleep(60)
        return web.Response()

    url = await answering(host)
    reading = asyncio.create_task(git.read(url, sha, "a"))
    async with asyncio.timeout(10):
        await stuck.wait()
    for pid in children("git"):
        # A child of one that was just killed may be gone already.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unavailable, match=r"fetch of .* was ended by SIGKILL"):
        await reading
    healthy = True
    assert await git.read(url, sha, "a") == b"1"


def children(name: str) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        pid, _, rest = stat.read_text().partition(" (")
        command, _, more = rest.rpartition(") ")
        if command == name and int(more.split()[1]) == os.getpid():
            found.append(int(pid))
    return found


async def test_a_fetch_past_its_deadline_ends_and_leaves_no_process(
    answering: Answering, tmp_path: Path, stack: AsyncExitStack
):
    async def slow(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    url = await answering(slow)
    git = await reopened(tmp_path, stack, Settings(ask_seconds=2, fetch_seconds=0.3))
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"not done within 0.3 seconds"):
        await git.read(url, "e" * 40, "a")
    assert time.monotonic() - began < 5
    assert children("git") == []


async def test_a_caller_who_gives_up_leaves_no_process(git: GitRepositories, answering: Answering):
    stuck = asyncio.Event()

    async def slow(_request: web.Request) -> web.StreamResponse:
        stuck.set()
        await asyncio.sleep(60)
        return web.Response()

    reading = asyncio.create_task(git.read(await answering(slow), "e" * 40, "a"))
    await stuck.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert children("git") == []


async def test_locks_and_half_a_pack_that_a_killed_git_left_are_swept(
    git: GitRepositories, origin: Origin, tmp_path: Path, stack: AsyncExitStack
):
    first = origin.commit({"a": "1"})
    await git.read(origin.url, first, "a")
    clone = clone_of(tmp_path)
    left = [clone / "packed-refs.lock", clone / "shallow.lock", clone / "objects/pack/tmp_pack_x"]
    left.append(clone / f"refs/kept/{'a' * 40}.lock")
    half = clone.parent / ".new-half"
    half.mkdir()
    for path in left:
        path.write_text("")
        os.utime(path, (1, 1))
    os.utime(half, (1, 1))
    again = await reopened(tmp_path, stack)
    assert await again.read(origin.url, origin.commit({"a": "2"}), "a") == b"2"
    assert not [path for path in [*left, half] if path.exists()]


def truncate(clone: Path) -> None:
    for pack in (clone / "objects/pack").glob("*.pack"):
        pack.chmod(0o644)
        with pack.open("r+b") as file:
            file.truncate(40)


def overwrite(clone: Path) -> None:
    for pack in (clone / "objects/pack").glob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(bytes(pack.stat().st_size))


def lose_packs(clone: Path) -> None:
    for pack in (clone / "objects/pack").glob("*.*"):
        pack.unlink()


def lose_head(clone: Path) -> None:
    (clone / "HEAD").unlink()


def spoil_config(clone: Path) -> None:
    (clone / "config").write_bytes(b"\0[[[")


def spoil_ref(clone: Path) -> None:
    for ref in (clone / "refs/kept").iterdir():
        ref.write_text("\0" * 41)


@pytest.mark.parametrize("damage", [truncate, overwrite, lose_packs, lose_head, spoil_config, spoil_ref])
@pytest.mark.parametrize("newer", [False, True], ids=["same commit", "newer commit"])
async def test_a_damaged_clone_is_made_anew(
    git: GitRepositories,
    origin: Origin,
    tmp_path: Path,
    stack: AsyncExitStack,
    damage: Callable[[Path], None],
    newer: bool,
):
    sha = origin.commit({"a": "1", "b": "x" * 5000})
    await git.read(origin.url, sha, "a")
    damage(clone_of(tmp_path))
    wanted = origin.commit({"a": "1", "b": "y" * 5000}) if newer else sha
    again = await reopened(tmp_path, stack)
    assert await again.read(origin.url, wanted, "a") == b"1"
    assert len(await again.read(origin.url, wanted, "b")) == 5000


@pytest.mark.parametrize("remove", [lose_packs, shutil.rmtree])
async def test_a_clone_that_is_removed_under_us_is_made_anew(
    git: GitRepositories, origin: Origin, tmp_path: Path, remove: Callable[[Path], None]
):
    await git.read(origin.url, origin.commit({"a": "1"}), "a")
    remove(clone_of(tmp_path))
    sha = origin.commit({"a": "2"})
    assert await git.read(origin.url, sha, "a") == b"2"


async def test_a_repository_past_the_limit_is_refused(origin: Origin, tmp_path: Path, stack: AsyncExitStack):
    sha = origin.commit({"a": os.urandom(300_000)})
    git = await reopened(tmp_path, stack, Settings(pack_bytes=100_000))
    with pytest.raises(SpecError, match="larger than the limit"):
        await git.read(origin.url, sha, "a")
    left = [path for path in clone_of(tmp_path).rglob("*") if path.is_file() and path.stat().st_size > 50_000]
    assert left == []


async def test_a_place_that_cannot_be_written_is_told(origin: Origin, tmp_path: Path, stack: AsyncExitStack):
    sha = origin.commit({"a": "1"})
    (tmp_path / "clones").write_text("a file where the folder should be")
    git = await reopened(tmp_path, stack)
    with pytest.raises(Unavailable, match=r"open the clone of .*charts[.]git"):
        await git.read(origin.url, sha, "a")


async def test_many_fetches_are_packed_and_all_stays_readable(
    git: GitRepositories, origin: Origin, tmp_path: Path
):
    shas = [origin.commit({"a": str(number)}) for number in range(25)]
    for sha in shas:
        await git.read(origin.url, sha, "a")
    before = await git.entries(origin.url, shas[-1], ["a"])
    await git.maintain()
    assert len(list((clone_of(tmp_path) / "objects/pack").glob("*.pack"))) == 1
    assert await git.entries(origin.url, shas[-1], ["a"]) == before
    assert [await git.read(origin.url, sha, "a") for sha in shas] == [str(n).encode() for n in range(25)]
    assert next(iter(git._clones.values()))._objects
    assert list(next(iter(git._clones.values()))._objects.refs("refs/kept/").values()) == [shas[-1]]
