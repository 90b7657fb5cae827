"""
While Argo CD's controller runs in our namespace, ours stands by: two engines never act on the same Applications.

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
    """A gate that is open while no engine of Argo CD is at work."""

    others: Callable[[], Awaitable[Sequence[str]]]
    """The names of other engines that are at work. May raise ``Unavailable`` or ``Refused``."""
    tell: Callable[[], None] = lambda: None
    """Is called when we begin to wait."""
    pause: float = 5.0
    """Seconds between two looks."""
    _known: Sequence[str] | None = None

    async def opened(self) -> None:
        """Returns when no other engine is at work. Raises ``Unavailable`` if that cannot be asked the first time."""
        if self._known is None:
            await self._look_first()
        else:
            await self._look()
        if self._known:
            log.warning("standing by: another engine runs", engines=", ".join(self._known), remedy=_REMEDY)
            self.tell()
        while self._known:
            await asyncio.sleep(self.pause)
            await self._look()

    async def shut(self) -> None:
        """Returns when another engine is at work."""
        while not self._known:
            await asyncio.sleep(self.pause)
            await self._look()

    async def _look_first(self) -> None:
        try:
            self._known = await self.others()
        except Refused as refusal:
            log.warning("cannot see whether Argo CD runs here, and goes on", why=str(refusal))
            self._known = ()

    async def _look(self) -> None:
        """Who is at work; where nobody answers, it is as it was."""
        try:
            self._known = await self.others()
        except TiphysError as error:
            log.debug("not told who else is at work", why=str(error))
