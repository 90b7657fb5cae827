"""
Two engines never act on the same Applications: while Argo CD's controller runs in our namespace, ours stands by.

It looks again every few seconds, and costs no more than two small requests each time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from tiphys.model.errors import Refused, TiphysError

log = structlog.get_logger()
_REMEDY = "`tiphys migrate argocd` hands the Applications over; TIPHYS_BESIDE_ARGOCD=true has this engine act beside it"


@dataclass
class Standby:
    """Asks who else is at work."""

    others: Callable[[], Awaitable[Sequence[str]]]
    """The names of other engines that are at work. May raise ``Unavailable`` or ``Refused``."""
    pause: float = 5.0
    """Seconds between two looks."""
    _known: Sequence[str] = ()

    async def is_needed(self) -> bool:
        """Whether another engine is at work. Raises ``Unavailable`` where that cannot be asked."""
        try:
            self._known = await self.others()
        except Refused as refusal:
            log.warning("cannot see whether Argo CD runs here, and goes on", why=str(refusal))
            self._known = ()
        return bool(self._known)

    async def until_alone(self) -> None:
        """Returns when no other engine is at work."""
        if self._known:
            log.warning("standing by: another engine runs", engines=", ".join(self._known), remedy=_REMEDY)
        while self._known:
            await asyncio.sleep(self.pause)
            await self._look()
        log.info("going on: no other engine runs any more")

    async def while_alone(self, work: Callable[[], Awaitable[None]]) -> None:
        """
        Do some work until it ends, or until another engine is at work: then it is cancelled.

        What it was doing is found in the Applications by whoever goes on, as after a restart.
        """
        working, watching = asyncio.ensure_future(work()), asyncio.ensure_future(self._joined())
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            for task in (working, watching):
                task.cancel()
            await asyncio.gather(working, watching, return_exceptions=True)

    async def _joined(self) -> None:
        """Returns when another engine is at work."""
        while not self._known:
            await asyncio.sleep(self.pause)
            await self._look()

    async def _look(self) -> None:
        """Who is at work; where nobody answers, it is as it was."""
        try:
            self._known = await self.others()
        except TiphysError as error:
            log.debug("not told who else is at work", why=str(error))
