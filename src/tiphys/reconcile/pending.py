"""
A revision that was begun and did not end: is somebody still at work on it, or did they die of it?

Helm refuses for ever to touch such a release. We look whether anybody is alive, and go on if not.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from tiphys.core.bootstrap.history import History, history_of
from tiphys.core.bootstrap.records import FAILED, Record
from tiphys.model.errors import Unavailable
from tiphys.reconcile.site import Scene, history, write

SILENCE = 6.0
"""Seconds without a sign of life after which one of ours is dead; there is one every two."""
HELMS_PATIENCE = timedelta(minutes=5)
"""What Helm gives an operation unless it is told otherwise; it shows no sign of life while it works."""


class Terms(Protocol):
    """What matters here of what a user wants."""

    @property
    def take_over(self) -> bool:
        """Go on whoever may be at work."""

    @property
    def dry_run(self) -> bool:
        """Change nothing."""


async def settled(past: History, scene: Scene, terms: Terms) -> History:
    """
    The history without a pending revision at its end: one that nobody works on any more is recorded as failed.

    Raises ``Unavailable`` while somebody may be at work.
    """
    pending = past.pending
    if not pending:
        return past
    if not terms.take_over:
        await _expect_dead(pending, scene)
    said = f"revision {pending.version} was begun and never ended ({pending.status})"
    scene.report.say(f"Going on: {said}, and nobody is at work on it")
    failed = replace(pending.told(FAILED, f"Interrupted: {said}"), beat=None)
    if not terms.dry_run:
        await write(failed, scene)
    return history_of((*past.records[:-1], failed))


async def _expect_dead(pending: Record, scene: Scene) -> None:
    named = f"revision {pending.version} of {pending.namespace}/{pending.name} ({pending.status})"
    if pending.beat is None:
        age = scene.now() - datetime.fromisoformat(pending.made)
        if age < HELMS_PATIENCE:
            left = int((HELMS_PATIENCE - age).total_seconds())
            raise Unavailable(
                f"helm began {named} {max(0, int(age.total_seconds()))} s ago and may be at work on it: wait, or if "
                f"you know that it is not, say --take-over (after {left} s that is not needed)"
            )
        return
    scene.report.say(f"Looking for {SILENCE:g} s whether somebody is at work on {named} …")
    await asyncio.sleep(SILENCE)
    newest = (await history(pending.name, pending.namespace, scene.site)).newest
    if newest and (newest.version != pending.version or newest.beat != pending.beat):
        raise Unavailable(
            f"another bootstrap is at work on {named}: wait until it is done and run this again"
        )
