"""Structured logs: JSON lines for machines, readable lines on a terminal. Standard error, always."""

import logging
import sys

import structlog

from tiphys.model.errors import SpecError

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def begin_logs(level: str, style: str) -> None:
    """Set up logging for the process. ``style`` is ``text``, ``json`` or ``auto`` (text on a terminal)."""
    if level not in LEVELS:
        raise SpecError(f"log level {level!r} is not known: use one of {', '.join(LEVELS)}")
    if style not in ("auto", "text", "json"):
        raise SpecError(f"log format {style!r} is not known: use auto, text or json")
    terminal = sys.stderr.isatty()
    text = style == "text" or (style == "auto" and terminal)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if text else "iso", utc=not text),
            *_last(text=text, colours=terminal),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        # Standard error as it is when something is logged, and not as it was when logging began.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _last(*, text: bool, colours: bool) -> list[structlog.typing.Processor]:
    if text:
        # Never a traceback with local variables: they may hold what a Secret holds.
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=14, exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
