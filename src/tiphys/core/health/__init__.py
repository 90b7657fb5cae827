"""How live objects do, each by itself and together."""

from tiphys.core.health.assess import assess
from tiphys.core.health.summary import summarise

__all__ = ["assess", "summarise"]
