"""
The webhook's address: how much is read of whom, and what they are answered.

What a request means is decided in ``core/webhooks``; what becomes of it is for whoever is told.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from tiphys.core.webhooks import Delivery, Forged, Heard, Ignored, Malformed, Secrets, read, sender_of
from tiphys.model.errors import TiphysError
from tiphys.server.rates import Bucket

log = structlog.get_logger()
MIB = 1 << 20
MOST = 50
"""News of one request that are passed on; what more there is, the next poll finds."""


@dataclass(frozen=True)
class Limits:
    """What all senders together may have."""

    body: int = 2 * MIB
    """Bytes of a body."""
    seconds: float = 10.0
    """For a body to arrive."""
    parallel: int = 8
    rate: float = 20.0
    """Requests a second in the long run."""
    burst: float = 100.0


class Outcome(NamedTuple):
    """What a request is answered."""

    code: int
    why: str
    again: float = 0.0
    """Seconds after which it may be tried again; 0 if that is pointless."""


@dataclass
class Webhook:
    """Takes requests, one body at a time for each of a few."""

    secrets: Callable[[], Awaitable[Secrets]]
    """As they are now. May raise ``TiphysError``."""
    tell: Callable[[Heard], None]
    counted: Callable[[str, int], None] = lambda _, __: None
    """Told of the sender's name (empty if unknown) and the code of each answer."""
    limits: Limits = field(default_factory=Limits)
    _reading: int = 0

    def __post_init__(self) -> None:
        self._bucket = Bucket(self.limits.rate, self.limits.burst)
        # Strangers must not fill the log.
        self._complaints = Bucket(rate=0.1, burst=5)

    async def answer(self, request: Request) -> Response:
        """The answer to a request."""
        # A secret may hold any letter, and what is no text is nobody's secret.
        headers = {
            name.decode("latin-1"): value.decode("utf-8", "replace") for name, value in request.headers.raw
        }
        sender = sender_of(Delivery(headers, b"", request.query_params))
        outcome = self._turned_away(headers) or await self._heard(request, headers)
        self.counted(sender.name if sender else "", outcome.code)
        text = f"{outcome.why}\n"
        again = {"Retry-After": str(math.ceil(outcome.again))} if outcome.again else {}
        return PlainTextResponse(text, outcome.code, again)

    def _turned_away(self, headers: dict[str, str]) -> Outcome | None:
        """Why nothing is read of a request."""
        if wait := self._bucket.wait():
            return Outcome(429, "too many requests: commits are found by polling all the same", wait)
        if headers.get("content-encoding", "identity") != "identity":
            return Outcome(415, "a compressed body is not read: send it as it is")
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self.limits.body:
            return self._too_large()
        if self._reading >= self.limits.parallel:
            return Outcome(429, "too many requests at once: commits are found by polling all the same", 1)
        return None

    async def _heard(self, request: Request, headers: dict[str, str]) -> Outcome:
        self._reading += 1
        try:
            async with asyncio.timeout(self.limits.seconds):
                body = await self._body(request)
        except TimeoutError:
            return Outcome(408, f"the body did not arrive within {self.limits.seconds:g} s")
        except ClientDisconnect:
            return Outcome(400, "the body ended early")
        finally:
            self._reading -= 1
        if body is None:
            return self._too_large()
        try:
            secrets = await self.secrets()
        except TiphysError as error:
            log.warning("webhook not heard", why=str(error))
            return Outcome(503, "the secrets of webhooks cannot be read now; the engine's log tells why", 10)
        return self._told(Delivery(headers, body, request.query_params), secrets)

    def _told(self, delivery: Delivery, secrets: Secrets) -> Outcome:
        match read(delivery, secrets):
            case Forged(why):
                if not self._complaints.wait():
                    log.warning("webhook refused", why=why)
                return Outcome(401, why)
            case Malformed(why):
                return Outcome(400, why)
            case Ignored(why):
                return Outcome(200, f"ignored: {why}")
            case found:
                for heard in found[:MOST]:
                    self.tell(heard)
                return Outcome(202, "heard")

    async def _body(self, request: Request) -> bytes | None:
        """The body, ``None`` if it is too large; no more is read of it than may be, however it is sent."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self.limits.body:
                return None
        return bytes(body)

    def _too_large(self) -> Outcome:
        most = self.limits.body / MIB
        return Outcome(
            413, f"the body is larger than {most:g} MiB: the commit is found by polling all the same"
        )
