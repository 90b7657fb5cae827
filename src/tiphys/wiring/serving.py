"""
The engine's HTTP server: what it shows before the engine is there and afterwards, and that it listens.

An engine delivers with or without it: where the address cannot be had, that is told and tried again.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from tiphys.core.languages.endpoints import parse_endpoint
from tiphys.core.webhooks import Heard
from tiphys.server.application import application
from tiphys.server.listening import listening
from tiphys.server.webhook import Limits, Webhook
from tiphys.wiring.metrics import Metrics
from tiphys.wiring.webhooks import KeptSecrets

log = structlog.get_logger()
AGAIN_AFTER = 10.0
"""Seconds until an address that was taken is tried again."""


@dataclass
class Face:
    """What is shown of an engine."""

    metrics: Metrics = field(default_factory=Metrics)
    waits_for: str = "the API server"
    """What the engine waits for before it is ready; empty when it is."""
    stands_by: str = ""
    """The engine that leads while this one stands by, which is ready for that."""
    webhook: Webhook | None = None
    """Who takes webhooks; ``None`` while the engine does not act."""

    def wait(self, what: str, leader: str = "") -> None:
        """Show that the engine does not act: what it waits for, or who leads. What it counted begins anew."""
        self.waits_for, self.stands_by = what, leader
        self.webhook, self.metrics = None, Metrics()

    def hear(self, secrets: KeptSecrets, tell: Callable[[Heard], None], limits: Limits) -> None:
        """Take webhooks from now on."""
        self.webhook = Webhook(secrets, tell, self.metrics.webhook, limits)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All metrics, in a form that the ``Accept`` header takes."""
        return self.metrics.exposition(accept)


@asynccontextmanager
async def serving(listen: str, face: Face) -> AsyncIterator[None]:
    """Show a face at an address for a ``with`` block."""
    task = asyncio.create_task(_serve(parse_endpoint(listen), listen, face))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _serve(endpoint: tuple[str, int], listen: str, face: Face) -> None:
    told = False
    while True:
        try:
            async with listening(application(face), endpoint) as listener:
                log.info("listening", url=listener.url)
                await asyncio.Event().wait()
        except OSError as error:
            if not told:
                log.warning("not listening", **_why(listen, error))
            told = True
        await asyncio.sleep(AGAIN_AFTER)


def _why(listen: str, error: OSError) -> dict[str, str]:
    return {
        "address": listen,
        "why": os.strerror(error.errno) if error.errno else str(error),
        "remedy": "set TIPHYS_LISTEN to another address, or to off; the engine goes on and tries again",
    }
