"""The labels of an image that say what it was made of."""

from datetime import UTC, datetime

from tiphys.core.release.labels import facts, labels

KNOWN = facts("1f3a", "https://git.example.org/web", datetime(2026, 3, 1, 12, tzinfo=UTC))
OCI = "org.opencontainers.image."


def test_what_is_known_is_told():
    assert labels([], "FROM scratch", KNOWN) == [
        f"{OCI}created=2026-03-01T12:00:00Z",
        f"{OCI}revision=1f3a",
        f"{OCI}source=https://git.example.org/web",
    ]


def test_what_was_told_already_stays():
    given = [f"{OCI}source=https://elsewhere.example.org", "a=b"]
    assert labels(given, f'LABEL {OCI}revision="$REVISION"', KNOWN) == [
        *given, f"{OCI}created=2026-03-01T12:00:00Z"
    ]  # fmt: skip


def test_what_is_not_known_is_not_told():
    assert labels([], "", facts("", "", datetime(2026, 3, 1, 12, tzinfo=UTC))) == [
        f"{OCI}created=2026-03-01T12:00:00Z"
    ]
