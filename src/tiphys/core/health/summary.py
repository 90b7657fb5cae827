"""The health of an application: its objects' together."""

from collections.abc import Iterable

from tiphys.model.flow import Health, HealthCode

_ORDER = list(HealthCode)


def summarise(healths: Iterable[Health | None], *, all_missing: bool = False) -> Health:
    """
    The worst of the objects' healths, with its message; healthy where there are none.

    ``None`` stands for an object that has no health. As in Argo CD since 3.4, ``Missing`` counts only where
    every object is missing: what lacks some is out of sync, and says so.
    """
    if all_missing:
        return Health(HealthCode.MISSING, "None of the application's objects exists")
    counted = [each for each in healths if each and each.code is not HealthCode.MISSING]
    return max(counted, key=lambda each: _ORDER.index(each.code), default=Health(HealthCode.HEALTHY))
