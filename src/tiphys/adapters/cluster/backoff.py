"""
How long to wait before the next attempt: twice as long each time, never all at the same moment.
"""

import random


class Backoff:
    """Pauses in seconds, from ``first`` up to ``most``, each shortened by up to a third by chance."""

    def __init__(self, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._failures = 0

    def pause(self) -> float:
        """The pause after one more failure."""
        whole = min(self._most, self._first * 2.0 ** min(self._failures, 20))
        self._failures += 1
        return whole * random.uniform(2 / 3, 1)  # noqa: S311  spreads load, keeps no secret

    def reset(self) -> None:
        """It worked: start over."""
        self._failures = 0
