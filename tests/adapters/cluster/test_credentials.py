import base64
import subprocess
from pathlib import Path

import pytest

from tiphys.adapters.cluster.credentials import from_kubeconfig, in_cluster
from tiphys.model.errors import SpecError

TWO_CONTEXTS = """
apiVersion: v1
kind: Config
current-context: home
clusters:
- name: pi
  cluster: {server: "https://pi:6443/", insecure-skip-tls-verify: true}
- name: plain
  cluster: {server: "http://127.0.0.1:8080"}
contexts:
- name: home
  context: {cluster: pi, user: me, namespace: web}
- name: work
  context: {cluster: plain, user: boss}
users:
- name: me
  user: {token: s3cret}
- name: boss
  user: {username: ann, password: pw, as: deployer, as-groups: [ops, dev]}
"""


def kubeconfig(folder: Path, text: str, name: str = "config") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def user(folder: Path, user: str) -> Path:
    return kubeconfig(
        folder,
        f"""
        current-context: a
        clusters: [{{name: a, cluster: {{server: "https://a"}}}}]
        contexts: [{{name: a, context: {{cluster: a, user: a}}}}]
        users: [{{name: a, user: {user}}}]
        """,
    )


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    words = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x"]
    command = ["openssl", "req", *words, "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def test_the_current_context_is_taken(tmp_path: Path) -> None:
    connection = from_kubeconfig([kubeconfig(tmp_path, TWO_CONTEXTS)])
    assert (connection.server, connection.namespace) == ("https://pi:6443", "web")
    assert connection.authorization() == [("Authorization", "Bearer s3cret")]
    assert not connection.tls.check_hostname


def test_a_named_context_is_taken_with_whom_it_acts_as(tmp_path: Path) -> None:
    connection = from_kubeconfig([kubeconfig(tmp_path, TWO_CONTEXTS)], "work")
    assert (connection.server, connection.tls) == ("http://127.0.0.1:8080", None)
    assert connection.authorization() == [
        ("Authorization", f"Basic {base64.b64encode(b'ann:pw').decode()}"),
        ("Impersonate-User", "deployer"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Group", "dev"),
    ]


def test_of_several_files_the_first_that_names_something_wins(tmp_path: Path) -> None:
    first = kubeconfig(tmp_path, "current-context: work\nusers: [{name: boss, user: {token: mine}}]", "first")
    connection = from_kubeconfig([first, kubeconfig(tmp_path, TWO_CONTEXTS)])
    assert connection.authorization() == [("Authorization", "Bearer mine")]


def test_a_client_certificate_is_read_beside_the_kubeconfig(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    file = user(tmp_path, f"{{client-certificate: {pair[0].name}, client-key: {pair[1].name}}}")
    assert from_kubeconfig([file]).tls is not None


def test_a_client_certificate_is_read_from_the_kubeconfig(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    certificate, key = (base64.b64encode(f.read_bytes()).decode() for f in pair)
    file = user(tmp_path, f"{{client-certificate-data: {certificate}, client-key-data: {key}}}")
    assert from_kubeconfig([file]).tls is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is not YAML"),
        ("- a", "is not a mapping"),
        ("clusters: []", "no current-context is set"),
        ("current-context: a", "there is no context 'a' (there is: none)"),
        ("clusters: nothing", "clusters is not a list of a name and a cluster each"),
        ("clusters: [{cluster: {}}]", "clusters is not a list of a name and a cluster each"),
        (
            """
            current-context: a
            contexts: [{name: a, context: {cluster: b}}]
            clusters: [{name: b, cluster: {server: x}}]
            """,
            "'x' is no http(s) URL",
        ),
    ],
)
def test_a_wrong_kubeconfig_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SpecError) as error:
        from_kubeconfig([kubeconfig(tmp_path, text)])
    assert told in str(error.value)


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"cannot read .*/nowhere: No such file or directory"):
        from_kubeconfig([tmp_path / "nowhere"])


@pytest.mark.parametrize("plugin", ["{exec: {command: aws}}", "{auth-provider: {name: gcp}}"])
def test_a_program_that_gets_credentials_is_refused(tmp_path: Path, plugin: str) -> None:
    with pytest.raises(SpecError, match="from a program"):
        from_kubeconfig([user(tmp_path, plugin)])


def test_secrets_are_not_told_when_they_do_not_load(tmp_path: Path) -> None:
    secret = base64.b64encode(b"my-private-key").decode()
    with pytest.raises(SpecError) as error:
        from_kubeconfig([user(tmp_path, f"{{client-certificate-data: {secret}, client-key-data: {secret}}}")])
    assert "my-private-key" not in str(error.value)
    assert secret not in str(error.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="nowhere"):
        from_kubeconfig([tmp_path / "nowhere"])


def test_a_pod_reads_its_token_again_when_it_was_renewed(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    (tmp_path / "ca.crt").write_bytes(pair[0].read_bytes())
    (tmp_path / "namespace").write_text("argocd\n")
    (tmp_path / "token").write_text("first\n")
    connection = in_cluster("10.0.0.1", "443", tmp_path)
    assert (connection.server, connection.namespace) == ("https://10.0.0.1:443", "argocd")
    assert connection.authorization() == [("Authorization", "Bearer first")]
    (tmp_path / "new").write_text("second\n")
    (tmp_path / "new").rename(tmp_path / "token")
    assert connection.authorization() == [("Authorization", "Bearer second")]
    (tmp_path / "token").unlink()
    with pytest.raises(SpecError, match="read the token file"):
        connection.authorization()


def test_an_address_of_version_6_is_written_in_brackets(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    (tmp_path / "ca.crt").write_bytes(pair[0].read_bytes())
    (tmp_path / "namespace").write_text("")
    assert in_cluster("fd00::1", "443", tmp_path).server == "https://[fd00::1]:443"
