"""A push over SSH, to a real sshd: with the key that was given, to the host that was meant."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from adapters.git.origin import Origin
from adapters.git.sshd import Server, made_key
from tiphys.adapters.git import Branch, Settings, allowed_environment
from tiphys.adapters.git.signing_in import known
from tiphys.adapters.git.ssh import PUBLISHED, Key, given, over_ssh
from tiphys.core.release.images import Wish
from tiphys.model.commits import Person
from tiphys.model.errors import Refused, SpecError, TiphysError, Unavailable
from tiphys.reconcile.release import Order, Part, release

ADA = Person("Ada", "ada@example.org")
SETTINGS = Settings(environment=allowed_environment(os.environ), fetch_seconds=30)


@pytest.fixture
def charts(tmp_path: Path) -> Origin:
    made = Origin(tmp_path / "charts.git", "")
    made.commit({"charts/web/values.yaml": "image: a/web:v1\n"})
    return made


async def pushed(server: Server, charts: Origin, who: Key, tag: str = "v2") -> str:
    """What the file holds after a release."""
    async with Branch.open(server.url(charts.folder), "", SETTINGS, who) as branch:
        await release(Order([Part(["web"], [Wish(tag)])], ADA), branch, 30)
    return charts.git.revparse_single("main:charts/web/values.yaml").data.decode()


@pytest.mark.parametrize("filtered", [False, True])
async def test_a_key_signs_in(sshd: Server, charts: Origin, filtered: bool):
    charts.git.config["uploadpack.allowFilter"] = filtered
    assert await pushed(sshd, charts, Key(sshd.key, sshd.known_hosts)) == "image: a/web:v2\n"


async def test_a_key_and_hosts_come_from_the_environment_or_from_files(
    sshd: Server, charts: Origin, tmp_path: Path
):
    lines = {"TIPHYS_GIT_SSH_KEY": sshd.key, "TIPHYS_GIT_SSH_KNOWN_HOSTS": sshd.known_hosts}
    # As a form of a CI leaves it.
    mangled = {name: text.strip().replace("\n", "\r\n") for name, text in lines.items()}
    assert await pushed(sshd, charts, given(mangled)) == "image: a/web:v2\n"
    files = {}
    for name, text in lines.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644)
        files[f"{name}_FILE"] = str(tmp_path / name)
    assert await pushed(sshd, charts, given(files), "v3") == "image: a/web:v3\n"


async def test_the_key_is_in_a_private_file_that_goes(
    sshd: Server, charts: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "with blank").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "with blank"))
    async with Branch.open(sshd.url(charts.folder), "", SETTINGS, Key(sshd.key, sshd.known_hosts)) as branch:
        await branch.fetch()
        (file,) = branch._folder.parent.glob("key")
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not file.parent.exists()
    assert "PRIVATE" not in repr(Key(sshd.key))


async def test_who_is_not_let_in_is_told_what_to_set(sshd: Server, charts: Origin, tmp_path: Path):
    other = made_key(tmp_path / "other").read_text()
    with pytest.raises(Refused, match="refuses the key; give one by TIPHYS_GIT_SSH_KEY"):
        await pushed(sshd, charts, Key(other, sshd.known_hosts))
    with pytest.raises(SpecError, match="ssh cannot read the key"):
        await pushed(sshd, charts, Key(other[:60] + "\n", sshd.known_hosts))


async def test_a_host_is_known_before_it_is_spoken_to(sshd: Server, charts: Origin, tmp_path: Path):
    with pytest.raises(Refused, match="key is not known; compare what ssh-keyscan HOST prints"):
        await pushed(sshd, charts, Key(sshd.key))
    public = made_key(tmp_path / "other").with_suffix(".pub").read_text()
    with pytest.raises(Refused, match="somebody may be in between"):
        await pushed(sshd, charts, Key(sshd.key, f"[127.0.0.1]:{sshd.port} {public}"))
    assert len(list(charts.git.walk(charts.git.references["refs/heads/main"].target))) == 1


async def test_what_is_not_there_is_told(sshd: Server, charts: Origin, tmp_path: Path):
    key = Key(sshd.key, sshd.known_hosts)
    with pytest.raises(Unavailable, match="no repository at this address"):
        async with Branch.open(sshd.url(tmp_path / "nothing.git"), "", SETTINGS, key) as branch:
            await branch.fetch()
    with pytest.raises(Unavailable, match="nothing answers"):
        async with Branch.open(f"ssh://git@127.0.0.1:9{charts.folder}", "", SETTINGS, key) as branch:
            await branch.fetch()


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"TIPHYS_GIT_SSH_KEY": "/run/secrets/key"}, "holds no private key"),
        ({"TIPHYS_GIT_SSH_KEY_FILE": "/nonexistent/key"}, "cannot be read: No such file"),
    ],
)
def test_what_is_no_key_is_told(environment: dict[str, str], why: str):
    with pytest.raises(SpecError, match=why):
        given(environment)


@pytest.mark.parametrize(
    ("url", "yes"),
    [
        ("git@github.com:example/charts.git", True),
        ("ssh://git@git.example.com:2222/charts.git", True),
        ("https://ada@git.example.com:443/charts.git", False),
        ("file:///srv/charts.git", False),
        ("-oProxyCommand=x@host:charts", False),
    ],
)
def test_a_url_of_ssh(url: str, yes: bool):
    assert over_ssh(url) == yes


async def test_a_url_with_a_password_is_refused_and_a_token_stays_at_home():
    assert isinstance(await known("git@git.example.com:charts.git", {"TIPHYS_GIT_TOKEN": "t"}), Key)
    with pytest.raises(TiphysError, match="SSH takes a key and no password") as told:
        async with Branch.open("ssh://git:s3cret@git.example.com/charts.git", "", SETTINGS):
            pass
    assert "s3cret" not in str(told.value)


def test_the_published_keys_are_keys(tmp_path: Path):
    (tmp_path / "hosts").write_text(PUBLISHED)
    told = subprocess.run(
        ["ssh-keygen", "-l", "-f", tmp_path / "hosts"], capture_output=True, text=True, check=True
    )
    assert "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU github.com (ED25519)" in told.stdout
    assert len(told.stdout.splitlines()) == 5
