"""
The status of an application from what a look found.

Times of conditions and health move only when what they tell changes, so that an unchanged application is not written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from tiphys.core.languages.texts import shortened
from tiphys.core.status.images import images_of, urls_of
from tiphys.model.api import (
    Application,
    ApplicationStatus,
    ComparedTo,
    Condition,
    HealthStatus,
    ResourceStatus,
    Summary,
    SyncStatus,
    storable,
)
from tiphys.model.flow import Comparison, Health, HealthCode, Pair, SyncCode
from tiphys.model.objects import Key

CONDITION = 10_000
"""The most characters of a condition: what an Application may hold in all is bounded by etcd (1.5 MB)."""


@dataclass(frozen=True)
class Findings:
    """What a look found out."""

    revision: str
    source_type: str
    pairs: Sequence[Pair]
    comparisons: Mapping[Key, Comparison]
    healths: Mapping[Key, Health | None]
    health: Health
    """Of the application as a whole."""
    waves: Mapping[Key, int] = field(default_factory=dict)
    conditions: Sequence[tuple[str, str]] = ()
    """Type and message."""


def code_of(comparisons: Iterable[Comparison]) -> SyncCode:
    """An application is as out of sync as its worst object; what cannot be compared makes it unknown."""
    codes = {comparison.code for comparison in comparisons}
    return next((c for c in (SyncCode.UNKNOWN, SyncCode.OUT_OF_SYNC) if c in codes), SyncCode.SYNCED)


def status_of(application: Application, found: Findings, now: str) -> ApplicationStatus:
    """The status after a look that could compare. The operation and the history stay as they are."""
    was = application.status
    lives = [pair.live for pair in found.pairs if pair.live]
    return replace(
        was,
        sync=SyncStatus(
            status=code_of(found.comparisons.values()),
            revision=found.revision,
            compared_to=ComparedTo(
                source=storable(application.spec.source),
                destination=application.spec.destination,
                ignore_differences=application.spec.ignore_differences,
            ),
        ),
        health=_health(was.health, found.health, now),
        resources=tuple(_resource(pair, found) for pair in sorted(found.pairs, key=lambda p: p.key)),
        conditions=_conditions(was.conditions, found.conditions, now),
        summary=Summary(
            images=images_of(lives),
            external_urls=urls_of(lives),
            is_app_of_apps=any(p.key.of == ("argoproj.io", "Application") for p in found.pairs),
        ),
        source_type=found.source_type,
        reconciled_at=now,
    )


def status_unknown(
    application: Application, condition: tuple[str, str], health: Health | None, now: str
) -> ApplicationStatus:
    """The status after a look that could not compare: what was known of the objects stays, the sync is Unknown."""
    was = application.status
    return replace(
        was,
        sync=replace(was.sync, status=SyncCode.UNKNOWN),
        health=_health(was.health, health, now) if health or not was.health.status else was.health,
        conditions=_conditions(was.conditions, [condition], now),
        reconciled_at=now,
    )


def without_time(status: ApplicationStatus) -> ApplicationStatus:
    """The status without the time of the look: equal if nothing was found to be otherwise."""
    return replace(status, reconciled_at="", observed_at="")


def _resource(pair: Pair, found: Findings) -> ResourceStatus:
    comparison, health = found.comparisons[pair.key], found.healths.get(pair.key)
    body = pair.target.body if pair.target else pair.live.body if pair.live else {}
    return ResourceStatus(
        group=pair.key.group,
        version=str(body.get("apiVersion", "")).rpartition("/")[2],
        kind=pair.key.kind,
        namespace=pair.key.namespace,
        name=pair.key.name,
        status=comparison.code,
        health=HealthStatus(status=health.code, message=health.message) if health else None,
        requires_pruning=comparison.requires_pruning,
        sync_wave=found.waves.get(pair.key, 0),
    )


def _health(was: HealthStatus, found: Health | None, now: str) -> HealthStatus:
    health = found or Health(HealthCode.UNKNOWN)
    since = was.last_transition_time if was.status == health.code else now
    return HealthStatus(status=health.code, message=health.message, last_transition_time=since or now)


def _conditions(
    was: Iterable[Condition], found: Iterable[tuple[str, str]], now: str
) -> tuple[Condition, ...]:
    since = {(c.type, c.message): c.last_transition_time for c in was}
    told = sorted({(kind, shortened(message, CONDITION)) for kind, message in found})
    return tuple(
        Condition(type=kind, message=message, last_transition_time=since.get((kind, message)) or now)
        for kind, message in told
    )
