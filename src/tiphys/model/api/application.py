"""
The Application: what a user asks for, what is under way, and how it is.
"""

from msgspec import field

from tiphys.model.api.meta import ObjectMeta
from tiphys.model.api.spec import ApplicationSpec
from tiphys.model.api.status import ApplicationStatus
from tiphys.model.api.sync import Operation
from tiphys.model.api.wire import API_VERSION, Wire


class Application(Wire, frozen=True, kw_only=True):
    """Manifests from Git or a chart repository that are kept live in a cluster."""

    # Factories, since a plain default would be left out when written.
    api_version: str = field(default_factory=lambda: API_VERSION)
    kind: str = field(default_factory=lambda: "Application")
    metadata: ObjectMeta
    spec: ApplicationSpec
    operation: Operation | None = None
    status: ApplicationStatus = ApplicationStatus()
