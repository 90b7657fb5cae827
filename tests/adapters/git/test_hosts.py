"""Git hosts that are slow, away, broken, or something else entirely: told clearly, and never waited for long."""

import asyncio
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web

from adapters.git.origin import Answering, Origin, listen, relayed
from tiphys.adapters.git import GitRepositories, Settings, allowed_environment
from tiphys.model.errors import TiphysError, Unavailable

SHA = "e" * 40
PAGE = {"text": "<!DOCTYPE html>\n<html>\nSign in\n</html>\n", "content_type": "text/html"}


@pytest.fixture
async def git(tmp_path: Path) -> AsyncIterator[GitRepositories]:
    repositories = GitRepositories(tmp_path / "clones", Settings(ask_seconds=2, fetch_seconds=5))
    yield repositories
    await repositories.aclose()


async def told(git: GitRepositories, url: str) -> tuple[str, str]:
    """What is told of a host when a revision is resolved, and when a commit is fetched."""
    with pytest.raises(Unavailable) as resolving:
        await git.resolve(url, "main")
    with pytest.raises(Unavailable) as fetching:
        await git.read(url, SHA, "a")
    for error in (resolving, fetching):
        assert "secret" not in str(error.value)
    return str(resolving.value), str(fetching.value)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"status": 500}, ("HTTP 500", "HTTP 5xx")),
        ({"status": 503, "text": "busy"}, ("HTTP 503", "HTTP 5xx")),
        ({"status": 429, "headers": {"Retry-After": "30"}}, ("HTTP 429.*again after 30 s", "HTTP 429")),
        (
            {"status": 200, **PAGE},
            ("a web page and not a Git repository", "a web page and not a Git repository"),
        ),
        ({"status": 404, **PAGE}, ("no repository at this address", "no repository at this address")),
        (
            {"status": 401, "headers": {"WWW-Authenticate": "Basic"}},
            ("asks for credentials", "asks for credentials"),
        ),
        ({"status": 403}, ("asks for credentials", "asks for credentials")),
    ],
)
async def test_what_a_host_answers_is_told(
    git: GitRepositories, answering: Answering, answer: dict[str, object], why: tuple[str, str]
):
    async def host(_request: web.Request) -> web.StreamResponse:
        return web.Response(**answer)  # type: ignore[arg-type]

    url = await answering(host)
    for message, expected in zip(await told(git, url), why, strict=True):
        assert "charts.git" in message
        assert re.search(expected, message), message


async def test_a_host_that_is_away_is_told(git: GitRepositories):
    for message in await told(git, "http://ada:secret@127.0.0.1:1/charts.git"):
        assert "http://127.0.0.1:1/charts.git" in message
        assert "nothing answers at this address" in message
    for message in await told(git, "http://git.invalid/charts.git"):
        assert "its host name cannot be looked up" in message


async def test_a_folder_that_is_no_repository_is_told(git: GitRepositories, tmp_path: Path):
    for message in await told(git, f"file://{tmp_path}/none.git"):
        assert "there is no repository at this address" in message


async def test_a_host_that_drips_is_left_at_the_deadline(git: GitRepositories, answering: Answering):
    async def host(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/x-git-upload-pack-advertisement"})
        await answer.prepare(request)
        while True:
            await answer.write(b"0")
            await asyncio.sleep(0.2)

    url = await answering(host)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="no answer within 2 seconds"):
        await git.resolve(url, "main")
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "body", [b"garbage", b"zzzz", b"ffff", b"0003", b"000eversion 2\n0", b"0012ERR go away\x1b\n"]
)
async def test_a_host_that_talks_nonsense_is_told(git: GitRepositories, answering: Answering, body: bytes):
    async def host(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/x-git-upload-pack-advertisement")

    with pytest.raises(Unavailable) as caught:
        await git.resolve(await answering(host), "main")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("http://169.254.169.254/info/refs?service=git-upload-pack", "where we do not go"),
        ("file:///etc/passwd", "where we do not go"),
        ("/login", "a web page"),
        ("/charts.git/info/refs?service=git-upload-pack", "without end"),
    ],
)
async def test_a_host_leads_us_nowhere_strange(
    git: GitRepositories, answering: Answering, target: str, why: str
):
    async def host(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(target)

    with pytest.raises(Unavailable, match=why):
        await git.resolve(await answering(host), "main")


async def test_a_repository_that_moved_is_followed(
    git: GitRepositories, origin: Origin, answering: Answering
):
    async def host(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMovedPermanently(f"{origin.url}{request.path_qs.removeprefix('/charts.git')}")

    url, sha = await answering(host), origin.commit({"a": "1"})
    assert (await git.resolve(url, "main")).sha == sha
    assert await git.read(url, sha, "a") == b"1"


async def test_a_host_that_comes_back_is_served_from_again(
    git: GitRepositories, origin: Origin, answering: Answering
):
    faults = [503, 404, 401]  # credentials that expire look like the last one

    async def host(request: web.Request) -> web.StreamResponse:
        if asked and faults:
            return web.Response(status=faults[0])
        return await relayed(request, origin.url)

    url, sha = await answering(host), origin.commit({"a": "1"})
    asked = False
    await git.resolve(url, "main")
    asked = True
    while faults:
        with pytest.raises(Unavailable):
            await git.resolve(url, "main")
        faults.pop()
    assert (await git.resolve(url, "main")).sha == sha


async def test_credentials_of_the_url_are_used_and_never_told(
    git: GitRepositories, origin: Origin, answering: Answering
):
    async def host(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Basic YWRhOnNlY3JldA==":
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        return await relayed(request, origin.url)

    url, sha = await answering(host), origin.commit({"a": "1"})
    inside = url.replace("://", "://ada:secret@")
    assert (await git.resolve(inside, "main")).sha == sha
    assert await git.read(inside, sha, "a") == b"1"
    for asked in (git.resolve(inside, "none"), git.read(inside, sha, "none"), git.read(inside, SHA, "a")):
        with pytest.raises(TiphysError) as caught:
            await asked
        assert "secret" not in str(caught.value)
    with pytest.raises(Unavailable, match="asks for credentials"):
        await git.read(url, sha, "a")


async def test_a_connection_that_breaks_off_in_a_fetch_is_told(
    git: GitRepositories, origin: Origin, answering: Answering
):
    sha = origin.commit({"a": os.urandom(500_000)})
    healthy = False

    async def host(request: web.Request) -> web.StreamResponse:
        answer = await relayed(request, origin.url)
        if request.method == "POST" and not healthy:
            assert isinstance(answer.body, bytes)
            return web.Response(body=answer.body[: len(answer.body) // 2], content_type=answer.content_type)
        return answer

    url = await answering(host)
    with pytest.raises(Unavailable, match="the connection broke off"):
        await git.read(url, sha, "a")
    healthy = True
    assert len(await git.read(url, sha, "a")) == 500_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted by root alone")
    yield folder
    # Lazily: libgit2 may still hold a pack open.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_a_full_disk_is_told_and_nothing_is_lost(origin: Origin, small_disk: Path, tmp_path: Path):
    small, large = origin.commit({"a": "1"}), origin.commit({"a": os.urandom(5_000_000)}, branch="large")
    git = GitRepositories(small_disk / "clones")
    assert await git.read(origin.url, small, "a") == b"1"
    with pytest.raises(Unavailable, match=r"fetch of .*: the disk that holds the clones is full"):
        await git.read(origin.url, large, "a")
    assert await git.read(origin.url, origin.commit({"a": "2"}), "a") == b"2"
    (small_disk / "filler").write_bytes(bytes(1_500_000))
    many = origin.commit({f"{n}": os.urandom(100_000) for n in range(10)}, branch="many")
    elsewhere = GitRepositories(tmp_path / "clones")
    with pytest.raises(Unavailable, match="No space left on device"):
        await elsewhere.lay(origin.url, many, ["."], small_disk / "laid")
    await git.aclose()
    await elsewhere.aclose()


async def test_without_git_on_the_machine_that_is_told(origin: Origin, tmp_path: Path):
    git = GitRepositories(tmp_path / "clones", Settings(environment={"PATH": str(tmp_path)}))
    with pytest.raises(Unavailable, match="git is not in PATH"):
        await git.resolve(origin.file_url, "main")
    await git.aclose()


async def test_no_configuration_of_the_machine_plays_a_part(
    git: GitRepositories, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    hook = tmp_path / "hooks/reference-transaction"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
    hook.chmod(0o755)
    (tmp_path / ".gitconfig").write_text(
        f'[core]\n hooksPath = {hook.parent}\n[url "file:///nowhere/"]\n insteadOf = http://\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    sha = origin.commit({"a": "1"})
    assert await git.read(origin.url, sha, "a") == b"1"
    assert not (tmp_path / "pwned").exists()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for localhost, in one file, signed by itself."""
    if not shutil.which("openssl"):
        pytest.skip("the program openssl makes the certificate")
    file = tmp_path / "certificate.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        file,
        "-out",
        f"{file}.2",
        *names,
    ]
    subprocess.run(made, check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.2").read_text())
    return file


async def test_a_host_is_trusted_by_the_certificates_that_git_is_given(
    origin: Origin, certificate: Path, tmp_path: Path, stack: AsyncExitStack
):
    async def host(request: web.Request) -> web.StreamResponse:
        return await relayed(request, origin.url)

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", host)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    port = (await listen(app, stack, tls)).rpartition(":")[2]
    url, sha = f"https://localhost:{port}/charts.git", origin.commit({"a": "1"})

    environment = {**allowed_environment(os.environ), "GIT_SSL_CAINFO": str(certificate)}
    trusting = GitRepositories(tmp_path / "trusting", Settings(environment=environment))
    assert (await trusting.resolve(url, "main")).sha == sha
    assert await trusting.read(url, sha, "a") == b"1"
    await trusting.aclose()
    wary = GitRepositories(tmp_path / "wary")
    for message in await told(wary, url):
        assert "certificate is not trusted" in message
    await wary.aclose()
