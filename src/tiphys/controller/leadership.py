"""
One of the engines on a namespace acts, the others stand by: the election by a Lease, as a gate.

What is concluded from the Lease is decided in ``core/election``. Here it is read and written, in time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from tiphys.core.election.lease import (
    Follow,
    Hold,
    Standing,
    Try,
    advance,
    claim,
    lost,
    released,
    saw,
    won,
)
from tiphys.model.errors import TiphysError
from tiphys.model.leases import LeaseRecord

log = structlog.get_logger()
_NAP = 1.0
"""The longest sleep in seconds: a machine that slept meanwhile finds out so soon that its time is over."""
_FAREWELL = 2.0
"""Seconds for which we try to make way when we end."""


class Lease(Protocol):
    """The Lease. Both raise ``Unavailable`` without an answer within the deadline, ``Refused`` without the right."""

    async def read(self, deadline: float) -> LeaseRecord | None:
        """What it says; ``None`` if there is none."""

    async def write(self, record: LeaseRecord, deadline: float) -> LeaseRecord | None:
        """The record as it was written; ``None`` where it is not of the record's version any more."""


@dataclass(frozen=True)
class Clocks:
    """What time it is."""

    steady: Callable[[], float]
    """Seconds that never go back, and go on while the machine sleeps."""
    wall: Callable[[], datetime]
    """The time of day, in UTC."""


@dataclass
class Leadership:
    """A gate that is open while this engine leads."""

    lease: Lease
    standing: Standing
    clocks: Clocks
    tell: Callable[[str], None] = lambda _: None
    """Is called with the leader's name when we begin to follow it."""
    _told: str = ""
    _heard: bool = False
    """Whether the API server ever answered."""

    async def opened(self) -> None:
        """Returns when this engine leads. Raises ``TiphysError`` if the Lease cannot be asked for the first time."""
        self._told = ""
        while not self.leads:
            await self._step()
            self._tell_leader()
        log.info("leading", engine=self.standing.me.name)

    async def shut(self) -> None:
        """Keeps the Lease; returns when this engine leads no more."""
        while self.leads:
            await self._step()
        if self.standing.leader == self.standing.me.name:
            log.warning("not leading any more: the Lease could not be renewed in time")
        else:
            log.warning("not leading any more: another engine took the Lease", leader=self.standing.leader)

    async def make_way(self) -> None:
        """Give the Lease back, if it is ours, so that the next engine begins at once."""
        if not self.leads:
            return
        record = released(self.standing, self._stamp())
        try:
            if await self.lease.write(record, _FAREWELL):
                log.info("made way for the next engine")
        except TiphysError as error:
            log.warning("the next engine has to wait until the Lease ends", why=str(error))

    @property
    def leads(self) -> bool:
        """Whether this engine may act."""
        return self.standing.leads(self.clocks.steady())

    async def _step(self) -> None:
        match advance(self.standing, self.clocks.steady()):
            case Hold(seconds):
                await asyncio.sleep(min(seconds, _NAP))
            case Follow(seconds) if seconds > 0:
                await asyncio.sleep(seconds)
            case Follow():
                await self._look()
            case Try():
                await self._try()

    async def _look(self) -> None:
        try:
            record = await self.lease.read(self._deadline())
        except TiphysError as error:
            self._silent(error)
            await asyncio.sleep(min(self.standing.retry, self._deadline()))
            return
        self._heard = True
        self.standing = saw(self.standing, record, self.clocks.steady())

    async def _try(self) -> None:
        asked = self.clocks.steady()
        try:
            written = await self.lease.write(claim(self.standing, self._stamp()), self._deadline())
        except TiphysError as error:
            self.standing = lost(self.standing, asked, outrun=False)
            self._silent(error)
            return
        self._heard = True
        if written:
            self.standing = won(self.standing, written, asked)
        else:
            self.standing = lost(self.standing, asked, outrun=True)

    def _deadline(self) -> float:
        """Seconds for one question: none that a leader asks ends after its time."""
        most, now = 2 * self.standing.retry, self.clocks.steady()
        return min(most, max((self.standing.until or now) - now, 0.1)) if self.leads else most

    def _silent(self, error: TiphysError) -> None:
        if not self._heard:
            raise error
        log.debug("the Lease cannot be asked", why=str(error))

    def _tell_leader(self) -> None:
        """Say once whom we follow; without an answer that is what was heard last."""
        leader = self.standing.leader
        if self.leads or leader in ("", self._told) or self.standing.me.was(leader):
            return
        self._told = leader
        log.info("standing by: another engine leads", leader=leader)
        self.tell(leader)

    def _stamp(self) -> str:
        return f"{self.clocks.wall():%Y-%m-%dT%H:%M:%S.%fZ}"
