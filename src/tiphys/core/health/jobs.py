"""Work that ends: Job and CronJob."""

from tiphys.core.health.reading import condition, flag, items, text
from tiphys.model.flow import Health, HealthCode
from tiphys.model.objects import Body


def job(body: Body) -> Health:
    """Running until it is complete or has failed; suspended as long as it is told to be."""
    failed, complete, suspended = (condition(body, kind) for kind in ("Failed", "Complete", "Suspended"))
    if failed and failed.true:
        return Health(HealthCode.DEGRADED, failed.message)
    if complete and complete.true:
        return Health(HealthCode.HEALTHY, complete.message)
    if suspended and suspended.true:
        return Health(HealthCode.SUSPENDED, suspended.message)
    return Health(HealthCode.PROGRESSING)


def cron_job(body: Body) -> Health:
    """As its last run did: failed, or running now, or good, or none yet; suspended if it is told to be."""
    if flag(body, "spec", "suspend"):
        return Health(HealthCode.SUSPENDED, "CronJob is suspended")
    scheduled, succeeded = (
        text(body, "status", "lastScheduleTime"),
        text(body, "status", "lastSuccessfulTime"),
    )
    if items(body, "status", "active"):
        return Health(HealthCode.PROGRESSING, "CronJob has active jobs")
    if not scheduled:
        return Health(HealthCode.HEALTHY, "CronJob has not been scheduled yet")
    # RFC 3339 in UTC, so the texts are in the order of the times. A run cannot end before it is scheduled.
    if succeeded >= scheduled:
        return Health(HealthCode.HEALTHY, "CronJob has completed its last execution successfully")
    return Health(HealthCode.DEGRADED, "CronJob has not completed its last execution successfully")
