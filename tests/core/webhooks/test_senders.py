"""Who sent a request, whether that is so, and what it tells; and that nothing that is sent breaks anything."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.webhooks.payloads import FILES, NEW, NONE, OLD, SAMPLES, SECRETS, Sample
from tiphys.core.webhooks import Delivery, Forged, Ignored, Malformed, Push, Secrets, read
from tiphys.core.webhooks.senders import SENDERS

HEADERS = sorted({name for sample in SAMPLES.values() for name in sample.delivery().headers})
every_sender = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each, max_size=3),
    max_leaves=8,
)


@every_sender
def test_each_sender_is_known_proven_and_understood(sample: Sample):
    assert read(sample.delivery(), SECRETS) == (sample.means,)


def test_every_sender_has_a_sample():
    spoken = {sender.name for sender in SENDERS for s in SAMPLES.values() if sender.sent(s.delivery())}
    assert spoken == {sender.name for sender in SENDERS}


@every_sender
def test_a_body_that_was_changed_or_a_word_that_is_wrong_is_refused_unparsed(sample: Sample):
    sent = sample.delivery()
    words = {
        name: value if "event" in name or name in ("content-type", "x-vss-activityid") else f"{value}x"
        for name, value in sent.headers.items()
    }
    wrong = replace(sent, headers=words, query={**sent.query, "secret": "wrong"}, body=b"{not even JSON")
    answer = read(wrong, SECRETS)
    if isinstance(answer, Forged):
        assert "the word of" not in answer.why
    else:  # Harbor is known by nothing but that it carries a word
        pytest.fail(str(answer))


@every_sender
def test_who_proves_nothing_is_refused_where_anybody_has_to(sample: Sample):
    unsigned = {
        n: v for n, v in sample.delivery().headers.items() if "signature" not in n and "token" not in n
    }
    unsigned.pop("x-hook-uuid", None)
    unsigned["authorization"] = ""
    others = Secrets({"webhook.other.secret": "x"})
    assert isinstance(
        read(replace(sample.delivery(), headers=unsigned, query={"type": "harbor"}), others), Forged
    )


@every_sender
def test_without_any_secret_everybody_is_believed_to_have_pushed(sample: Sample):
    assert read(sample.delivery(), Secrets()) == (sample.means,)


@every_sender
@given(data=st.data())
def test_any_field_may_hold_anything(sample: Sample, data: st.DataObject):
    path = data.draw(st.sampled_from(sorted(paths(sample.payload), key=str)))
    changed = put(sample.payload, path, data.draw(json))
    assert_answered(sample, changed)


@every_sender
@given(payload=json)
def test_any_json_is_answered(sample: Sample, payload: Any):
    assert_answered(sample, payload)


@every_sender
@given(body=st.binary(max_size=64))
def test_any_bytes_are_answered(sample: Sample, body: bytes):
    answer = read(Delivery(sample.headers(body), body, sample.query), SECRETS)
    assert isinstance(answer, Malformed | Ignored | tuple)


def test_depth_is_no_bomb():
    deep = b"[" * 500_000
    sample = SAMPLES["GitHub"]
    assert isinstance(read(Delivery(sample.headers(deep), deep), SECRETS), Malformed)


def test_nobody_known_is_told_how_to_be_known():
    answer = read(Delivery({"content-type": "application/json"}, b"{}"), SECRETS)
    assert isinstance(answer, Malformed)
    assert "?type=dockerhub" in answer.why


def test_githubs_form_is_read_as_well():
    sample = SAMPLES["GitHub"]
    body = urlencode({"payload": orjson.dumps(sample.payload)}).encode()
    headers = {**sample.headers(body), "content-type": "application/x-www-form-urlencoded"}
    assert read(Delivery(headers, body), SECRETS) == (sample.means,)


@pytest.mark.parametrize("event", ["ping", "issues", "star", ""])
def test_other_events_ask_for_nothing(event: str):
    sample = SAMPLES["GitHub"]
    body = b'{"zen": "Keep it logically awesome."}'
    assert isinstance(
        read(Delivery({**sample.headers(body), "x-github-event": event}, body), SECRETS), Ignored
    )


@pytest.mark.parametrize(
    ("sender", "changes", "files"),
    [
        ("GitHub", {}, FILES),
        ("GitHub", {"forced": True}, None),
        ("GitHub", {"before": NONE}, None),
        ("GitHub", {"commits": []}, None),
        ("GitHub", {"commits": [{"added": ["a"]}]}, None),
        (
            "GitHub",
            {"commits": [{"added": [str(n) for n in range(1000)], "modified": [], "removed": []}]},
            None,
        ),
        ("Gitea", {"total_commits": 31}, None),
        ("GitLab", {"total_commits_count": 21}, None),
    ],
)
def test_files_are_told_only_where_they_are_all_there(
    sender: str, changes: dict[str, Any], files: frozenset[str] | None
):
    sample = SAMPLES[sender]
    answer = read(sample.delivery({**sample.payload, **changes}), SECRETS)
    assert isinstance(answer, tuple)
    assert isinstance(answer[0], Push)
    assert answer[0].files == files


def test_a_branch_that_is_gone_has_no_commit():
    sample = SAMPLES["GitLab"]
    answer = read(sample.delivery({**sample.payload, "after": NONE}), SECRETS)
    assert isinstance(answer, tuple)
    assert (answer[0].before, answer[0].after) == (OLD, "")  # type: ignore[union-attr]
    assert NEW not in str(answer[0])


def assert_answered(sample: Sample, payload: Any) -> None:
    """Whatever it is, it is answered in a type that the server knows, and with texts alone."""
    body = orjson.dumps(payload)
    match read(Delivery(sample.headers(body), body, sample.query), SECRETS):
        case tuple() as found:
            assert found
            for heard in found:
                if isinstance(heard, Push):
                    assert heard.repositories
                    assert all(isinstance(each, str) for each in (heard.ref, heard.before, heard.after))
                    assert all(isinstance(each, str) for each in heard.repositories)
                else:
                    assert heard.repository
                    assert heard.tag
        case Ignored(why) | Malformed(why):
            assert why
        case other:
            pytest.fail(str(other))


def paths(payload: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a payload."""
    yield above
    inside = (
        payload.items()
        if isinstance(payload, dict)
        else enumerate(payload if isinstance(payload, list) else ())
    )
    for key, value in inside:
        yield from paths(value, (*above, key))


def put(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The payload with another value at a place."""
    if not path:
        return value
    if isinstance(payload, list):
        return [put(each, path[1:], value) if n == path[0] else each for n, each in enumerate(payload)]
    return {k: put(each, path[1:], value) if k == path[0] else each for k, each in payload.items()}


@given(
    headers=st.dictionaries(st.sampled_from(HEADERS), st.text(max_size=20), max_size=4),
    query=st.dictionaries(
        st.sampled_from(["type", "secret"]), st.sampled_from(["dockerhub", "harbor", "é", ""])
    ),
    words=st.dictionaries(st.sampled_from(sorted(SECRETS.values)), st.text(max_size=9)),
    body=st.binary(max_size=20) | json.map(orjson.dumps),
)
def test_any_request_is_answered(
    headers: dict[str, str], query: dict[str, str], words: dict[str, str], body: bytes
):
    assert read(Delivery(headers, body, query), Secrets(words))
