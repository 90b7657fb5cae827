"""Which way leads to a repository, put together of Secrets and ConfigMaps."""

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.repositories.choosing import Keyring
from tiphys.core.repositories.credentials import LABEL, READING, credentials, without_url

URL = "https://git.example.com/team/charts.git"


def secret(name: str, kind: str = "repository", **data: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {LABEL: kind}},
        "data": {key: b64encode(text.encode()).decode() for key, text in data.items()},
    }


def ring(*secrets: dict[str, Any], **more: Any) -> Keyring:
    return Keyring(credentials=credentials(secrets, READING), **more)


TEAM = secret("team", "repo-creds", url="https://git.example.com/team", username="ada", password="x")


def test_a_repository_without_credentials_has_those_of_the_longest_prefix():
    host = secret("host", "repo-creds", url="https://git.example.com", password="y")
    alone = secret("charts", url=URL, type="git", proxy="http://proxy:1")
    way = ring(host, alone, TEAM).git(URL, "")
    assert (way.secret, way.username, way.password) == ("Secret argocd/team", "ada", "x")
    assert way.proxy == "http://proxy:1"


def test_a_secret_of_a_project_is_for_its_applications_alone():
    own = secret("own", url=URL, password="own", project="shop")
    keys = ring(own, TEAM)
    assert keys.git(URL, "shop").secret == "Secret argocd/own"
    assert keys.git(URL, "shop").project == "shop"
    assert keys.git(URL, "other").secret == "Secret argocd/team"
    assert keys.git(URL, "").secret == "Secret argocd/team"


def test_charts_are_not_read_by_what_is_for_git():
    helm = secret("helm", url="https://git.example.com/team", type="helm", password="h")
    assert ring(helm, TEAM).charts("https://git.example.com/team", "").password == "h"
    assert ring(helm, TEAM).git(URL, "").password == "x"
    assert ring(TEAM).charts(URL, "").password == ""


@pytest.mark.parametrize(
    ("secret_url", "asked"),
    [
        ("git@github.com:team/charts.git", "ssh://git@github.com/team/charts"),
        ("ssh://git@github.com/team/charts.git", "git@github.com:team/charts"),
    ],
)
def test_ssh_is_the_same_in_both_spellings(secret_url: str, asked: str):
    key = secret("key", url=secret_url, sshPrivateKey="-----BEGIN x")
    assert ring(key).git(asked, "").ssh_private_key == "-----BEGIN x"


def test_a_path_that_climbs_out_of_a_prefix_does_not_fit():
    for asked in ("team/../other", "team/%2e%2e/other", "team/./other", "team/.."):
        assert ring(TEAM).git(f"https://git.example.com/{asked}", "").password == ""


def test_what_is_to_be_done_is_told():
    assert "Secret argocd/team was used" in ring(TEAM).git(URL, "").remedy
    lacking = ring().git(URL, "").remedy
    assert "no Secret in namespace argocd" in lacking
    assert "argocd.argoproj.io/secret-type=repository" in lacking
    assert "sshPrivateKey" in ring().git("git@github.com:a/b", "").remedy
    assert "type: helm" in ring().charts(URL, "").remedy
    assert "forbidden" in ring(trouble="forbidden").git(URL, "").remedy
    assert "has no credentials" in ring(secret("bare", url=URL)).git(URL, "").remedy


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"sshPrivateKey": "hunter2"}, "no private key"),
        ({"password": "hunter2\nx"}, "control characters"),
        ({"tlsClientCertData": "hunter2"}, "go together"),
        ({"githubAppPrivateKey": "hunter2"}, "githubAppPrivateKey is not built yet"),
    ],
)
def test_a_malformed_secret_says_so_where_it_is_asked_for_and_hurts_no_other(data: dict[str, str], why: str):
    keys = ring(secret("odd", url=URL, **data), TEAM)
    problem = keys.git(URL, "").problem
    assert why in problem
    assert "argocd/odd" in problem
    assert "hunter2" not in problem + repr(keys)
    assert not keys.git("https://git.example.com/team/other", "").problem


def test_a_field_that_is_no_text_is_told():
    odd = secret("odd", url=URL)
    odd["data"]["password"] = "/w=="
    assert "its password is no text" in ring(odd).git(URL, "").problem


def test_a_secret_without_a_url_is_named():
    assert without_url([secret("lost", password="x"), TEAM], READING) == ["lost"]


def test_hosts_and_authorities_come_of_the_config_maps():
    way = ring(known_hosts="h ssh-ed25519 A", authorities={"git.example.com": "PEM"}).git(URL, "")
    assert (way.known_hosts, way.authorities) == ("h ssh-ed25519 A", "PEM")
    assert ring(authorities={"git.example.com": "PEM"}).git("https://other.example/x", "").authorities == ""


@given(
    st.dictionaries(
        st.sampled_from(["url", "password", "type", "project", "metadata"]), st.text() | st.integers()
    ),
    st.text(),
)
def test_whatever_a_secret_holds_something_is_answered(data: dict[str, Any], url: str):
    body = {"metadata": {"name": "a", "labels": {LABEL: "repository"}}, "data": data}
    ring(body, TEAM).git(url, "shop")
