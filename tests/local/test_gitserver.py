"""Git over HTTP and a chart repository, spoken to by real git and real HTTP."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from tiphys.local import chartrepository
from tiphys.local.gitserver import serving
from tiphys.local.place import Served


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    repositories, charts = tmp_path / "git", tmp_path / "charts"
    await git("init", "--quiet", "--bare", "-b", "main", repositories / "web.git")
    chart = tmp_path / "sources" / "podmeter"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: podmeter\nversion: 1.4.2\n")
    (chart / "templates" / "one.yaml").write_text("kind: ConfigMap\n")
    chartrepository.publish(tmp_path / "sources", charts)
    async with serving(repositories, charts) as server:
        yield server


async def git(*arguments: object, cwd: Path | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        "git", *map(str, arguments), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def clone(served: Served, into: Path) -> Path:
    await git("clone", "--quiet", served.repository("web"), into)
    await git("config", "user.name", "Ann", cwd=into)
    await git("config", "user.email", "ann@example.com", cwd=into)
    return into


async def commit(checkout: Path, name: str, content: str) -> None:
    (checkout / name).write_text(content)
    await git("add", name, cwd=checkout)
    await git("commit", "--quiet", "-m", f"Add {name}", cwd=checkout)


async def test_what_one_clone_pushes_another_clones(served: Served, tmp_path: Path) -> None:
    ann = await clone(served, tmp_path / "ann")
    await commit(ann, "tag", "1.0.1")
    await git("push", "--quiet", "origin", "HEAD:main", cwd=ann)
    ben = await clone(served, tmp_path / "ben")
    assert (ben / "tag").read_text() == "1.0.1"


async def test_a_push_of_many_megabytes_arrives_whole(served: Served, tmp_path: Path) -> None:
    ann = await clone(served, tmp_path / "ann")
    noise = "".join(f"{n * 7919 % 1_000_003:x}" for n in range(1_500_000))
    await commit(ann, "noise", noise)
    await git("push", "--quiet", "origin", "HEAD:main", cwd=ann)
    ben = await clone(served, tmp_path / "ben")
    assert (ben / "noise").read_text() == noise


async def test_the_second_of_two_pushes_is_told_to_fetch_first(served: Served, tmp_path: Path) -> None:
    ann = await clone(served, tmp_path / "ann")
    await commit(ann, "a", "1")
    await git("push", "--quiet", "origin", "HEAD:main", cwd=ann)
    ben = await clone(served, tmp_path / "ben")
    await commit(ann, "a", "2")
    await git("push", "--quiet", "origin", "HEAD:main", cwd=ann)
    await commit(ben, "b", "1")
    with pytest.raises(AssertionError, match="fetch first"):
        await git("push", "origin", "HEAD:main", cwd=ben)
    await git("pull", "--quiet", "--rebase", "origin", "main", cwd=ben)
    await git("push", "--quiet", "origin", "HEAD:main", cwd=ben)


async def test_a_ref_is_asked_for_by_protocol_2(served: Served, tmp_path: Path) -> None:
    ann = await clone(served, tmp_path / "ann")
    await commit(ann, "a", "1")
    await git("push", "--quiet", "origin", "HEAD:main", "HEAD:other", cwd=ann)
    assert "refs/heads/main" in await git("ls-remote", served.repository("web"), "refs/heads/main")
    headers = {"Git-Protocol": "version=2"}
    url = f"{served.repository('web')}/info/refs?service=git-upload-pack"
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
        assert b"version 2" in await answer.read()


async def test_a_repository_that_is_not_there_is_not_found(served: Served) -> None:
    with pytest.raises(AssertionError, match="not found"):
        await git("ls-remote", served.repository("nothing"))


async def test_a_web_page_that_renamed_itself_to_loopback_is_refused(served: Served) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{served.charts}/index.yaml", headers={"Host": "evil.example"}) as answer,
    ):
        assert answer.status == 403


async def test_the_index_lists_the_packed_chart_and_is_sent_once(served: Served) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{served.charts}/index.yaml") as answer:
            entry = yaml.safe_load(await answer.read())["entries"]["podmeter"][0]
            tag = answer.headers["ETag"]
        async with http.get(f"{served.charts}/{entry['urls'][0]}") as answer:
            assert (await answer.read())[:2] == b"\x1f\x8b"
        async with http.get(f"{served.charts}/index.yaml", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 304


def test_a_pack_is_the_same_bytes_each_time_and_older_versions_stay(tmp_path: Path) -> None:
    chart = tmp_path / "sources" / "web"
    chart.mkdir(parents=True)
    for version in ("1.0.0", "1.1.0"):
        (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: web\nversion: {version}\n")
        (pack,) = chartrepository.publish(tmp_path / "sources", tmp_path / "charts")
        before = pack.read_bytes()
        chartrepository.publish(tmp_path / "sources", tmp_path / "charts")
        assert pack.read_bytes() == before
    index = yaml.safe_load((tmp_path / "charts" / "index.yaml").read_text())
    assert {entry["version"] for entry in index["entries"]["web"]} == {"1.0.0", "1.1.0"}
