"""Durations as Go and Argo CD write them: ``5s``, ``1m30s``, ``2h``; a bare number is seconds."""

import re
from datetime import timedelta

from tiphys.model.errors import SpecError

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d)")


def parse_duration(text: str) -> timedelta:
    """The length of a duration. Raises ``SpecError`` for anything else."""
    text = text.strip()
    full = f"{text}s" if _NUMBER.fullmatch(text) else text
    parts = _PART.findall(full)
    if not parts or "".join(number + unit for number, unit in parts) != full:
        raise SpecError(f"{text!r} is not a duration: write it like 5s, 1m30s or 2h")
    try:
        return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))
    except OverflowError as error:
        raise SpecError(f"{text[:40]!r} is longer than any duration can be") from error
