"""
What the server answers: probes, metrics, webhooks.

What a figure is, and when the engine is ready, is told by whoever put the engine together.
"""

from typing import Protocol

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tiphys.server.webhook import Webhook

log = structlog.get_logger()


class Engine(Protocol):
    """As much of the engine as is shown."""

    @property
    def waits_for(self) -> str:
        """What it waits for before it is ready; empty when it is."""

    @property
    def stands_by(self) -> str:
        """The engine that leads while this one stands by; empty when this one acts, or will."""

    @property
    def webhook(self) -> Webhook | None:
        """Who takes webhooks; ``None`` while the engine does not act."""

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All metrics as text in a form that the ``Accept`` header takes, and the form's content type."""


def application(engine: Engine) -> Starlette:
    """The application that shows an engine."""

    async def healthy(_: Request) -> Response:
        # The answer comes from the loop that does all the work: that it comes is what is asked.
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        if engine.waits_for:
            return PlainTextResponse(f"not ready: waits for {engine.waits_for}\n", 503)
        return PlainTextResponse(
            f"ok, standing by: {engine.stands_by} leads\n" if engine.stands_by else "ok\n"
        )

    async def metrics(request: Request) -> Response:
        text, content_type = engine.exposition(request.headers.get("accept", ""))
        return Response(text, headers={"content-type": content_type})

    async def webhook(request: Request) -> Response:
        if engine.webhook is None:
            why = f"waits for {engine.waits_for}" if engine.waits_for else f"{engine.stands_by} leads"
            return PlainTextResponse(f"not ready: {why}\n", 503, {"Retry-After": "5"})
        return await engine.webhook.answer(request)

    routes = [
        Route("/healthz", healthy),
        Route("/readyz", ready),
        Route("/metrics", metrics),
        Route("/api/webhook", webhook, methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={Exception: _bug})


async def _bug(request: Request, error: Exception) -> Response:
    """Our own code failed: the log has the rest."""
    log.error("bug: a request failed", path=request.url.path, exc_info=error)
    return PlainTextResponse("a bug in Tiphys; the engine's log tells where\n", 500)
