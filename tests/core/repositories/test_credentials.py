"""Which Secret's credentials are for a repository."""

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.repositories.credentials import LABEL, WRITING, Credential, best, credentials


def secret(name: str, kind: str, **data: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {LABEL: kind}},
        "data": {key: b64encode(text.encode()).decode() for key, text in data.items()},
    }


def chosen(url: str, *secrets: dict[str, Any]) -> str:
    found = best(credentials(secrets, WRITING), url)
    return found.secret if found else ""


EXACT = secret("exact", "repository-write", url="https://git.example.com/team/charts.git", password="x")
TEAM = secret("team", "repo-write-creds", url="https://git.example.com/team", password="x")
HOST = secret("host", "repo-write-creds", url="https://git.example.com", password="x")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://git.example.com/team/charts.git", "exact"),
        ("https://GIT.example.com/team/charts", "exact"),
        ("https://git.example.com/team/other.git", "team"),
        ("https://git.example.com/teams/other.git", "host"),
        ("https://git.example.com.evil.example/team/charts", ""),
        ("http://git.example.com/team/charts", ""),
    ],
)
def test_the_very_repository_counts_before_the_longest_prefix(url: str, name: str):
    assert chosen(url, HOST, EXACT, TEAM) == name


def test_what_may_read_alone_may_not_push():
    assert chosen("https://git.example.com/a", secret("r", "repo-creds", url="https://git.example.com")) == ""


def test_a_malformed_secret_hurts_no_other():
    odd = {"metadata": {"labels": {LABEL: "repository-write"}}, "data": {"url": 7, "password": "%"}}
    assert chosen("https://git.example.com/a", odd, HOST) == "host"


def test_what_is_secret_is_in_no_text():
    (found,) = credentials([EXACT], WRITING)
    assert found == Credential("exact", "https://git.example.com/team/charts.git", True, "", "x")
    assert "'x'" not in repr(found)


@given(st.text(), st.text())
def test_any_url_is_compared(url: str, other: str):
    best(credentials([secret("a", "repo-write-creds", url=url)], WRITING), other)
