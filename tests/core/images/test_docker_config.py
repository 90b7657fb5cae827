"""Credentials as docker keeps them."""

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.images.docker_config import login
from tiphys.core.images.names import repository
from tiphys.model.errors import SpecError
from tiphys.model.images import Login


def config(**auths: object) -> bytes:
    return json.dumps({"auths": auths}).encode()


def entry(text: str) -> dict[str, str]:
    return {"auth": b64encode(text.encode()).decode()}


def who(config: bytes, name: str) -> Login | None:
    return login(config, repository(name), "the file")


def test_an_entry_is_for_its_registry_alone():
    kept = config(**{"ghcr.io": entry("ada:a:b"), "https://index.docker.io/v1/": entry("bob:x")})
    assert who(kept, "ghcr.io/example/web") == Login("ada", "a:b")
    assert who(kept, "nginx") == Login("bob", "x")
    assert who(kept, "ghcr.io.example.com/web") is None
    assert who(kept, "quay.io/web") is None


def test_the_longest_path_counts():
    kept = config(**{"quay.io": entry("all:1"), "quay.io/example": entry("example:2")})
    assert who(kept, "quay.io/example/web") == Login("example", "2")
    assert who(kept, "quay.io/examples/web") == Login("all", "1")


def test_user_and_password_may_stand_apart():
    kept = config(**{"ghcr.io": {"username": "ada", "password": "secret"}})
    assert who(kept, "ghcr.io/web") == Login("ada", "secret")
    assert "secret" not in repr(who(kept, "ghcr.io/web"))


def test_helpers_are_not_run():
    assert who(b'{"credHelpers": {"ghcr.io": "evil"}, "credsStore": "evil"}', "ghcr.io/web") is None


@pytest.mark.parametrize("kept", [b"{", b'{"auths": [1]}', config(**{"ghcr.io": {"auth": "%"}})])
def test_what_is_malformed_is_told_without_what_it_holds(kept: bytes):
    with pytest.raises(SpecError, match="the file"):
        who(kept, "ghcr.io/web")


@given(
    st.binary()
    | st.recursive(
        st.text() | st.none() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["auths", "ghcr.io", "auth", "username", "//["]), inner)
        ),
    ).map(lambda found: json.dumps(found).encode())
)
def test_any_file_is_read_or_told(kept: bytes):
    try:
        found = who(kept, "ghcr.io/web")
    except SpecError:
        return
    assert found is None or found.secret
