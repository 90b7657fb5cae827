"""Private repositories: over HTTPS with a password, a token, a certificate, an own authority, and over SSH."""

import asyncio
import base64
import os
import shutil
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import web

from adapters.git.origin import Answering, Origin, listen, relayed
from adapters.git.sshd import Server, made_key
from tiphys.adapters.git import GitRepositories, Settings
from tiphys.model.access import ANYBODY, Access
from tiphys.model.errors import SpecError, TiphysError, Unavailable

CANARY = "canary-Xq7"
ADA = Access(
    secret="Secret argocd/charts", username="ada", password=CANARY, remedy="Secret argocd/charts was used"
)


@dataclass
class Host:
    """A Git host that wants to be shown something; what it was shown is in ``shown``."""

    url: str
    shown: list[str]


Opening = Callable[[str, ssl.SSLContext | None], Awaitable[Host]]


@pytest.fixture
def private(origin: Origin, stack: AsyncExitStack) -> Opening:
    """Serves the origin to whoever shows a header."""

    async def opened(wanted: str, tls: ssl.SSLContext | None = None) -> Host:
        shown: list[str] = []

        async def answer(request: web.Request) -> web.StreamResponse:
            shown.append(request.headers.get("Authorization", ""))
            if wanted and shown[-1] != wanted:
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            return await relayed(request, origin.url)

        app = web.Application()
        app.router.add_route("*", "/charts.git/{anything:.*}", answer)
        address = await listen(app, stack, tls)
        scheme = "https" if tls else "http"
        return Host(f"{scheme}://127.0.0.1:{address.rpartition(':')[2]}/charts.git", shown)

    return opened


@dataclass
class Ways:
    """The access that counts at the moment, by project."""

    now: Access = ANYBODY
    of_project: dict[str, Access] | None = None

    def __call__(self, url: str, project: str) -> Access:  # noqa: ARG002
        return (self.of_project or {}).get(project, self.now)


@pytest.fixture
async def ways() -> Ways:
    return Ways()


@pytest.fixture
async def reader(tmp_path: Path, stack: AsyncExitStack, ways: Ways) -> GitRepositories:
    settings = Settings(ask_seconds=10, fetch_seconds=10, environment={"PATH": os.environ["PATH"]})
    repositories = GitRepositories(tmp_path / "clones", settings, ways)
    stack.push_async_callback(repositories.aclose)
    return repositories


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


async def reads(git: GitRepositories, url: str) -> bytes:
    tip = await git.resolve(url, "main")
    return await git.read(url, tip.sha, "a")


@pytest.mark.parametrize(
    ("access", "header"),
    [
        (ADA, basic("ada", CANARY)),
        (Access(password=CANARY), basic("x-access-token", CANARY)),
        (replace(ADA, unasked=True), basic("ada", CANARY)),
        (Access(bearer_token=CANARY), f"Bearer {CANARY}"),
    ],
)
async def test_a_private_repository_is_read(reader, ways, origin, private, access, header):
    origin.commit({"a": "1"})
    host = await private(header, None)
    ways.now = access
    assert await reads(reader, host.url) == b"1"


async def test_a_user_in_the_url_has_the_password_of_the_secret(reader, ways, origin, private):
    origin.commit({"a": "1"})
    host = await private(basic("bob", CANARY), None)
    ways.now = Access(password=CANARY)
    assert await reads(reader, host.url.replace("//", "//bob@")) == b"1"


async def test_a_change_of_credentials_counts_at_the_next_question(reader, ways, origin, private):
    origin.commit({"a": "1"})
    host = await private(basic("ada", CANARY), None)
    ways.now = Access(remedy="no Secret in namespace argocd is for it")
    with pytest.raises(Unavailable, match=r"asks for credentials.*no Secret in namespace argocd is for it"):
        await reader.resolve(host.url, "main")
    with pytest.raises(Unavailable, match="no Secret in namespace argocd is for it"):
        await reader.read(host.url, "e" * 40, "a")
    ways.now = ADA
    assert await reads(reader, host.url) == b"1"
    ways.now = replace(ADA, password="changed")
    origin.commit({"a": "2"})
    with pytest.raises(Unavailable, match="Secret argocd/charts was used"):
        await reader.resolve(host.url, "main")


async def test_a_redirect_to_another_host_loses_the_credentials(
    reader, ways, origin, private, answering: Answering
):
    origin.commit({"a": "1"})
    elsewhere = await private("", None)

    async def moved(request: web.Request) -> web.StreamResponse:
        path = request.path_qs.removeprefix("/charts.git")
        return web.Response(status=302, headers={"Location": elsewhere.url + path})

    url = await answering(moved)
    for access in (ADA, replace(ADA, unasked=True), Access(bearer_token=CANARY)):
        ways.now = access
        tip = await reader.resolve(url, "main")
        if access == ADA:
            assert await reader.read(url, tip.sha, "a") == b"1"
        else:
            with pytest.raises(TiphysError):
                await reader.read(url, "e" * 40, "a")
    assert set(elsewhere.shown) == {""}


async def test_what_one_project_may_read_is_no_other_projects(reader, ways, origin, private):
    sha = origin.commit({"a": "1"})
    host = await private(basic("ada", CANARY), None)
    ways.of_project = {"shop": replace(ADA, project="shop")}
    assert await reader.of("shop").read(host.url, sha, "a") == b"1"
    assert reader.scope(host.url, "shop") == "shop"
    assert reader.scope(host.url, "other") == ""
    with pytest.raises(Unavailable, match="asks for credentials"):
        await reader.of("other").read(host.url, sha, "a")


async def test_a_netrc_file_of_the_process_is_nobodys(reader, origin, private, tmp_path, monkeypatch):
    origin.commit({"a": "1"})
    host = await private(basic("ada", CANARY), None)
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login ada password {CANARY}\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with pytest.raises(Unavailable, match="asks for credentials"):
        await reader.resolve(host.url, "main")
    assert set(host.shown) == {""}


async def test_a_secret_that_cannot_be_used_says_so(reader, ways):
    ways.now = Access(
        problem="the Secret argocd/charts for it cannot be used: its password is no text in base64"
    )
    with pytest.raises(SpecError, match=r"git\.example\.org/a: the Secret argocd/charts"):
        await reader.resolve("https://git.example.org/a", "main")


async def test_credentials_are_in_no_argument_and_no_message(ways, origin, private, tmp_path):
    origin.commit({"a": "1"})
    seen = tmp_path / "arguments"
    real = shutil.which("git")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {seen}\nexec {real} "$@"\n')
    (tmp_path / "bin/git").chmod(0o755)
    settings = Settings(environment={"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})
    git = GitRepositories(tmp_path / "more", settings, ways)
    host = await private(basic("ada", "another"), None)
    inside = host.url.replace("//", f"//ada:{CANARY}@")
    told = []
    for url, access in (
        (host.url, ADA),
        (host.url, replace(ADA, unasked=True)),
        (host.url, Access(bearer_token=CANARY)),
        (inside, Access()),
    ):
        ways.now = access
        for asked in (git.resolve(url, "main"), git.read(url, "e" * 40, "a")):
            with pytest.raises(TiphysError) as error:
                await asked
            told.append(str(error.value))
    await git.aclose()
    assert "fetch" in seen.read_text()
    assert CANARY not in seen.read_text() + "".join(told) + repr(ADA)


@dataclass(frozen=True)
class Certificates:
    """An authority, a server's certificate by it, and a client's."""

    folder: Path

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    @property
    def server(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        return context


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    for name in ("server", "client"):
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("req", *new[:3], "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signing)
    return Certificates(folder)


async def test_an_authority_of_ones_own_is_trusted_for_its_host(reader, ways, origin, private, certificates):
    origin.commit({"a": "1"})
    host = await private(basic("ada", CANARY), certificates.server)
    ways.now = ADA
    for asked in (reader.resolve(host.url, "main"), reader.read(host.url, "e" * 40, "a")):
        with pytest.raises(Unavailable, match=r"certificate is not trusted here.*argocd-tls-certs-cm"):
            await asked
    ways.now = replace(ADA, authorities=certificates.text("ca.pem"))
    assert await reads(reader, host.url) == b"1"


async def test_a_host_may_be_taken_without_proof(reader, ways, origin, private, certificates):
    origin.commit({"a": "1"})
    host = await private(basic("ada", CANARY), certificates.server)
    ways.now = replace(ADA, insecure=True)
    assert await reads(reader, host.url) == b"1"


async def test_a_client_certificate_is_shown_and_no_longer_once_it_is_gone(
    reader, ways, origin, private, certificates
):
    origin.commit({"a": "1"})
    context = certificates.server
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.folder / "ca.pem")
    host = await private("", context)
    ours = Access(
        secret="Secret argocd/charts",
        authorities=certificates.text("ca.pem"),
        certificate=certificates.text("client.pem"),
        certificate_key=certificates.text("client.key"),
    )
    ways.now = ours
    assert await reads(reader, host.url) == b"1"
    ways.now = replace(ours, certificate="", certificate_key="")
    with pytest.raises(Unavailable):
        await reader.resolve(host.url, "main")
    ways.now = replace(ours, certificate_key="-----BEGIN nothing")
    with pytest.raises(SpecError, match="Secret argocd/charts: tlsClientCertData"):
        await reader.resolve(host.url, "main")


async def test_a_proxy_is_used_for_its_repository(reader, ways, origin, stack):
    origin.commit({"a": "1"})
    asked: list[str] = []

    async def forwards(request: web.Request) -> web.StreamResponse:
        asked.append(str(request.url))
        return await relayed(request, origin.url)

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", forwards)
    ways.now = Access(proxy=await listen(app, stack))
    assert await reads(reader, "http://git.invalid/charts.git") == b"1"
    assert {each.split("/")[2] for each in asked} == {"git.invalid"}
    ways.now = replace(ways.now, no_proxy="git.invalid")
    with pytest.raises(Unavailable, match="cannot be looked up"):
        await reader.resolve("http://git.invalid/charts.git", "main")


async def test_a_repository_is_read_over_ssh(reader, ways, origin, sshd: Server):
    first = origin.commit({"a": "1"})
    origin.tag("v1", first, annotated=True)
    url = sshd.url(origin.folder)
    ways.now = Access(ssh_private_key=sshd.key, known_hosts=sshd.known_hosts)
    assert await reads(reader, url) == b"1"
    assert (await reader.resolve(url, "HEAD")).ref == "refs/heads/main"
    assert (await reader.resolve(url, "v1")).sha == first
    with pytest.raises(SpecError, match="there are: main, v1"):
        await reader.resolve(url, "mian")
    assert [await asyncio.gather(*(reader.resolve(url, name) for name in ("main", "v1", "HEAD")))]


async def test_over_ssh_a_host_must_be_known_and_a_key_be_let_in(
    reader, ways, origin, sshd: Server, tmp_path
):
    origin.commit({"a": "1"})
    url = sshd.url(origin.folder)
    other = made_key(tmp_path / "other").read_text()
    ours = Access(
        ssh_private_key=sshd.key, known_hosts=sshd.known_hosts, remedy="Secret argocd/charts was used"
    )
    host, _, _ = sshd.known_hosts.partition(" ")
    changed = f"{host} {(tmp_path / 'other.pub').read_text()}"
    for access, why in (
        (replace(ours, known_hosts=""), "host's key is not known.*argocd-ssh-known-hosts-cm"),
        (replace(ours, known_hosts="", insecure=True), "host's key is not known"),
        (replace(ours, known_hosts=changed), "shows another key"),
        (replace(ours, ssh_private_key=other), "refuses the key; Secret argocd/charts was used"),
        (replace(ours, ssh_private_key="-----BEGIN OPENSSH PRIVATE KEY-----\nx\n"), "sshPrivateKey"),
        (replace(ours, ssh_private_key=""), "SSH needs a key"),
        (replace(ours, proxy="http://127.0.0.1:1"), "SSH by a proxy is not built yet"),
    ):
        ways.now = access
        for asked in (reader.resolve(url, "main"), reader.read(url, "e" * 40, "a")):
            with pytest.raises(TiphysError, match=why):
                await asked
