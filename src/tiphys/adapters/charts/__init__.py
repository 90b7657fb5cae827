"""
Chart repositories over HTTP: which versions there are, and their archives, kept on disk for good.

Which version a range means, and which repositories a project permits, others decide.
"""

from tiphys.adapters.charts.repositories import HttpChartRepositories
from tiphys.adapters.charts.settings import Settings

__all__ = ["HttpChartRepositories", "Settings"]
