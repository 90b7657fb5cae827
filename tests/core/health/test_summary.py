"""The health of an application from its objects'."""

import pytest

from tiphys.core.health import summarise
from tiphys.model.flow import Health, HealthCode

HEALTHY, SUSPENDED, PROGRESSING, MISSING, DEGRADED, UNKNOWN = (Health(code, code) for code in HealthCode)


@pytest.mark.parametrize(
    ("healths", "worst"),
    [
        ([HEALTHY, SUSPENDED], SUSPENDED),
        ([SUSPENDED, PROGRESSING, HEALTHY], PROGRESSING),
        ([PROGRESSING, DEGRADED], DEGRADED),
        ([DEGRADED, UNKNOWN], UNKNOWN),
        ([None, HEALTHY], HEALTHY),
        ([MISSING, HEALTHY], HEALTHY),
    ],
)
def test_the_worst_counts(healths: list[Health | None], worst: Health):
    assert summarise(healths) == worst


def test_an_application_without_objects_that_have_a_health_is_healthy():
    assert summarise([]).code is HealthCode.HEALTHY
    assert summarise([None]).code is HealthCode.HEALTHY


def test_an_application_is_missing_only_when_everything_is():
    assert summarise([MISSING, MISSING], all_missing=True).code is HealthCode.MISSING
