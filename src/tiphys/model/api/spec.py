"""
What a user asks of an application: sources, destination, policy.
"""

from tiphys.model.api.hydrator import SourceHydrator
from tiphys.model.api.source import ApplicationSource
from tiphys.model.api.sync import Info, SyncPolicy
from tiphys.model.api.wire import Wire


class Destination(Wire, frozen=True, kw_only=True):
    """The cluster, by URL or by name, and the namespace for objects that name none."""

    server: str = ""
    name: str = ""
    namespace: str = ""


class IgnoreDifference(Wire, frozen=True, kw_only=True):
    """Fields whose difference does not count, of the objects that group, kind, name and namespace match."""

    group: str = ""
    kind: str
    name: str = ""
    namespace: str = ""
    json_pointers: tuple[str, ...] = ()
    jq_path_expressions: tuple[str, ...] = ()
    managed_fields_managers: tuple[str, ...] = ()


class ApplicationSpec(Wire, frozen=True, kw_only=True):
    """What should run, where it comes from, and where it goes. With sources, source is not looked at."""

    project: str
    destination: Destination
    source: ApplicationSource | None = None
    sources: tuple[ApplicationSource, ...] = ()
    source_hydrator: SourceHydrator | None = None
    sync_policy: SyncPolicy | None = None
    ignore_differences: tuple[IgnoreDifference, ...] = ()
    info: tuple[Info, ...] = ()
    revision_history_limit: int | None = None
