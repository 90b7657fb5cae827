"""Where a server listens, as people write it."""

import pytest

from tiphys.core.languages.endpoints import parse_endpoint
from tiphys.model.errors import SpecError


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:7480", ("::1", 7480)),
        (":8080", ("", 8080)),
    ],
)
def test_host_and_port(text: str, means: tuple[str, int]):
    assert parse_endpoint(text) == means


@pytest.mark.parametrize(
    "text", ["8080", "::1:80", "host:", "host:65536", "http://host:80", "a b:80", "h:8²"]
)
def test_what_is_no_address_is_told_with_an_example(text: str):
    with pytest.raises(SpecError, match=r"write it like 127\.0\.0\.1:8080"):
        parse_endpoint(text)
