"""
Targets that the API server has just tried for us, so that it is not asked to try them twice.

A prediction and the dry run of the sync that follows it ask the same. What spoke against a target is not kept here,
and neither is what was tried on another state of the live object, or longer than a moment ago.
"""

import asyncio
from dataclasses import dataclass
from hashlib import blake2b

import orjson

from tiphys.adapters.cluster.store import Store
from tiphys.model.objects import Key, Manifest

_HOLDS = 10.0
"""Seconds between a look and the dry runs of its sync, at most."""
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Trial:
    """A target that is tried on what is live now."""

    key: Key
    body: bytes
    live: tuple[str, str]
    at: float
    """By the event loop's clock."""

    def same(self, other: "Trial") -> bool:
        """Whether both try the same on the same, no matter when."""
        return (self.key, self.body, self.live) == (other.key, other.body, other.live)


class Trials:
    """The trials that went well, each good for one time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._passed: dict[Key, Trial] = {}

    def begin(self, target: Manifest) -> Trial:
        """A trial of a target, to be ``passed`` if all goes well."""
        live = self._store.get(target.key)
        body = blake2b(orjson.dumps(target.body), digest_size=16).digest()
        version = (live.uid, live.version) if live else ("", "")
        return Trial(target.key, body, version, asyncio.get_running_loop().time())

    def passed(self, trial: Trial) -> None:
        """The API server would do it, without a word of warning."""
        if len(self._passed) >= _MOST:
            self._passed.clear()
        self._passed[trial.key] = trial

    def spare(self, target: Manifest) -> bool:
        """Whether the target needs no trial now."""
        before, now = self._passed.pop(target.key, None), self.begin(target)
        return before is not None and before.same(now) and now.at - before.at < _HOLDS
