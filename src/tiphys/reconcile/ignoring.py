"""
What does not count when an application's objects are compared: its rules, with jq asked of the engines.

An expression is asked once for each content of an object. One that is none, or does not end, ignores nothing and is
left alone for some minutes, so that it costs the renders of others no time.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import blake2b

import orjson

from tiphys.core.diff.compare import weighed
from tiphys.core.diff.hidden import MOST_PATHS, Hidden, aggregated, pointers_of
from tiphys.core.diff.ignore import Rules, malformed, rules_for
from tiphys.core.diff.ownership import NOTHING, held_by, places_of
from tiphys.core.diff.pointers import Pointers
from tiphys.core.diff.system import UNSET, SystemRules
from tiphys.model.api import Application
from tiphys.model.errors import SpecError
from tiphys.model.flow import Pair
from tiphys.model.objects import Body, Key
from tiphys.reconcile.world import World

WARNING = "IgnoreDifferencesWarning"
_REST = timedelta(minutes=5)
_CONTENTS = 8
"""So many contents of an object are remembered for each expression: a look needs four at most."""


@dataclass
class Ignoring:
    """The rules of one look at an application, and what turned out to be wrong with them."""

    application: Application
    world: World
    system: SystemRules = UNSET
    failed: dict[str, str] = field(default_factory=dict)
    """Why an expression ignores nothing."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is not as its author meant it, in sentences for a condition."""
        asked = (f"jqPathExpressions: {text!r} ignores nothing: {why}" for text, why in self.failed.items())
        return (*malformed(self.application.spec.ignore_differences), *self.system.problems, *asked)

    def rules(self, key: Key) -> Rules:
        """What does not count of an object."""
        return rules_for(key, (*self.application.spec.ignore_differences, *self.system.rules))

    async def hidden(self, each: Pair, live: Body | None = None, after: Body | None = None) -> Hidden:
        """
        Where that is in the bodies of a pair; with a prediction, in the ``live`` body that it tells of and ``after``.
        """
        rules, status = self.rules(each.key), self.system.hides_status(each.key.of)
        if not each.live:
            return Hidden(status=status)
        if self.system.aggregated_roles and aggregated(
            each.target.body if each.target else None, each.live.body
        ):
            rules = replace(rules, pointers=(*rules.pointers, ("rules",)))
        if not rules:
            return Hidden(status=status)
        held = held_by(each.live, rules.managers) if rules.managers else NOTHING
        target = each.target.body if each.target else None
        live = each.live.body if live is None else live

        async def places(body: Body | None) -> Pointers:
            if body is None:
                return ()
            return (*await self._places(each.key, rules, body, status=status), *places_of(held, body, target))

        return Hidden(await places(target), await places(live), await places(after), status)

    async def _places(self, key: Key, rules: Rules, body: Body, *, status: bool) -> Pointers:
        if not rules.expressions:
            return rules.pointers
        shown = weighed(body, status=not status)
        digest = blake2b(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
        known = self.world.memory.places.setdefault(key, {})
        if len(known) >= _CONTENTS * len(rules.expressions):
            known.clear()
        found = list(rules.pointers)
        # One after the other, so that what never ends is asked once and not for all objects at a time.
        async with self._turn:
            for expression in rules.expressions:
                if (expression, digest) not in known:
                    answer = await self._asked(expression, shown)
                    if answer is None:
                        continue
                    known[expression, digest] = answer
                found += known[expression, digest]
        return tuple(dict.fromkeys(found))

    async def _asked(self, expression: str, body: Body) -> Pointers | None:
        """Where an expression leads to in a body; ``None`` if it cannot be told."""
        resting = self.world.memory.resting
        until, why = resting.get(expression, (self.world.now(), ""))
        if until <= self.world.now():
            resting.pop(expression, None)
            try:
                return pointers_of(await self.world.renderer.paths(expression, body, MOST_PATHS), body)
            except SpecError as error:
                why = str(error)
                resting[expression] = (self.world.now() + _REST, why)
        self.failed[expression] = why
        return None
