"""Releases as Helm keeps them, and Secrets that are none."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.bootstrap.records import BEAT, Record, begun, record_of
from tiphys.model.errors import SpecError
from tiphys.model.objects import Body, Live, key_of

NOW = datetime(2026, 9, 21, 10, 0, tzinfo=UTC)
BODY = {"name": "shop", "namespace": "web", "version": 3, "manifest": "---\n", "info": {"notes": "hello"}}
names = st.text("abc-", min_size=1, max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def kept(secret: Body) -> Live:
    """A Secret as the API server gives it back."""
    return Live(key_of(secret), secret)


@given(
    name=names, version=st.integers(1, 10**6), config=st.dictionaries(st.text(max_size=4), values, max_size=3)
)
def test_what_is_recorded_is_read_again(name: str, version: int, config: dict[str, object]) -> None:
    body = {**BODY, "name": name, "version": version, "config": config}
    record = begun(body, "", NOW, upgrade=False)
    again = record_of(kept(record.secret(NOW)))
    assert (again.body, again.beat) == (record.body, record.beat)


def test_a_secret_says_what_one_searches_by() -> None:
    secret = Record(BODY, {"team": "a"}).told("deployed", "Install complete").secret(NOW)
    assert secret["metadata"]["name"] == "sh.helm.release.v1.shop.v3"
    assert secret["metadata"]["labels"] == {
        "team": "a",
        "name": "shop",
        "owner": "helm",
        "status": "deployed",
        "version": "3",
        "modifiedAt": "1789984800",
    }
    assert record_of(kept(secret)).labels == {"team": "a"}


def test_only_who_is_at_work_shows_it() -> None:
    working = begun(BODY, "", NOW, upgrade=True)
    assert working.secret(NOW)["metadata"]["annotations"] == {BEAT: "2026-09-21T10:00:00Z"}
    assert "annotations" not in Record(BODY).secret(NOW)["metadata"]


def test_the_first_installation_is_remembered() -> None:
    first = begun(BODY, "", NOW, upgrade=False)
    later = begun(BODY, "2020-01-01T00:00:00Z", NOW, upgrade=True)
    assert first.body["info"]["first_deployed"] == first.body["info"]["last_deployed"]
    assert later.body["info"]["first_deployed"] == "2020-01-01T00:00:00Z"
    assert (first.status, later.status) == ("pending-install", "pending-upgrade")


@given(st.binary(max_size=40) | st.builds(lambda v: repr(v).encode(), values))
def test_a_secret_that_is_no_release_is_told_by_its_name(content: bytes) -> None:
    for data in (content, base64.b64encode(content)):
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "odd", "namespace": "web"},
            "data": {"release": base64.b64encode(data).decode()},
        }
        with pytest.raises(SpecError, match="Secret web/odd is no release"):
            record_of(kept(body))


@given(values)
def test_a_secret_with_odd_data_is_told_too(data: object) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "odd"}, "data": data}
    with pytest.raises(SpecError, match="no release"):
        record_of(kept(body))
