"""
What the engine needs of an object's metadata. The API server owns its schema, so ours leaves it open.
"""

from msgspec import field

from tiphys.model.api.wire import Wire


class OwnerReference(Wire, frozen=True, kw_only=True):
    """The object that this one belongs to, and dies with."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False
    block_owner_deletion: bool = False


class ObjectMeta(Wire, frozen=True, kw_only=True):
    """Name, identity and marks of an object. Times are RFC 3339."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[OwnerReference, ...] = ()
    creation_timestamp: str = ""
    deletion_timestamp: str = ""
