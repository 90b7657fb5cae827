"""How long commits take until they are live, as histograms."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Histogram

_BUCKETS = (0.1, 0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600, 1800, 3600, 6 * 3600, 24 * 3600)
"""In seconds: from a render to what waits for somebody's sync."""
SYNC = "sync"


class LeadTimes:
    """Fulfils ``Meter``. By project, since applications come and go."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sync = Histogram(
            "tiphys_commit_to_sync_seconds",
            "Seconds from a commit until a sync had applied it.",
            ("project",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._stages = Histogram(
            "tiphys_lead_time_seconds",
            "Seconds of each stage of a commit's way: since the stage before, or in total until it was healthy.",
            ("project", "stage"),
            buckets=_BUCKETS,
            registry=registry,
        )

    def took(self, project: str, seconds: Mapping[str, float]) -> None:
        """Count the stages of a commit."""
        for stage, took in seconds.items():
            if stage == SYNC:
                self._sync.labels(project or "default").observe(took)
            else:
                self._stages.labels(project or "default", stage).observe(took)
