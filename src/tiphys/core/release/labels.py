"""
The labels of an image that say what it was made of, by the names that registries and scanners know.

https://github.com/opencontainers/image-spec/blob/main/annotations.md
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

_PREFIX = "org.opencontainers.image."


def labels(given: Sequence[str], dockerfile: str, facts: Mapping[str, str]) -> Sequence[str]:
    """
    Those that were given (``NAME=VALUE``), and one for each fact that is known and that nobody told yet.

    A Dockerfile's own words count as told: a label of the command line would replace them.
    """
    told = {label.partition("=")[0] for label in given}
    named = ((_PREFIX + name, value) for name, value in facts.items() if value)
    return [
        *given,
        *(f"{name}={value}" for name, value in named if name not in told and name not in dockerfile),
    ]


def facts(revision: str, source: str, created: datetime) -> Mapping[str, str]:
    """What is known of an image that is made now: from which commit of which repository."""
    return {
        "created": created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revision": revision,
        "source": source,
    }
