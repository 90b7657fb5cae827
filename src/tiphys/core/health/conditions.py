"""
Custom resources, of which we know nothing but the customs of their controllers.

The customs are those that ``kstatus`` describes: ``status.observedGeneration`` tells whether the controller
has seen the newest spec, ``Stalled`` and ``Reconciling`` how it does, ``Ready`` or a condition like it
whether it is done. A resource that tells none of this has no health and holds nothing up, as in Argo CD
without a health script.
"""

from collections.abc import Sequence

from tiphys.core.health.reading import Condition, conditions, mapping, number
from tiphys.model.flow import Health, HealthCode
from tiphys.model.objects import Body

_FAILED = ("Stalled", "Failed")
_SUSPENDED = ("Paused", "Suspended")
_UNDERWAY = ("Reconciling", "Progressing", "Issuing", "Deploying")
_DONE = ("Ready", "Available", "Healthy", "Established", "Programmed", "Succeeded", "Complete", "Completed")

_UNFINISHED = frozenset(
    {
        "",
        "Creating",
        "Deploying",
        "Initializing",
        "InProgress",
        "Installing",
        "Issuing",
        "Pending",
        "Processing",
        "Progressing",
        "Provisioning",
        "Reconciling",
        "Starting",
        "Updating",
        "Waiting",
    }
)
"""Reasons by which something is not done rather than broken."""


def judge(body: Body) -> Health | None:
    """The health by conditions and observed generation."""
    generation = number(body, "metadata", "generation")
    observed = mapping(body, "status").get("observedGeneration")
    if observed is not None and number(body, "status", "observedGeneration") < generation:
        return Health(HealthCode.PROGRESSING, "The newest spec was not observed yet")
    found = conditions(body)
    if any(each.observed_generation and each.observed_generation < generation for each in found):
        return Health(HealthCode.PROGRESSING, "The newest spec was not observed yet")
    if failed := _holding(found, _FAILED):
        return Health(HealthCode.DEGRADED, _told(failed))
    if suspended := _holding(found, _SUSPENDED):
        return Health(HealthCode.SUSPENDED, _told(suspended))
    done = next((each for kind in _DONE for each in found if each.type == kind), None)
    underway = _holding(found, _UNDERWAY)
    if done is None:
        return Health(HealthCode.PROGRESSING, _told(underway)) if underway else None
    return _by_the_end(done, underway)


def _by_the_end(done: Condition, underway: Condition | None) -> Health:
    """
    By the condition that says whether it is done.

    A controller may call something available that it still works on (``Progressing`` is true of every
    finished Deployment), so what is done is healthy.
    """
    if done.true:
        return Health(HealthCode.HEALTHY, done.message)
    if done.false and not underway and done.reason not in _UNFINISHED:
        return Health(HealthCode.DEGRADED, _told(done))
    return Health(HealthCode.PROGRESSING, _told(underway or done))


def _holding(found: Sequence[Condition], kinds: Sequence[str]) -> Condition | None:
    return next((each for each in found if each.type in kinds and each.true), None)


def _told(each: Condition) -> str:
    return each.message or each.reason or f"{each.type} is {each.status}"
