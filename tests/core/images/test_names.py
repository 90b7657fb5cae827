"""Names of images in full."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.images.names import Named, named, same
from tiphys.model.errors import SpecError
from tiphys.model.images import Repository

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "repository", "tag", "digest"),
    [
        ("nginx", ("docker.io", "library/nginx"), "", ""),
        ("nginx:1.27", ("docker.io", "library/nginx"), "1.27", ""),
        ("example/web", ("docker.io", "example/web"), "", ""),
        ("index.docker.io/example/web", ("docker.io", "example/web"), "", ""),
        ("localhost/web", ("localhost", "web"), "", ""),
        ("127.0.0.1:5000/a/b:v1", ("127.0.0.1:5000", "a/b"), "v1", ""),
        ("[::1]:5000/web", ("[::1]:5000", "web"), "", ""),
        (f"ghcr.io/a/b/c:v1@{DIGEST}", ("ghcr.io", "a/b/c"), "v1", DIGEST),
    ],
)
def test_what_is_left_out_is_dockers(text: str, repository: tuple[str, str], tag: str, digest: str):
    assert named(text) == Named(Repository(*repository), tag, digest)


@pytest.mark.parametrize(
    "text", ["", ":", "Nginx", "a//b", "https://ghcr.io/a", "a b", "../a", "a:b c", "a@sha256:1", "a" * 300]
)
def test_what_is_no_name_is_told(text: str):
    with pytest.raises(SpecError, match="names no image"):
        named(text)


@given(st.text(alphabet="abc:/@.-_09 [") | st.text())
def test_a_name_is_read_or_told(text: str):
    try:
        found = named(text)
    except SpecError:
        return
    assert named(str(found.repository)).repository == found.repository
    assert same(str(found.repository), found.repository)
