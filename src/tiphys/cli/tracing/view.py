"""A commit's way as text and as facts. Values in, values out."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from tiphys.cli.app.views import qualified
from tiphys.cli.output import fields, span, table
from tiphys.cli.tracing.commits import Code, Trace
from tiphys.core.timeline.entries import TIMES, Entry, facts_of
from tiphys.core.timeline.steps import Step, steps_of

_WORDS = {"started": "syncing"}
_OPTIONAL = ("built", "pushed")
_SHORT = 10


def whole(trace: Trace) -> str:
    """One commit in one application: what it is, its steps, and how far it is."""
    entry = trace.entry
    told = [("Application:", qualified(trace.app)), ("Commit:", f"{entry.revision[:12]}  {entry.subject}")]
    told += [("Image:", image) for image in entry.images]
    told += [("Digest:", entry.digest), ("Source Commit:", entry.source_commit)]
    return "\n\n".join(
        (fields((name, value) for name, value in told if value), _steps(entry), _ending(trace))
    )


def _steps(entry: Entry) -> str:
    known = {step.name: step for step in steps_of(entry)}
    shown = [name for name in TIMES if name in known or name not in _OPTIONAL]
    return table(("STEP", "TIME", "AFTER"), (_row(name, known.get(name), entry) for name in shown))


def _row(name: str, step: Step | None, entry: Entry) -> tuple[str, str, str]:
    word = _WORDS.get(name, name)
    if step is None:
        needless = name in ("started", "applied") and entry.healthy
        return word, "not needed" if needless else "not known" if name == "committed" else "-", ""
    if step.skew:
        return word, clock(step.at), f"clocks differ by {precise(step.skew)} or more"
    return word, clock(step.at), precise(step.took) if step.took is not None else ""


def _ending(trace: Trace) -> str:
    code, said = trace.standing
    total = trace.lead_time
    if code not in (Code.LIVE, Code.SUPERSEDED) or not trace.carrier or not trace.carrier.healthy:
        return _sentence(said)
    if trace.entry.first:
        return (
            f"{_sentence(said)} It was there before the engine took note of commits, so no lead time is told."
        )
    if total is None:
        return f"{_sentence(said)} The lead time is not known, since clocks differ."
    begin = steps_of(trace.entry)[0].name
    return f"{_sentence(said)} Lead time: {precise(total)}, from {_WORDS.get(begin, begin)} to healthy."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def listing(traces: Iterable[Trace]) -> str:
    """Several commits of an application, a line each."""
    return table(("COMMIT", "COMMITTED", "LEAD TIME", "STATE", "SUBJECT"), (_line(trace) for trace in traces))


def _line(trace: Trace) -> tuple[str, ...]:
    entry, total = trace.entry, trace.lead_time
    code, _ = trace.standing
    return (
        entry.revision[:_SHORT],
        clock(entry.committed) if entry.committed else "-",
        precise(total) if total is not None else "-",
        code.value,
        entry.subject,
    )


def facts(trace: Trace) -> dict[str, Any]:
    """What scripts read."""
    entry, total = trace.entry, trace.lead_time
    code, said = trace.standing
    [told] = facts_of([entry])
    return {
        "application": trace.app.metadata.name,
        "namespace": trace.app.metadata.namespace,
        **told,
        "state": code.value,
        "message": said,
        "steps": [_step(step) for step in steps_of(entry)],
        "leadTimeSeconds": None if total is None else total.total_seconds(),
    }


def _step(step: Step) -> dict[str, Any]:
    at = step.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    seconds = {"seconds": step.took.total_seconds()} if step.took is not None else {}
    skew = {"clockSkewSeconds": step.skew.total_seconds()} if step.skew else {}
    return {"name": step.name, "at": at, **seconds, **skew}


def news(before: Entry | None, now: Entry, application: str) -> Iterator[str]:
    """What happened to a commit between two readings, a line each."""
    past = {step.name for step in steps_of(before)} if before else set()
    for step in steps_of(now):
        if step.name not in past:
            took = f" after {precise(step.took)}" if step.took is not None else ""
            said = f"{now.revision[:7]} {_WORDS.get(step.name, step.name)}{took}"
            yield f"{step.at.astimezone():%H:%M:%S}  {application}: {said}"


def clock(at: datetime) -> str:
    """A time in the user's time zone, to the millisecond."""
    here = at.astimezone()
    return f"{here:%Y-%m-%d %H:%M:%S}.{here.microsecond // 1000:03d} {here:%z}"


def precise(length: timedelta) -> str:
    """A duration in the unit that tells most: ``120ms``, ``4.2s``, ``1h2m3s``."""
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    return f"{seconds:.1f}s" if seconds < 60 else span(length)


def text(traces: Sequence[Trace]) -> str:
    """Commits of several applications, one after the other."""
    return "\n\n\n".join(whole(trace) for trace in traces)
